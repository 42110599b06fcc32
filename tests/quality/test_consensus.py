"""What several labels say together, by each method, with its certainty; and what exports make of that."""

import json
import random
from collections import Counter
from hashlib import sha256
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from annotate import consensus, exporting, horizons, importing, kinds, releasing, running
from annotate.consensus import Votes
from annotate.models import Assignment, Label, Queue, Task, User
from annotate.releasing import building
from rankings.consensus import RaterSkill
from tests import factories as make
from tests.exporting.test_combining import a_rated_queue, better
from tests.journeys import research

COMPARE, RANK, WRITE = (kinds.get(name) for name in ("compare", "rank", "write"))


def said(*winners: str) -> Votes:
    return Votes(COMPARE, ["a", "b"], [{"winner": one, "comment": ""} for one in winners], range(len(winners)))


def ranked(*orders: str) -> Votes:
    """Each order as "b>a=c"."""
    payloads = []
    for order in orders:
        places = {name: place for place, group in enumerate(order.split(">"), 1) for name in group.split("=")}
        payloads.append({"ranks": places, "unusable": [], "comment": ""})
    return Votes(RANK, sorted(payloads[0]["ranks"]), payloads, range(len(payloads)))


def by(method: str, votes: Votes) -> tuple[Any, float]:
    found = consensus.get(method).say(votes)
    assert found is not None
    return found.payload.get("winner") or found.payload.get("ranks"), found.certainty


# --- One task --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("winners", "winner", "certainty"),
    [("a", "a", 3 / 4), ("aa", "a", 7 / 8), ("aab", "a", 11 / 16), ("aaa", "a", 15 / 16), ("aabbb", "b", 42 / 64)],
)
def test_a_majority_is_as_sure_as_a_uniform_prior_makes_it(winners, winner, certainty):
    assert by("majority", said(*winners)) == (winner, certainty)


def test_without_a_majority_nothing_is_said():
    assert consensus.get("majority").say(said("a", "b")) is None
    assert consensus.get("majority").say(said("a", "b", "tie")) is None


def test_together_is_as_sure_as_it_stays_without_one_of_them():
    assert by("consensus", said("a")) == ("a", 0.0)
    assert by("consensus", said("a", "a")) == ("a", 1.0)
    assert by("consensus", said("a", "b")) == ("tie", 0.5)
    winner, certainty = by("consensus", said("a", "a", "b"))
    assert winner == "a" and certainty == pytest.approx(2 / 3)
    texts = [{"text": one, "comment": ""} for one in ("one two three", "one two four", "five")]
    found = consensus.get("consensus").say(Votes(WRITE, [], texts, range(3)))
    assert found is not None and found.certainty < 0.5


def test_ties_and_cycles_stay_ties():
    for method in ("consensus", "bradley-terry", "rater-skill"):
        assert by(method, ranked("a>b>c", "b>c>a", "c>a>b"))[0] == {"a": 1, "b": 1, "c": 1}, method
        assert by(method, said("a", "b"))[0] == "tie", method
    assert by("bradley-terry", ranked("a>b>c", "b>c>a", "c>a>b"))[1] == 0.5
    assert by("bradley-terry", said("a", "b")) == ("tie", 0.5)
    assert by("bradley-terry", said("both_bad", "both_bad", "a"))[0] == "both_bad"


def test_strength_within_a_prompt_orders_and_is_the_surer_the_more_say_so():
    once, twice = by("bradley-terry", ranked("a>b=c")), by("bradley-terry", ranked("a>b=c", "a>b=c"))
    assert once[0] == twice[0] == {"a": 1, "b": 2, "c": 2}
    assert 0.5 < once[1] < twice[1] < 1
    sure = [by("bradley-terry", said(*"a" * many))[1] for many in (1, 2, 3, 5)]
    assert sure == sorted(sure) and sure[0] == pytest.approx(0.75, abs=0.03)  # about as a uniform prior has it


def test_methods_are_offered_where_they_suit():
    names = {kind: [one.name for one in consensus.for_kind(kinds.get(kind))] for kind in ("write", "rank", "compare")}
    plain = ["majority", "consensus"]
    assert names == {
        "write": plain,
        "rank": [*plain, "bradley-terry", "rater-skill"],
        "compare": [*plain, "dawid-skene", "bradley-terry", "rater-skill"],
    }
    assert [one.name for one in consensus.for_kind(kinds.get("thumbs"))] == [*plain, "dawid-skene"]


def test_unusable_is_behind_whatever_is_usable():
    """Two put "a" first, two call it unusable: no majority either way. What nobody orders stays level, and unasked."""
    first, without = {"ranks": {"a": 1, "b": 2}, "unusable": []}, {"ranks": {"b": 1}, "unusable": ["a"]}
    method = consensus.get("bradley-terry")
    even = method.say(Votes(RANK, ["a", "b"], [first, first, without, without], range(4)))
    assert even is not None and even.payload["ranks"] == {"a": 1, "b": 1} and even.certainty == 0.5
    alone = {"ranks": {"a": 1}, "unusable": ["b", "c"]}
    one = method.say(Votes(RANK, ["a", "b", "c"], [alone], range(1)))
    assert one is not None and (one.payload["ranks"], one.payload["unusable"]) == ({"a": 1}, ["b", "c"])
    assert one.certainty > 0.7


# --- Learned from a queue --------------------------------------------------------------------------------------------


def a_judged_queue(kind: str, skills: list[float], tasks: int = 120) -> tuple[Queue, list[Task], list[User], list[str]]:
    """Raters who are right with these chances; of each task "a" or "b", in the task's own order, is the truth."""
    chance = random.Random(3)
    work = make.a_queue(kind=kind, overlap=len(skills), options={"strength": False})
    people = [make.a_member(work.project) for _ in skills]
    made = [make.a_task(work, responses=["A", "B"], places=len(skills)) for _ in range(tasks)]
    Assignment.objects.all().delete()
    truths = [chance.choice("ab") for _ in range(tasks)]
    places: list[Assignment] = []
    labels: list[Label] = []
    for task, truth in zip(made, truths, strict=True):
        for slot, (person, skill) in enumerate(zip(people, skills, strict=True), 1):
            places.append(Assignment(task=task, queue=work, slot=slot, position=0, state="done", annotator=person))
            winner = truth if chance.random() < skill else "ba"["ab".index(truth)]
            payload: dict[str, Any] = {"winner": winner, "comment": ""}
            if kind == "thumbs":
                payload = {"thumbs": {"a": winner == "a", "b": winner == "b"}, "comment": ""}
            about = {
                "assignment": places[-1],
                "task": task,
                "queue": work,
                "annotator": person,
                "shown": task.response_ids,
            }
            labels.append(Label(**about, payload=payload, fence=1, body_digest=b""))
    Assignment.objects.bulk_create(places)
    Label.objects.bulk_create(labels)
    return work, made, people, truths


def winners(work: Queue, method: str) -> dict[str, str]:
    """By task id, in the task's own order."""
    rows = exporting.rows(work, "raw", {"raters": method})
    return {row["task_id"]: json.loads(row["payload"])["winner"] for row in rows}


@pytest.mark.django_db
def test_reliability_is_learned_and_beats_the_majority():
    """Two who are nearly always right and three who toss a coin: some 115 of 120 right, where the majority has 98.

    Dawid and Skene's depend a little on the order in which responses are named, which goes by their ids.
    """
    work, tasks, people, truths = a_judged_queue("compare", [0.95, 0.95, 0.5, 0.5, 0.5])
    found = {method: winners(work, method) for method in ("majority", "bradley-terry", "dawid-skene", "rater-skill")}
    right = {
        method: sum(said[str(task.pk)] == truth for task, truth in zip(tasks, truths, strict=True))
        for method, said in found.items()
    }
    assert right.pop("dawid-skene") in range(113, 119)
    assert right == {"majority": 98, "bradley-terry": 98, "rater-skill": 115}
    learned = consensus.get("rater-skill").fitted(work, horizons.of_labels(work), ())
    assert isinstance(learned, RaterSkill)
    weights = learned.weights(Votes(COMPARE, ["a", "b"], [], [one.pk for one in people]))
    assert weights is not None
    assert min(weights[:2]) > max(weights[2:]) + 0.3
    rows = list(exporting.rows(work, "preference", {"raters": "dawid-skene"}))
    assert {row["raters"] for row in rows} == {5} and all(0.5 <= row["certainty"] <= 1 for row in rows)


@pytest.mark.django_db
def test_of_several_items_each_is_decided():
    work, tasks, _people, truths = a_judged_queue("thumbs", [0.9, 0.9, 0.5], tasks=60)
    rows = list(exporting.rows(work, "raw", {"raters": "dawid-skene"}))
    good = {row["task_id"]: json.loads(row["payload"])["thumbs"] for row in rows}
    right = sum(good[str(task.pk)][truth] for task, truth in zip(tasks, truths, strict=True))
    assert right == 51


@pytest.mark.django_db
def test_level_answers_stay_ties_and_unknown_methods_are_refused():
    work = a_rated_queue([better("a"), better("b")], [better("b"), better("a")])
    assert set(winners(work, "dawid-skene").values()) == {"tie"}
    with pytest.raises(ValidationError) as refused:
        exporting.count(make.a_queue(kind="write"), "raw", {"raters": "bradley-terry"})
    assert "majority" in refused.value.message_dict["raters"][0]


@pytest.mark.django_db
def test_a_release_with_a_learned_consensus_is_the_same_when_it_is_built_again(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "uploads"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    work, tasks, *_rest = a_judged_queue("compare", [0.9, 0.8, 0.6], tasks=30)
    asked = [{"format": "raw"}, {"format": "preference"}]
    releases = [
        releasing.run_now(work, work.created_by, asked, options={"raters": method})
        for method in ("dawid-skene", "rater-skill")
    ]
    # Afterwards there is one label more, and a task that was work is a check.
    make.a_task(work)
    make.a_label(make.a_member(work.project), work, {"winner": "a", "comment": ""})
    Task.objects.filter(pk=tasks[0].pk).update(role="gold")
    for release in releases:
        before = {one.name: one.sha256 for one in release.files.all()}
        building.build(release, tmp_path / str(release.number))
        after = {name: sha256((tmp_path / str(release.number) / name).read_bytes()).hexdigest() for name in before}
        assert after == before and len(before) > 4


# --- Published votes -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_pandalms_votes_together():
    """500 pairs with three votes each, which agree in 423, and differ altogether in none.

    Two of three decide every pair, so no method leaves one out: 84 are ties by majority and by Dawid and Skene, who
    finds all three about as reliable. Bradley-Terry gives 13 of these to the one that a single vote prefers (two ties
    and a win are more wins than losses) and so has 71.
    """
    work = make.a_queue(kind="compare", options=running.checked_options("compare", {}))
    with (research.folder() / "pandalm" / "votes_500.json").open("rb") as file:
        importing.run_now(work, work.created_by, file, "votes_500.json")
    found = {one.name: winners(work, one.name) for one in consensus.for_kind(work.way)}
    ties = {method: Counter(some.values())["tie"] for method, some in found.items()}
    assert ties == {"majority": 84, "consensus": 84, "dawid-skene": 84, "bradley-terry": 71, "rater-skill": 71}
    assert found["majority"] == found["consensus"] == found["dawid-skene"]
    assert found["bradley-terry"] == found["rater-skill"]
    counts = exporting.count(work, "preference", {"raters": "majority"})
    assert (counts.labels, counts.undecided, counts.ties_dropped, counts.empty_dropped, counts.rows) == (
        1500,
        0,
        84,
        6,
        410,
    )
    sure = [row["certainty"] for row in exporting.rows(work, "raw", {"raters": "dawid-skene"})]
    assert sum(sure) / 500 == pytest.approx(0.995, abs=2e-3) and min(sure) > 0.5
    agreement = Counter(round(row["agreement"], 3) for row in exporting.rows(work, "raw", {"raters": "majority"}))
    assert agreement == {1.0: 423, 0.667: 39, 0.333: 38}

"""Bias reports: what sways annotators, on published votes and on simulated people whose sway is known."""

import csv
import io
import json
from typing import Any

import numpy as np
import pytest
from django.urls import reverse

from annotate import consensus, horizons, importing, labelling, reviewing
from annotate.models import Label, Role
from rankings.bias import people, telling
from rankings.bias.making import report
from rankings.boards import meetings
from rankings.boards.meetings import Meetings
from rankings.consensus import RaterSkill
from tests import factories as make
from tests.api.callers import Caller
from tests.pages.desk import client_of
from tests.quality import pandalm
from tests.quality.test_boards import compared


def simulated(prompts=600, raters=6, first=0.0, length=0.0, seed=0, seconds=None, skill=None) -> Meetings:
    """People who choose between two models of equal strength: `first` and `length` are added to the odds (natural
    logarithms) for the place and for twice the length; `skill`: how much each goes by the truth, the same for all.
    """
    random = np.random.default_rng(seed)
    many = prompts * raters
    prompt, rater = np.repeat(np.arange(prompts), raters), np.tile(np.arange(raters), prompts)
    lengths = np.exp(random.normal(6, 0.7, (prompts, 2)))[prompt]
    quality = random.normal(0, 1, prompts)[prompt] * (1.0 if skill is None else np.asarray(skill)[rater])
    left = random.random(many) < 0.5  # whether the response of model 0 was shown first
    lean = np.where(left, 1, -1) * first + np.log2(lengths[:, 0] / lengths[:, 1]) * length + quality
    won = random.random(many) < 1 / (1 + np.exp(-lean))
    model = np.where(won, 0, 1)
    places = np.where(left, 0, 1)
    style = np.zeros((many, 5))
    winner_style, loser_style = style.copy(), style.copy()
    winner_style[:, 0] = np.where(won, lengths[:, 0], lengths[:, 1])
    loser_style[:, 0] = np.where(won, lengths[:, 1], lengths[:, 0])
    taken = np.full(many, 20.0) if seconds is None else np.asarray(seconds)[rater]
    return Meetings(
        models=["a", "b"],
        categories=[""],
        label=np.arange(many),
        task=prompt,
        prompt=prompt,
        annotator=rater + 1,
        category=np.zeros(many, np.int64),
        created=np.arange(many, dtype=float),
        seconds=taken,
        winner=model,
        loser=1 - model,
        tie=np.zeros(many, bool),
        winner_response=2 * prompt + model,
        loser_response=2 * prompt + 1 - model,
        winner_place=np.where(won, places, 1 - places),
        loser_place=np.where(won, 1 - places, places),
        winner_style=winner_style,
        loser_style=loser_style,
        labels=many,
    )


def figures(told):
    return {one.name: one for one in telling.figures(told, "/labels/")}


@pytest.mark.django_db
def test_the_bias_report_of_pandalm():
    """The first response of a pair won 48.5 % of 1,235 decided votes: no lean, as 50 % is in the interval. The longer
    one won 60.9 % of 1,216 (some pairs are equally long), at the lower end of what is usual. 94.3 % of votes are that
    of the two others where these agree, on 1,346 votes; each two people say the same in 89.7 %. No vote has a time.
    """
    told = report(meetings.gather([pandalm.imported()]))
    found = {name: tuple(round(told[name][part], 3) for part in ("value", "low", "high")) for name in
             ("first", "longer", "majority")}  # fmt: skip
    assert found == {
        "first": (0.485, 0.439, 0.531),
        "longer": (0.609, 0.563, 0.653),
        "majority": (0.943, 0.928, 0.955),
    }
    assert (told["first"]["n"], told["longer"]["n"], told["majority"]["n"]) == (1235, 1216, 1346)
    worries = {name: one.worry for name, one in figures(told).items()}
    assert worries == {"first": "fine", "longer": "fine", "majority": "fine", "hasty": "", "pace": ""}
    effects = {one["name"]: one for one in told["effects"]}
    assert effects["length"]["low"] > 0  # longer answers win beside their model
    assert effects["first"]["low"] < 0 < effects["first"]["high"]
    assert effects["headers"]["value"] is None  # no answer has one
    assert [one["labels"] for one in told["people"]] == [500, 500, 500]


def test_a_lean_to_the_first_place_is_found_and_worries():
    """Odds of exp(0.6) for the first place are 65 % of equal pairs, a little less where quality decides as well."""
    told = report(simulated(first=0.6))
    assert 0.6 < told["first"]["value"] < 0.66
    assert figures(told)["first"].worry == "worry"
    effect = next(one for one in told["effects"] if one["name"] == "first")
    assert effect["low"] < 0.6 < effect["high"] + 0.15 and effect["low"] > 0.3
    assert told["longer"]["low"] < 0.5 < told["longer"]["high"]


def test_a_lean_to_length_is_found_beside_the_place():
    told = report(simulated(length=1.0))
    assert told["longer"]["low"] > 0.6
    assert told["first"]["low"] < 0.5 < told["first"]["high"]
    effect = next(one for one in told["effects"] if one["name"] == "length")
    assert effect["low"] > 0
    assert figures(told)["first"].worry == "fine"


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """No lean at all: over 200 seeds 95 % of intervals hold a half, give or take what 200 tosses vary."""
    held = 0
    for seed in range(200):
        one = people.sways(simulated(prompts=60, raters=3, seed=seed)).first
        assert one.low is not None and one.high is not None
        held += one.low <= 0.5 <= one.high
    assert 182 <= held <= 198


def test_quick_people_who_agree_less_are_told_of():
    """Skill rises with the seconds taken: a rank correlation near 1; 2 s for 1,000 characters are hasty."""
    seconds = [2.0, 8.0, 14.0, 20.0, 26.0, 32.0, 38.0, 44.0]
    told = report(simulated(prompts=800, raters=8, seconds=seconds, skill=[0, 0.5, 1, 1.5, 2, 3, 4, 5]))
    assert told["pace"]["value"] > 0.8 and told["pace"]["low"] > 0
    assert figures(told)["pace"].worry == "worry"
    hasty = {one["annotator"]: one["hasty"]["value"] for one in told["people"]}
    assert hasty[1] > 0.9 and hasty[8] < 0.05
    assert "1" in telling.outliers(told, "majority", {n: str(n) for n in range(1, 9)})


def test_a_majority_is_of_the_others_alone():
    met = simulated(prompts=1, raters=3)
    votes = np.array([0, 0, 1])
    met.winner_response[:], met.loser_response[:] = votes, 1 - votes
    decided, agrees = people.with_majority(met)
    assert decided.tolist() == [False, False, True]  # the first two have one vote for each beside their own
    assert agrees.tolist() == [False, False, False]
    met.tie[:] = True
    assert [one.tolist() for one in people.with_majority(met)] == [[True] * 3, [True] * 3]


def test_with_fewer_than_five_people_no_correlation_is_told():
    assert people.rank_correlation([1, 2, 3, 4], [1, 2, 3, 4]).value is None
    assert people.rank_correlation([1, 2, 3, 4, 5], [1, 1, 1, 1, 1]).value is None
    assert people.rank_correlation([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]).value == pytest.approx(1)


@pytest.mark.django_db
def test_nothing_compared_says_what_is_missing():
    work = make.a_queue(kind="compare")
    told = report(meetings.gather([work]))
    assert [one.value for one in figures(told).values()] == [None] * 5
    page = client_of(work.created_by).get(reverse("queue-bias", args=[work.pk])).content.decode()
    assert "Nothing has been compared yet" in page


@pytest.mark.django_db
def test_reviewers_see_pseudonyms_and_managers_names():
    work = make.a_queue(kind="compare", options={"strength": False, "tie": True})
    compared(work, ["a", "b"], 0, 3)
    name = work.project.members.filter(role=Role.ANNOTATOR).first().user.name
    manager, reviewer = client_of(work.created_by), client_of(make.a_member(work.project, role=Role.REVIEWER))
    address = reverse("queue-bias", args=[work.pk])
    assert name in manager.get(address).content.decode()
    page = reviewer.get(address).content.decode()
    assert name not in page
    answer: Any = reviewer.get(reverse("queue-bias-file", args=[work.pk]), {"table": "people"})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    pseudonyms = {one.pseudonym for one in work.project.members.filter(role=Role.ANNOTATOR)}
    assert {row["annotator"] for row in rows} == pseudonyms
    told = Caller(work.created_by).get(f"/queues/{work.pk}/bias").json()
    assert {one["annotator"] for one in told["people"]} == pseudonyms
    assert [one["name"] for one in told["figures"]] == ["first", "longer", "majority", "hasty", "pace"]


@pytest.mark.django_db
def test_the_links_of_the_report_lead_to_as_many_labels_as_it_says():
    work = make.a_queue(kind="compare", options={"strength": False, "tie": True})
    compared(work, ["a", "b"], 0, 3)
    client = client_of(work.created_by)
    context = client.get(reverse("queue-bias", args=[work.pk])).context
    for one in context["figures"]:
        assert client.get(one.href).context["counted"] == (one.count, True) == (3, True)
    assert [client.get(row.href).context["counted"][0] for row in context["pace"]] == [1, 1, 1]


@pytest.mark.django_db
def test_a_reviewer_s_fix_is_on_the_board_but_tells_nothing_of_annotators():
    work = make.a_queue(kind="compare", options={"strength": False, "tie": True})
    compared(work, ["a", "b"], 0, 2)
    first = Label.objects.order_by("pk")[0]
    reviewer = make.a_member(work.project, role=Role.REVIEWER)
    other = {"winner": {"a": "b", "b": "a"}[first.payload["winner"]]}
    reviewing.fix(reviewer, first, labelling.Answer(other, first.fence), "The other one.")
    assert meetings.gather([work]).labels == 2
    assert sorted(meetings.gather([work]).winner.tolist()) == [0, 1]
    assert meetings.gather([work], fixes=False).labels == 1


# --- Where nobody knows what was shown first -------------------------------------------------------------------------


def a_file(*rows, shape=""):
    """A queue that compares, with the rows of a file."""
    work = make.a_queue(kind="compare", options={"strength": False, "tie": True})
    file = io.BytesIO("".join(json.dumps(row) + "\n" for row in rows).encode())
    importing.run_now(work, work.created_by, file, "rows.jsonl", shape)
    return work


def chosen(number):
    return {"prompt": f"Question {number}", "chosen": f"Good {number}.", "rejected": f"Bad and longer {number}."}


@pytest.mark.django_db
def test_what_was_chosen_was_not_shown_first():
    """Files of preferences name the better one first; nobody was shown it first. So they tell nothing of places."""
    work = a_file(*map(chosen, range(60)))
    told = report(meetings.gather([work]))
    assert (told["comparisons"], told["first"]["value"], told["first"]["n"]) == (60, None, 0)
    assert figures(told)["first"].worry == "" and "seldom say" in figures(told)["first"].sentence
    assert told["longer"]["value"] == 0


@pytest.mark.django_db
def test_a_rater_of_a_file_is_not_taken_for_one_who_answers_by_place():
    """An annotator agrees with the file's preferences in 90 %: its rater is no coin."""
    work = a_file(*map(chosen, range(100)))
    random, person = np.random.default_rng(0), make.a_member(work.project)
    for _task in range(100):
        place = make.a_lease(person, work)
        letter = "ab"[place.shown().index(place.task.response_ids[int(random.random() > 0.9)])]
        labelling.submit(person, place, labelling.Answer(labelling.check(place, {"winner": letter}), place.fence))
    learned = consensus.get("rater-skill").fitted(work, horizons.of_labels(work), ())
    assert isinstance(learned, RaterSkill)
    assert min(learned.reliability.values()) > 0.5


@pytest.mark.django_db
def test_a_file_may_say_that_its_order_was_shown():
    row = {"instruction": "Q", "responses": [{"text": "x", "model": "m"}, {"text": "y", "model": "n"}]}
    labels = [
        {"annotator": "Ann", "ranks": [1, 2], "in_order": True},
        {"annotator": "Bob", "ranks": [1, 2]},
        {"annotator": "Cy", "payload": {"winner": "b"}, "in_order": True},
    ]
    met = meetings.gather([a_file(row | {"labels": labels}, shape="native")])
    assert [*zip(met.winner_place.tolist(), met.loser_place.tolist(), strict=True)] == [(0, 1), (-1, -1), (1, 0)]


@pytest.mark.django_db
@pytest.mark.parametrize(("seconds", "places"), [(12.5, {0, 1}), (0, {-1})])
def test_our_own_raw_labels_were_shown_in_order_if_they_took_time(seconds, places):
    row = {"instruction": "Q", "responses": [{"text": "x"}, {"text": "y"}], "payload": {"winner": "a"}}
    row |= {"annotator": "p", "label_id": "1", "active_seconds": seconds}
    met = meetings.gather([a_file(row)])
    assert {*met.winner_place.tolist(), *met.loser_place.tolist()} == places

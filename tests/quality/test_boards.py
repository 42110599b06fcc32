"""Boards: strengths of models from the labels of a queue or a project, on published votes and on a few of our own."""

import csv
import io
import re
from typing import Any

import pytest
from django.urls import reverse

from annotate import labelling
from annotate.models import Label, Prompt, Response, Review, Role, Task
from annotate.quality import reports, segments
from annotate.quality.reports import Subject
from rankings.boards import meetings, strengths, telling
from tests import factories as make
from tests.api.callers import Caller
from tests.pages.desk import client_of
from tests.quality import pandalm

pytestmark = pytest.mark.django_db


def compared(work, models, winner, times=1):
    """Labels, each by somebody of its own on a task of its own, that prefer `winner` (an index; None: a tie)."""
    for _nth in range(times):
        task = make.a_task(work, responses=["Yes.", "No, but a little longer."], models=models)
        person = make.a_member(work.project)
        place = make.a_lease(person, work)
        shown = place.shown()
        letter = "tie" if winner is None else "ab"[shown.index(task.response_ids[winner])]
        make_label(person, place, {"winner": letter})


def make_label(person, place, payload):
    payload = labelling.check(place, payload)
    return labelling.submit(person, place, labelling.Answer(payload, place.fence)).label_id


@pytest.fixture
def work():
    return make.a_queue(kind="compare", options={"strength": False, "tie": True})


def the_board(*queues):
    return strengths.board(meetings.gather(queues))


def by_model(board):
    return {row["model"]: row for row in board["models"]}


# --- Published votes -------------------------------------------------------------------------------------------------


def test_the_board_of_pandalm():
    """1,500 votes on 500 pairs of five models, each pair on one prompt of its own.

    llama-7b is first beyond doubt: it won 387 comparisons and lost 167, the second 239 and 258. The next three can't
    be told apart, as their raw win rates against one another are between 46 and 54 %. cerebras-gpt-6.7B is last, but
    for opt-7b, against which it won 44 %.
    Strengths are logarithms of odds: 0.72 less -0.04 gives llama-7b exp(0.76) = 2.1 wins for each of bloom-7b's among
    decided ones, and the file has 66 % with ties as halves.
    """
    board = the_board(pandalm.imported())
    told = [(row["model"], row["best"], row["worst"], round(row["strength"], 2)) for row in board["models"]]
    assert told == [
        ("llama-7b", 1, 1, 0.72),
        ("bloom-7b", 2, 4, -0.04),
        ("pythia-6.9b", 2, 4, -0.06),
        ("opt-7b", 2, 5, -0.13),
        ("cerebras-gpt-6.7B", 4, 5, -0.49),
    ]
    facts = {name: board[name] for name in ("labels", "comparisons", "ties", "prompts", "annotators", "groups")}
    assert facts == {
        "labels": 1500,
        "comparisons": 1500,
        "ties": 265,
        "prompts": 500,
        "annotators": 3,
        "groups": 1,
    }
    first, second = board["models"][:2]
    assert (first["won"], first["lost"], first["tied"]) == (387, 167, 82)
    assert (second["won"], second["lost"], second["tied"]) == (239, 258, 118)
    assert round(board["matrix"]["cells"][0][1]["value"], 2) == 0.66
    # With style held equal bloom-7b gains and pythia-6.9b loses: bloom-7b wrote shorter answers, and longer ones win.
    styled = {row["model"]: round(row["styled"]["strength"] - row["halves"]["strength"], 2) for row in board["models"]}
    assert styled["bloom-7b"] > 0 > styled["pythia-6.9b"]


# --- What is counted -------------------------------------------------------------------------------------------------


def test_a_model_is_as_strong_as_it_wins(work):
    compared(work, ["good", "bad"], 0, 3)
    compared(work, ["good", "bad"], 1)
    compared(work, ["bad", "good"], None)
    rows = by_model(the_board(work))
    assert (rows["good"]["won"], rows["good"]["lost"], rows["good"]["tied"]) == (3, 1, 1)
    assert rows["good"]["strength"] == -rows["bad"]["strength"] > 0
    assert not rows["good"]["enough"]


def test_rejected_labels_checks_and_unknown_models_do_not_count(work):
    compared(work, ["good", "bad"], 0, 4)
    rejected, check = Label.objects.order_by("pk")[:2]
    Review.objects.create(label=rejected, reviewer=work.created_by, verdict="reject", reason="No.")
    Task.objects.filter(pk=check.task_id).update(role=Task.Role.GOLD)
    Response.objects.filter(pk=Label.objects.order_by("pk")[2].shown[0]).update(model="")
    met = meetings.gather([work])
    assert (met.labels, met.rejected, len(met)) == (2, 1, 2)
    board = strengths.board(met)
    assert (board["comparisons"], board["unknown"]) == (1, 1)
    Review.objects.create(label=rejected, reviewer=work.created_by, verdict="accept")
    assert meetings.gather([work]).labels == 3


def test_a_trial_review_rejects_nothing(work):
    compared(work, ["good", "bad"], 0)
    Review.objects.create(label=Label.objects.get(), reviewer=work.created_by, verdict="reject", reason="x", trial=True)
    assert meetings.gather([work]).labels == 1


def test_groups_that_never_met_are_told_so(work):
    compared(work, ["a", "b"], 0, 2)
    compared(work, ["c", "d"], 1, 1)
    board = the_board(work)
    assert board["groups"] == 2
    assert by_model(board)["a"]["group"] == by_model(board)["b"]["group"] != by_model(board)["c"]["group"]
    notes = [one.text for one in telling.notes(board)]
    assert any("2 groups" in text for text in notes)
    assert any("only ever went one way" in text for text in notes)
    assert by_model(board)["a"]["high"] is None and by_model(board)["a"]["low"] is not None


def test_rankings_also_have_plackett_luce_and_improved_texts_are_left_out():
    work = make.a_queue(kind="rank", options={"improve": "optional"}, overlap=2)
    for nth in range(4):
        make.a_task(work, models=["a", "b", "c", "d"], responses=["One.", "Two.", "Three.", f"Four {nth}."])
    for person in (make.a_member(work.project), make.a_member(work.project)):
        for _nth in range(4):
            place = make.a_lease(person, work)
            shown = place.shown()
            order = sorted(range(4), key=shown.__getitem__)
            ranks = {"abcd"[at]: rank for rank, at in enumerate(order, 1)}
            improved = {"of": "abcd"[order[0]], "text": "Better."}
            make_label(person, place, {"ranks": ranks, "improved": improved})
    met = meetings.gather([work])
    assert (met.labels, met.written, len(met)) == (8, 8, 48)
    rows = strengths.board(met)["models"]
    assert [row["model"] for row in rows] == ["a", "b", "c", "d"]
    assert [row["ordered"]["strength"] for row in rows] == sorted(
        (row["ordered"]["strength"] for row in rows), reverse=True
    )


def test_nothing_compared_is_an_empty_board(work):
    make.a_task(work)
    board = the_board(work)
    assert (board["models"], board["groups"], board["labels"]) == ([], 0, 0)
    assert the_board() == board


def test_each_category_has_a_board_and_a_project_adds_its_queues_up(work):
    compared(work, ["a", "b"], 0, 2)
    Prompt.objects.update(category="code")
    other = make.a_queue(work.project, "compare", options={"strength": False})
    compared(other, ["a", "b"], 1, 3)
    boards = strengths.by_category(meetings.gather([work, other]))
    assert {name: by_model(one)["a"]["won"] for name, one in boards.items()} == {"code": 2, "": 0}
    whole = the_board(work, other)
    assert (by_model(whole)["a"]["won"], by_model(whole)["a"]["lost"]) == (2, 3)


def test_over_time_each_day_has_the_labels_up_to_it(work):
    compared(work, ["a", "b"], 0, 2)
    compared(work, ["b", "c"], 0, 1)
    met = meetings.gather([work])
    met.created[:] = [86_400.0 * 3, 86_400.0 * 5, 86_400.0 * 5 + 1]
    told = strengths.over_time(met)
    assert (told["every"], told["until"]) == ("day", ["1970-01-04", "1970-01-06"])
    assert told["models"]["c"][0] is None and told["models"]["c"][1] is not None
    met.created[:] = [0.0, 86_400.0 * 40, 86_400.0 * 41]
    told = strengths.over_time(met)
    assert (told["every"], told["until"]) == ("week", ["1970-01-04", "1970-02-15"])


# --- Pages and REST --------------------------------------------------------------------------------------------------


def test_a_board_is_of_queues_that_compare_and_for_managers(work):
    writing = make.a_queue(work.project, "write")
    owner, reviewer = client_of(work.created_by), client_of(make.a_member(work.project, role=Role.REVIEWER))
    assert owner.get(reverse("queue-board", args=[writing.pk])).status_code == 404
    assert reviewer.get(reverse("queue-board", args=[work.pk])).status_code == 403
    assert reviewer.get(reverse("queue-bias", args=[work.pk])).status_code == 200
    assert "/board/" not in reviewer.get(reverse("queue", args=[work.pk])).content.decode()
    assert "/bias/" not in owner.get(reverse("queue", args=[writing.pk])).content.decode()
    page = owner.get(reverse("queue-board", args=[work.pk])).content.decode()
    assert "No two models have been compared yet" in page


def test_which_model_wrote_what_can_t_be_asked_by_reviewers(work):
    compared(work, ["a", "b"], 0)
    reviewer = client_of(make.a_member(work.project, role=Role.REVIEWER))
    for asked in ("model", "against"):
        assert reviewer.get(reverse("labels", args=[work.pk]), {asked: "a"}).status_code == 403


def test_the_links_of_a_board_lead_to_as_many_labels_as_it_says(work):
    compared(work, ["a", "b"], 0, 3)
    compared(work, ["b", "c"], 0, 2)
    first = Label.objects.order_by("pk")[0]
    Review.objects.create(label=first, reviewer=work.created_by, verdict="reject", reason="No.")
    client = client_of(work.created_by)
    context = client.get(reverse("queue-board", args=[work.pk])).context
    assert client.get(context["behind"]).context["counted"] == (context["board"]["labels"], True) == (4, True)
    found = {row.model: client.get(row.href).context["counted"][0] for row in context["rows"]}
    assert found == {row.model: row.won + row.tied + row.lost for row in context["rows"]} == {"a": 2, "b": 4, "c": 2}


def test_cells_of_the_matrix_and_of_categories_lead_to_their_labels(work):
    compared(work, ["a", "b"], 0, 3)
    compared(work, ["b", "c"], 0, 20)
    Prompt.objects.filter(tasks__in=Task.objects.order_by("-pk")[:20]).update(category="code")
    client = client_of(work.created_by)
    answer = client.get(reverse("queue-board", args=[work.pk]))
    links = re.findall(r"<a href=\"([^\"]*model=(.)[^\"]*)\">[^<]*%", answer.context["matrix"].replace("&amp;", "&"))
    counts = {}
    for address, row in links:
        column = re.search("against=(.)", address)
        assert column
        counts[row + column[1]] = client.get(address).context["counted"]
    assert counts == {"ab": (3, True), "ba": (3, True), "bc": (20, True), "cb": (20, True)}
    cells = answer.context["by_category"].replace("&amp;", "&")
    found = re.findall(r"<a href=\"([^\"]*model=.[^\"]*)\">[^<]*%", cells)
    assert [client.get(one).context["counted"] for one in found] == [(20, True)] * 2
    behind = answer.context["behind"].replace("&", "&amp;")
    assert f'<a href="{behind}">From 23 labels</a>' in answer.content.decode()


def test_labels_that_compare_nothing_are_in_the_list_and_in_its_number():
    work = make.a_queue(kind="compare", options={"strength": False, "tie": True, "both_bad": True})
    compared(work, ["a", "b"], 0, 2)
    for _nth in range(3):
        make.a_task(work, models=["a", "b"])
        person = make.a_member(work.project)
        make_label(person, make.a_lease(person, work), {"winner": "both_bad"})
    Prompt.objects.filter(tasks__in=Task.objects.order_by("-pk")[:2]).update(category="code")
    compared(work, ["b", "a"], 0)
    Prompt.objects.filter(tasks__in=Task.objects.order_by("-pk")[:1]).update(category="code")
    client = client_of(work.created_by)
    for category, labels, comparisons in ((None, 6, 3), ("code", 3, 1), ("", 3, 2)):
        asked = {} if category is None else {"category": category}
        context = client.get(reverse("queue-board", args=[work.pk]), asked).context
        assert (context["board"]["labels"], context["board"]["comparisons"]) == (labels, comparisons)
        assert client.get(context["behind"]).context["counted"] == (labels, True)


def test_the_board_of_a_category_stays_one_while_another_is_made(work):
    compared(work, ["a", "b"], 0)
    Prompt.objects.update(category="code & more")
    compared(work, ["b", "a"], 0)
    client, address = client_of(work.created_by), reverse("queue-board", args=[work.pk])
    client.get(address)
    reports.refresh("board", Subject.of_queue(work), work.created_by, by_worker=True)
    page = client.get(address, {"category": "code & more"})
    (polled,) = re.findall(r'hx-get="([^"]*)"', page.content.decode())
    again = client.get(polled.replace("&amp;", "&"), headers={"HX-Request": "true"})
    assert again.context["category"] == "code & more"
    posted = client.post(f"{address}?category=code+%26+more")
    assert (posted.status_code, posted["Location"]) == (303, polled.replace("&amp;", "&"))
    assert client.get(address).context["here"] == address


def test_a_projects_board_leads_to_the_labels_of_each_queue(work):
    compared(work, ["a", "b"], 0, 3)
    Task.objects.filter(pk=Label.objects.order_by("pk")[0].task_id).update(role=Task.Role.GOLD)
    client = client_of(work.created_by)
    context = client.get(reverse("project-board", args=[work.project.slug])).context
    counts = [client.get(address).context["counted"] for _queue, address in context["queues"]]
    assert counts == [(context["board"]["labels"], True)] == [(2, True)]


def test_hostile_names_are_escaped_on_the_page_and_in_the_file(work):
    compared(work, ["<script>alert(1)</script>", "=1+1"], 0)
    client = client_of(work.created_by)
    page = client.get(reverse("queue-board", args=[work.pk])).content.decode()
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page
    answer: Any = client.get(reverse("queue-board-file", args=[work.pk]), {"table": "models"})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert {row["model"] for row in rows} == {"<script>alert(1)</script>", "'=1+1"}


@pytest.mark.parametrize("table", telling.TABLES)
def test_every_table_is_a_file(work, table):
    compared(work, ["a", "b"], 0, 2)
    client = client_of(work.created_by)
    address = reverse("queue-board-file", args=[work.pk])
    assert client.get(address, {"table": table}).status_code == 404  # nothing was made yet
    client.get(reverse("queue-board", args=[work.pk]))
    answer: Any = client.get(address, {"table": table})
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert len(lines) > 1
    assert client.get(address, {"table": "x"}).status_code == 404


def test_rest_gives_null_until_it_is_made(work):
    compared(work, ["a", "b"], 0, 2)
    api, path = Caller(work.created_by), f"/queues/{work.pk}/board"
    before = api.get(path).json()
    assert (before["state"], before["board"], before["as_of"]) == ("missing", None, None)
    made = api.post(path)
    assert (made.status_code, made.json()["state"], made.json()["stale"]) == (202, "done", False)
    assert api.get(path).json()["board"]["models"][0]["model"] == "a"
    assert api.get(f"{path}?category=none").json()["errors"] == {"category": ["No comparison is of this category."]}
    assert api.get(f"{path}?category=").json()["board"]["labels"] == 2
    compared(work, ["a", "b"], 1)
    assert api.get(path).json()["stale"]
    assert api.post(f"/projects/{work.project.slug}/board").json()["board"]["labels"] == 3


def test_a_board_by_a_worker_says_so_until_it_is_made(work, monkeypatch):
    monkeypatch.setattr(reports, "AT_ONCE", 0)
    monkeypatch.setattr(reports.Maker, "at_once", 0)
    compared(work, ["a", "b"], 0)
    client, address = client_of(work.created_by), reverse("queue-board", args=[work.pk])
    page = client.get(address).content.decode()
    assert "It is being made" in page and 'data-refresh="2"' in page
    newest = Subject.of_queue(work).reports("board").get()
    reports.run(newest.pk)
    page = client.get(address).content.decode()
    assert "It is being made" not in page and "data-refresh" not in page


def test_a_category_has_a_page_of_its_own(work):
    compared(work, ["a", "b"], 0)
    Prompt.objects.update(category="code & more")
    compared(work, ["a", "b"], 1, 2)
    client, address = client_of(work.created_by), reverse("queue-board", args=[work.pk])
    whole = client.get(address)
    assert [name for _address, name, _chosen in whole.context["categories"]] == ["All", "none", "code & more"]
    one = client.get(address, {"category": "code & more"})
    assert one.context["board"]["labels"] == 1
    assert client.get(one.context["behind"]).context["counted"] == (1, True)
    assert client.get(address, {"category": "x"}).status_code == 404


# --- What is unusable ------------------------------------------------------------------------------------------------


def test_an_unusable_response_loses_to_the_usable_ones():
    """First in 15 rankings, unusable in 45: that is no model that is first."""
    work = make.a_queue(kind="rank", overlap=1)
    person = make.a_member(work.project)
    for nth in range(60):
        task = make.a_task(work, responses=["x", "y", "z"], models=["half-broken", "good", "weak"])
        place = make.a_lease(person, work)
        x, y, z = ("abc"[place.shown().index(one)] for one in task.response_ids)
        ranks = {x: 1, y: 2, z: 3} if nth % 4 == 0 else {y: 1, z: 2} if nth % 7 else {z: 1, y: 2}
        make_label(person, place, {"ranks": ranks, "unusable": sorted({x, y, z} - set(ranks))})
    board = the_board(work)
    assert [row["model"] for row in board["models"]] == ["good", "weak", "half-broken"]
    broken = by_model(board)["half-broken"]
    assert (broken["won"], broken["lost"], broken["best"]) == (30, 90, 2)
    assert broken["ordered"]["strength"] < by_model(board)["weak"]["ordered"]["strength"]
    assert board["unsaid"] == 0


def test_two_that_are_both_bad_say_nothing_of_each_other_and_are_counted(work):
    compared(work, ["a", "b"], 0, 2)
    person = make.a_member(work.project)
    make.a_task(work, responses=["Yes.", "No."], models=["a", "b"])
    make_label(person, make.a_lease(person, work), {"winner": "both_bad"})
    ranking = make.a_queue(work.project, kind="rank")
    task = make.a_task(ranking, responses=["w", "x", "y", "z"], models=["a", "b", "c", "d"])
    place = make.a_lease(person, ranking)
    w, *rest = ("abcd"[place.shown().index(one)] for one in task.response_ids)
    make_label(person, place, {"ranks": {w: 1}, "unusable": sorted(rest)})
    board = the_board(work, ranking)
    assert (board["comparisons"], board["ties"], board["unsaid"]) == (5, 0, 4)
    assert by_model(board)["c"]["lost"] == 1 and by_model(board)["c"]["tied"] == 0
    assert "4 pairs" in " ".join(note.text for note in telling.notes(board))
    Prompt.objects.filter(pk=task.prompt_id).update(category="Maths")
    segments.drop(ranking)
    boards = strengths.by_category(meetings.gather([work, ranking]))
    assert {name: one["unsaid"] for name, one in boards.items()} == {"": 1, "Maths": 3}

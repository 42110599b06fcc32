"""The main job on real data: files in, three people in a browser and a program through the API, training files out."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from string import ascii_lowercase
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from annotate import labelling, queue
from annotate.models import Assignment, Import, Label, Project, Queue, RefusedRow, Response, Seat, User
from tests import factories as make
from tests.journeys import research
from tests.journeys.client import Api
from tests.pages.desk import arrived

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "correct horse"
#: Labels that each person's program makes over HTTP in each queue; the verbs behind it make the others.
THROUGH_THE_API = 15


@pytest.fixture
def team():
    """The research project with its three queues, its owner and three annotators."""
    owner = make.a_user("owner@example.org")
    call_command("load_research_data", str(research.folder()), owner=owner.email)
    project = Project.objects.get()
    people = [make.a_member(project, make.a_user(f"annotator{n}@example.org")) for n in (1, 2, 3)]
    return project, owner, people


def queue_of(kind: str) -> Queue:
    return Queue.objects.get(kind=kind)


# --- What the people say -----------------------------------------------------------------------------------------


def by_length(texts: dict[str, str]) -> dict[str, Any]:
    """A ranking: longer is better, the same length ties, empty is unusable."""
    usable = {letter: len(text.strip()) for letter, text in texts.items() if text.strip()}
    places = {length: place for place, length in enumerate(sorted(set(usable.values()), reverse=True), start=1)}
    unusable = sorted(texts.keys() - usable.keys())
    return {"ranks": {letter: places[length] for letter, length in usable.items()}, "unusable": unusable}


class Voter:
    """One of the three people whose votes are in the file. Knows a pair by its texts, as a reader would."""

    def __init__(self, number: int) -> None:
        self.pending = defaultdict(list)
        for row in research.votes():
            self.pending[pair_of(row)].append((row, row[f"annotator{number}"]))

    def vote(self, question: str, texts: dict[str, str]) -> str:
        row, vote = self.pending[question, frozenset(texts.values())].pop(0)
        better = {0: None, 1: str(row["response1"]), 2: str(row["response2"])}[vote]
        return next((letter for letter, text in texts.items() if text == better), "tie")


def pair_of(row) -> tuple[str, frozenset[str]]:
    return question_of(row), frozenset({str(row["response1"]), str(row["response2"])})


def question_of(row) -> str:
    """Instruction and input as the annotator reads them; one instruction in the file is blank."""
    return "\n\n".join(part for part in (row["instruction"], row["input"]) if part.strip())


def vote_of(row, number: int) -> str | None:
    """The text that a vote in the file is for, None for a tie."""
    return {0: None, 1: str(row["response1"]), 2: str(row["response2"])}[row[f"annotator{number}"]]


# --- In the browser ----------------------------------------------------------------------------------------------


def in_hand(page, user):
    """The place a person has before them: what they read on the page, read from the database."""
    number = page.locator("#panel").get_attribute("data-place")
    place = Assignment.objects.select_related("task__prompt", "queue").get(pk=number, annotator=user, state="leased")
    texts = dict(place.task.prompt.responses.values_list("id", "text"))
    return place, {letter: texts[one] for letter, one in zip("abcd", place.shown(), strict=False)}


def work_in_browser(page: Any, user: User, work: Queue, count: int, act: Callable[..., None]) -> None:
    page.goto(f"/queues/{work.pk}/work/")
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector("#answer")
    page.wait_for_load_state()  # the keys' scripts are in
    for done in range(1, count + 1):
        act(page, *in_hand(page, user))
        page.get_by_role("heading", name=f"Task {done + 1}", exact=True).wait_for()
    arrived(page)
    assert Seat.objects.get(queue=work, user=user).done == count


def rank_by_keys(page, place, texts):
    answer = by_length(texts)
    for letter in texts:
        page.locator(f"#response-{letter}").focus()
        page.keyboard.press(str(answer["ranks"].get(letter, "u")))
    page.keyboard.press("Enter")


def write_answer(page, place, texts):
    page.locator("textarea[name=text]").fill(f"A careful answer to task {place.task_id}.")
    page.keyboard.press("Control+Enter")


def label_the_rest(user: User, work: Queue, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Claim and submit until nothing is left."""
    texts = dict(Response.objects.values_list("id", "text"))
    while isinstance(found := queue.claim(user, work), int):
        place = Assignment.objects.select_related("task__prompt", "queue").get(pk=found)
        shown = [{"id": letter, "text": texts[one]} for letter, one in zip("abcd", place.shown(), strict=False)]
        payload = labelling.check(place, answer({"prompt": place.task.prompt.turns(), "responses": shown}))
        labelling.submit(user, place, labelling.Answer(payload, place.fence))


def sign_in(page, email):
    page.goto("/sign-in/")
    page.locator("input[name=username]").fill(email)
    page.locator("input[type=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "sign-in" not in url)


# --- The tests ---------------------------------------------------------------------------------------------------


def test_the_research_data_comes_in_whole_and_only_once(team):
    _, owner, _ = team
    counts = {work.kind: (work.tasks.count(), work.assignments.count()) for work in Queue.objects.all()}
    assert counts == {"rank": (252, 756), "write": (175, 175), "compare": (500, 1500)}
    assert not RefusedRow.objects.exists()
    call_command("load_research_data", str(research.folder()), owner=owner.email)
    assert {work.kind: (work.tasks.count(), work.assignments.count()) for work in Queue.objects.all()} == counts
    assert set(Import.objects.values_list("state", flat=True)) == {"done"}


@pytest.mark.long
def test_people_and_programs_label_it_and_trainers_load_the_files(team, browser, live_server, tmp_path):
    _, owner, people = team
    for number, person in enumerate(people, start=1):
        context = browser.new_context(base_url=live_server.url)
        page = context.new_page()
        sign_in(page, person.email)
        work_in_browser(page, person, queue_of("rank"), 3, rank_by_keys)
        work_in_browser(page, person, queue_of("write"), 2, write_answer)
        voter = Voter(number)

        def compare_by_keys(page, place, texts, voter=voter):
            choice = voter.vote(place.task.prompt.turns()[-1]["content"], texts)
            page.keyboard.press({"a": "1", "b": "2", "tie": "t"}[choice])
            page.keyboard.press("Enter")

        work_in_browser(page, person, queue_of("compare"), 3, compare_by_keys)
        context.close()
        person.voter = voter

    def the_rest(person):
        def texts(task):
            return {one["id"]: one["text"] for one in task["responses"]}

        def vote(task):
            return {"winner": person.voter.vote(task["prompt"][0]["content"], texts(task))}

        acts = {
            "rank": lambda task: by_length(texts(task)),
            "write": lambda task: {"text": f"Answer: {task['prompt'][-1]['content']}"},
            "compare": vote,
        }
        try:
            with Api(live_server.url, person, "label") as api:
                for kind, act in acts.items():
                    api.label(queue_of(kind).pk, act, most=THROUGH_THE_API)
            for kind, act in acts.items():
                label_the_rest(person, queue_of(kind), act)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(the_rest, people))
    labels = Counter(Label.objects.values_list("queue__kind", flat=True))
    assert labels == {"rank": 756, "write": 175, "compare": 1500}

    with Api(live_server.url, owner, "read", "export") as api:
        exports = Exports(api, tmp_path)
        the_votes_are_those_of_the_file(exports, people)
        the_rankings_are_pairs(exports)
        the_demonstrations_are_there(exports)


class Exports:
    """Every file twice: as JSON lines and as Parquet, loaded by Hugging Face `datasets`."""

    def __init__(self, api, folder):
        self.api, self.folder = api, folder

    def load(self, kind, name):
        import datasets

        loaded = []
        for container, reader in (("jsonl", "json"), ("parquet", "parquet")):
            path = self.folder / f"{kind}-{name}.{container}"
            query = f"/queues/{queue_of(kind).pk}/export?format={name}&container={container}"
            status, body = self.api.call("GET", query)
            assert status == 200, body
            path.write_bytes(body)
            cache = str(self.folder / "cache")
            loaded.append(datasets.load_dataset(reader, data_files=str(path), split="train", cache_dir=cache))
        lines, parquet = loaded
        assert lines.column_names == parquet.column_names
        assert lines.to_list() == parquet.to_list()
        return parquet


def the_votes_are_those_of_the_file(exports, people):
    members = {one.user_id: one.pseudonym for one in queue_of("compare").project.members.all()}
    raw = exports.load("compare", "raw")
    assert len(raw) == 1500
    assert not any("@" in name for name in raw["annotator"])
    rows = raw.to_list()
    for number, person in enumerate(people, start=1):
        said: Counter[Any] = Counter()
        for row in rows:
            if row["annotator"] == members[person.pk]:
                texts = {one["letter"]: one["text"] for one in row["responses"]}
                winner = texts.get(json.loads(row["payload"])["winner"])
                said[(question_of(row), frozenset(texts.values())), winner] += 1
        assert said == Counter((pair_of(row), vote_of(row, number)) for row in research.votes())
    ties = sum(row[f"annotator{number}"] == 0 for row in research.votes() for number in (1, 2, 3))
    empty = sum(
        any(not text.strip() for text in pair_of(row)[1]) and row[f"annotator{number}"] != 0
        for row in research.votes()
        for number in (1, 2, 3)
    )
    for name in ("preference", "preference-implicit", "preference-text"):
        assert len(exports.load("compare", name)) == 1500 - ties - empty


def the_rankings_are_pairs(exports):
    expected, texts = 0, dict(Response.objects.values_list("pk", "text"))
    for label in Label.objects.filter(queue=queue_of("rank")):
        said = {
            letter: texts[pk] for letter, pk in zip(ascii_lowercase, label.shown, strict=False) if texts[pk].strip()
        }
        ranks = {letter: rank for letter, rank in label.payload["ranks"].items() if letter in said}
        pairs = [pair for pair in combinations(ranks, 2) if said[pair[0]] != said[pair[1]]]
        expected += sum(ranks[one] != ranks[other] for one, other in pairs)
    for name in ("preference", "preference-implicit", "preference-text"):
        rows = exports.load("rank", name)
        assert len(rows) == expected
        groups = [
            key for key, before in zip(rows["group_id"], [None, *rows["group_id"]], strict=False) if key != before
        ]
        assert len(groups) == len(set(groups))  # contiguous
        assert sum(rows["pair_weight"]) == pytest.approx(len(groups))
        assert all(
            chosen < rejected for chosen, rejected in zip(rows["rank_chosen"], rows["rank_rejected"], strict=True)
        )
    explicit = exports.load("rank", "preference")
    assert {turn["role"] for prompt in explicit["prompt"] for turn in prompt} <= {"system", "user"}
    assert {len(one) for one in explicit["chosen"]} == {1}
    assert len(exports.load("rank", "raw")) == 756


def the_demonstrations_are_there(exports):
    messages = exports.load("write", "sft-messages")
    assert len(messages) == 175
    assert {one[-1]["role"] for one in messages["messages"]} == {"assistant"}
    written = Label.objects.filter(queue=queue_of("write")).values_list("payload__text", flat=True)
    assert Counter(one[-1]["content"] for one in messages["messages"]) == Counter(written)
    assert len(exports.load("write", "sft-prompt-completion")) == 175
    alpaca = exports.load("write", "alpaca")
    assert {"instruction", "input", "output"} <= set(alpaca.column_names)
    assert len(exports.load("write", "raw")) == 175

"""Is it learnable, from a release's own files to the page: PandaLM's votes, every format, roles, hostile texts."""

import html
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from annotate import releasing
from annotate.models import Label, Prompt, Queue, Release, Report, Role, ToReview, User
from annotate.quality import reports
from annotate.quality.reports import Subject
from rankings.learning import doubts, making, reading
from tests import factories as make
from tests.pages.desk import client_of
from tests.quality import pandalm

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "uploads"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()


def released(work: Queue, name: str = "preference", **more: Any) -> Release:
    release = releasing.run_now(work, work.created_by, [{"format": name, "options": {}}], **more)
    assert release.state == Release.State.DONE, release.error
    return release


def a_compared_queue(tasks: int = 3, instruction: str = "What is {}?", people: int = 1) -> Queue:
    """The one that says more is preferred."""
    work = make.a_queue(kind="compare", overlap=people, options={"strength": False})
    for nth in range(tasks):
        make.a_task(work, instruction.format(nth), [f"It is {nth}.", f"It is {nth}, and **more** than {nth - 1}."])
    for person in [make.a_member(work.project) for _ in range(people)]:
        for _ in range(tasks):
            place = make.a_lease(person, work)
            better = "ab"[place.shown().index(place.task.response_ids[1])]
            make.a_label(person, work, {"winner": better, "comment": ""})
    return work


def made(release: Release) -> Report:
    """Its report, by a worker."""
    report = reports.refresh("learnability", Subject.of_release(release), release.created_by)
    reports.run(report.pk)
    report.refresh_from_db()
    return report


def page(release: Release, who: User | None = None, **query: Any) -> str:
    answer = client_of(who or release.created_by).get(reverse("release-learnable", args=[release.pk]), query)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode()).replace("\u00a0", " ")


# --- PandaLM ---------------------------------------------------------------------------------------------------------


def test_pandalms_votes() -> None:
    """1,217 of the 1,500 votes prefer one of two different responses. They are of 78 instructions alone, which is how
    they are held out: 500 pairs look like more than they are.

    A model of words, letters and looks is right about 67 % (56 to 78) of votes on instructions that it never saw,
    hardly better than whoever takes the longer response (60 %). Two people prefer the same in 94 % of cases, so 97 %
    could be reached: here it is the model that is small, and the last doubling brought nothing. So more votes of the
    same sort would not help it; other instructions, or a model that understands what it reads, would.
    """
    release = released(pandalm.imported(), options={"splits": "train=0.8,test=0.2"})
    found = made(release)
    assert found.state == Report.State.DONE, found.error
    told = found.result
    assert (told["rows"], told["pairs"], told["labels"], told["prompts"]) == (1_217, 1_217, 1_217, 78)
    assert [told["accuracy"][one] for one in ("value", "low", "high")] == pytest.approx([0.673, 0.562, 0.781], abs=0.02)
    assert told["longer"]["value"] == pytest.approx(0.604, abs=1e-3)
    assert told["ceiling"]["agreement"]["value"] == pytest.approx(0.938, abs=1e-3)
    assert told["ceiling"]["value"] == pytest.approx(0.968, abs=1e-3) and told["ceiling"]["of"] == "pairs"
    assert told["last_doubling"]["low"] < 0 < told["last_doubling"]["high"]
    assert told["curve"][-1]["prompts"] == 62 and told["curve"][-1]["labels"] == pytest.approx(966, abs=30)
    assert [one["split"] for one in told["splits"]] == ["test"] and 0.4 < told["splits"][0]["value"] < 1
    _is_told(release, told)


def _is_told(release: Release, told: dict[str, Any]) -> None:
    """On the page, as CSV and over REST; and the doubtful go to review by one button."""
    text, client = page(release), client_of(release.created_by)
    assert "67 %" in text and "97 %" in text and "annotator 1, from a file" in text
    assert "that can't be told from nothing yet" in text
    address = reverse("release-learnable-file", args=[release.pk])
    curve = b"".join(client.get(address)).decode().splitlines()
    assert curve[0] == "prompts,labels,value,low,high,n" and len(curve) == 1 + len(told["curve"])
    assert client.get(address, {"table": "nothing"}).status_code == 404
    over_rest = client.get(reverse("api-learnability", args=[release.pk])).json()
    assert over_rest["state"] == "done" and over_rest["figures"][0]["value"] == told["accuracy"]["value"]
    answer = client.post(reverse("release-learnable", args=[release.pk]), {"send": "5"}, follow=True)
    assert "5 labels wait for a reviewer." in answer.content.decode()
    waiting = ToReview.objects.filter(queue=release.queue).order_by("-weight")
    assert [one.label_id for one in waiting] == [one["label"] for one in told["doubted"][:5]]
    assert {one.why for one in waiting} == {ToReview.Why.MODEL}
    review = reverse("api-learnability-review", args=[release.pk])
    assert client.post(review, {"labels": 7}, content_type="application/json").json() == {"added": 2}
    assert client.post(review, {"labels": 0}, content_type="application/json").status_code == 400


# --- What is read ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("container", ["jsonl", "parquet"])
@pytest.mark.parametrize("name", [name for name in reading.DIALECTS if name != "preference-helpsteer3"])
def test_every_format_of_preferences_is_read(name: str, container: str) -> None:
    release = released(a_compared_queue(), name, container=container)
    handed = reading.read(release)
    assert (len(handed), handed.prompts, handed.rows) == (3, 3, 3)
    texts = [handed.responses[one].text for one in handed.chosen]
    assert texts == [f"It is {nth}, and **more** than {nth - 1}." for nth in range(3)]
    assert [handed.responses[one].text for one in handed.rejected] == [f"It is {nth}." for nth in range(3)]
    labels = [str(pk) for pk in Label.objects.order_by("pk").values_list("pk", flat=True)]
    assert handed.group == (labels if name != "preference-openai" else [""] * 3)
    assert sum(handed.voices().values()) == 3


def test_helpsteers_rows_are_read() -> None:
    work = make.a_queue(kind="compare", options={"strength": True})
    make.a_task(work, "What?", ["This.", "That."])
    person = make.a_member(work.project)
    shown = make.a_lease(person, work).shown()
    make.a_label(person, work, {"winner": "b", "strength": 2, "comment": ""})
    handed = reading.read(released(work, "preference-helpsteer3"))
    texts = {response.pk: response.text for response in work.tasks.get().prompt.responses.all()}
    assert handed.responses[handed.chosen[0]].text == texts[shown[1]]
    assert handed.responses[handed.rejected[0]].text == texts[shown[0]]


def test_what_asks_the_same_is_one_prompt() -> None:
    """However it is written, and whatever its id."""
    work = a_compared_queue(3, "What is this?")
    assert Prompt.objects.filter(instruction="What is this?").count() == 3
    handed = reading.read(released(work))
    assert (len(handed), handed.prompts) == (3, 1)


def test_of_a_large_release_whole_prompts_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    release = released(a_compared_queue(40, people=2))
    some, again = reading.read(release, most=40), reading.read(release, most=40)
    assert some.group == again.group and 10 < len(some) < 70 and some.rows == 80
    assert all(some.prompt.count(one) == 2 for one in set(some.prompt))
    monkeypatch.setattr(reading, "MOST_OF_PROMPT", 1)
    assert len(reading.read(release)) == 40


def test_labels_that_were_made_one_are_doubted_by_their_task() -> None:
    work = a_compared_queue(4, people=3)
    release = released(work, options={"raters": "majority"})
    handed = reading.read(release)
    assert {one.split("-")[0] for one in handed.group} == {"task"}
    assert handed.voices() == dict.fromkeys(handed.group, 3)
    doubted = making.doubted(handed, handed.pairs.target * 0.2)
    found = doubts.found(release, doubted)
    assert len(found) == 12 and {label.task_id for _one, label in found} == {one["task"] for one in doubted}
    assert doubts.send(release, doubted, 12) == 12
    assert making.ceiling(handed)["of"] == "tasks"


# --- States ----------------------------------------------------------------------------------------------------------


def test_a_release_without_preferences() -> None:
    release = released(a_compared_queue(1), "raw")
    assert "This release holds no preferences" in page(release)
    assert not Report.objects.exists()
    assert (
        reverse("release-learnable", args=[release.pk])
        not in client_of(release.created_by).get(reverse("one-release", args=[release.pk])).content.decode()
    )
    with pytest.raises(ValidationError, match="No format of this release"):
        making.Learnability().make(Subject.of_release(release), 0, 0, lambda share: None)


def test_too_few_prompts() -> None:
    release = released(a_compared_queue(2))
    text = page(release)
    assert "It takes preferences on 40 prompts at least; this release has them on 2." in text
    address = reverse("release-learnable", args=[release.pk])
    assert address in client_of(release.created_by).get(reverse("one-release", args=[release.pk])).content.decode()
    assert client_of(release.created_by).post(address, {"send": "x"}).status_code == 303


def test_hostile_texts_stay_texts() -> None:
    work = a_compared_queue(41, HOSTILE + " {}")
    User.objects.filter(pk__in=Label.objects.values("annotator")).update(name=HOSTILE)
    release = released(work, note=HOSTILE)
    result = made(release).result
    result["doubted"] = [{"label": Label.objects.earliest("pk").pk, "chance": 0.1, "pairs": 1}]
    Report.objects.update(result=result)
    answer = client_of(work.created_by).get(reverse("release-learnable", args=[release.pk])).content.decode()
    assert HOSTILE not in answer and html.escape(HOSTILE)[:20] in answer


@pytest.mark.parametrize(("role", "status"), [(Role.MANAGER, 200), (Role.REVIEWER, 403), (Role.ANNOTATOR, 403)])
def test_managers_alone(role: Role, status: int) -> None:
    release = released(a_compared_queue(1))
    person = make.a_member(release.queue.project, role=role)
    for name in ("release-learnable", "api-learnability"):
        assert client_of(person).get(reverse(name, args=[release.pk])).status_code == status

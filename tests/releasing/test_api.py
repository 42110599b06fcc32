"""Releases over REST: asked for, watched, downloaded in whole and in part, compared."""

import hashlib

import pytest
from django.db.models.functions import Now
from hypothesis import given, settings
from hypothesis import strategies as some

from annotate import labelling, releasing
from annotate.api import ranges
from annotate.models import Release, Role, WorkerBeat
from annotate.releasing import limits
from tests import factories as make
from tests.api.callers import PROBLEM, Caller
from tests.releasing.ground import DOWN, UP, a_ranked_queue, a_written_queue

pytestmark = pytest.mark.django_db

TEXT = bytes(range(256)) * 20


def body(answer):
    return b"".join(answer.streaming_content)


def test_from_asking_to_the_files(home):
    work, _people = a_ranked_queue(tasks=3)
    caller = Caller(work.created_by, ["export"])
    asked = {"formats": [{"format": "preference"}], "options": {"splits": "train=0.5,test=0.5"}, "note": "For DPO."}
    answer = caller.post(f"/queues/{work.pk}/releases", asked, Idempotency_Key="one")
    assert answer.status_code == 202
    told = answer.json()
    assert (told["number"], told["state"], told["files"], told["worker_alive"]) == (1, "queued", [], False)
    assert caller.post(f"/queues/{work.pk}/releases", asked, Idempotency_Key="one").json() == told
    where = answer["Location"].partition("/api/v1")[2]
    WorkerBeat.objects.create(name="w", seen_at=Now())
    releasing.run(told["id"])
    told = caller.get(where).json()
    assert (told["state"], told["progress"], told["rows"], told["worker_alive"]) == ("done", 1, 18, True)
    assert told["manifest"]["release"]["note"] == "For DPO."
    for file in told["files"]:
        got = caller.get(file["url"].partition("/api/v1")[2])
        content = body(got)
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["size"], file["sha256"])
        assert got["ETag"] == f'"{file["sha256"]}"'
    (listed,) = caller.get(f"/queues/{work.pk}/releases").json()["results"]
    assert listed["id"] == told["id"] and "manifest" not in listed
    assert caller.post(f"{where}/cancel").json()["state"] == "done"


def test_what_is_wrong_is_a_problem_by_field():
    work = a_written_queue(tasks=1)
    caller = Caller(work.created_by, ["export"])
    wrong = {"formats": [{"format": "raw"}, {"format": "raw", "options": {"labels": "few"}}], "options": {"x": 1}}
    answer = caller.post(f"/queues/{work.pk}/releases", wrong)
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
    assert "options.x" in answer.json()["errors"]
    del wrong["options"]
    assert [*caller.post(f"/queues/{work.pk}/releases", wrong).json()["errors"]] == ["formats[1].options.labels"]
    assert caller.post(f"/queues/{work.pk}/releases", {"formats": "raw"}).status_code == 400
    assert not Release.objects.exists()


def test_a_file_in_parts(home):
    release = make.a_release(a_written_queue(tasks=1), TEXT, "data/sft-messages/train-00000-of-00001.jsonl")
    caller = Caller(release.created_by, ["export"])
    path = f"/releases/{release.pk}/files/data/sft-messages/train-00000-of-00001.jsonl"
    whole = caller.get(path)
    assert (whole.status_code, body(whole), whole["Accept-Ranges"]) == (200, TEXT, "bytes")
    assert whole["Content-Length"] == str(len(TEXT)) and "ETag" in whole
    assert whole["X-Content-Type-Options"] == "nosniff" and "sandbox" in whole["Content-Security-Policy"]
    assert whole["Content-Disposition"].startswith("attachment;") and "/" not in whole["Content-Disposition"]
    etag, last = whole["ETag"], len(TEXT) - 1
    for asked, start, end in [("0-0", 0, 0), ("5-", 5, last), ("-7", last - 6, last), ("9-99999", 9, last)]:
        part = caller.get(path, Range=f"bytes={asked}", If_Range=etag)
        assert (part.status_code, body(part)) == (206, TEXT[start : end + 1])
        assert part["Content-Range"] == f"bytes {start}-{end}/{len(TEXT)}"
        assert part["Content-Length"] == str(end - start + 1)
    for headers in ({"Range": "bytes=0-1,4-5"}, {"Range": "lines=1-2"}, {"Range": "bytes=5-", "If_Range": '"other"'}):
        assert (answer := caller.get(path, **headers)).status_code == 200 and body(answer) == TEXT
    beyond = caller.get(path, Range=f"bytes={len(TEXT)}-")
    assert (beyond.status_code, beyond["Content-Range"]) == (416, f"bytes */{len(TEXT)}")
    same = caller.get(path, If_None_Match=f'"x", W/{etag}')
    assert (same.status_code, same.content, same["ETag"]) == (304, b"", etag)
    head = caller("HEAD", path, Range="bytes=5-9")
    assert (head.status_code, head["Content-Length"], head.content) == (206, "5", b"")


def test_a_download_that_breaks_off_goes_on_where_it_was(home):
    release = make.a_release(a_written_queue(tasks=1), TEXT)
    caller = Caller(release.created_by, ["export"])
    path = f"/releases/{release.pk}/files/README.md"
    first = body(caller.get(path))[:1_999]
    rest = caller.get(path, Range=f"bytes={len(first)}-", If_Range=caller("HEAD", path)["ETag"])
    assert first + body(rest) == TEXT


@settings(max_examples=300, deadline=None)
@given(some.integers(1, 60), some.integers(0, 80), some.integers(0, 80), some.sampled_from(["{}-{}", "{}-", "-{}"]))
def test_a_part_is_what_a_slice_is(size, first, last, shape):
    content = bytes(range(size))
    asked = ranges.asked({"Range": "bytes=" + shape.format(first, last)}, size, '"e"')
    ends = {"{}-{}": (first, last + 1), "{}-": (first, size), "-{}": (max(0, size - first), size)}
    expected = content[slice(*ends[shape])]
    if shape == "{}-{}" and last < first:
        assert asked.status == 200  # no range at all
    elif expected:
        assert (asked.status, content[asked.start : asked.start + asked.length]) == (206, expected)
    else:
        assert asked.status == 416


@pytest.mark.parametrize("name", ["../README.md", "data/../README.md", "index/raw.parquet", "%2e%2e/x", "README.md%00"])
def test_no_other_file_is_given(home, name):
    release = make.a_release(a_written_queue(tasks=1))
    assert Caller(release.created_by, ["export"]).get(f"/releases/{release.pk}/files/{name}").status_code == 404


def test_a_token_without_the_scope_is_not_even_told_the_size(home):
    release = make.a_release(a_written_queue(tasks=1))
    caller = Caller(release.created_by, ["read", "write", "label"])
    assert caller("HEAD", f"/releases/{release.pk}/files/README.md").status_code == 403


@pytest.mark.parametrize("at_once", [5, 500_000])
def test_two_releases_are_compared_by_prompt(home, monkeypatch, at_once):
    monkeypatch.setattr(limits, "COMPARED_AT_ONCE", at_once)
    work, people = a_ranked_queue(tasks=3)
    asked = [{"format": "preference"}, {"format": "raw"}]
    first = releasing.run_now(work, work.created_by, asked)
    second = releasing.run_now(work, work.created_by, asked[:1])
    task = make.a_task(work, "What is new?", ["x", "y", "z"])
    make.a_label(people[0], work, {"ranks": UP})
    again = work.labels.order_by("pk")[0]
    down = {"ranks": DOWN, "unusable": [], "comment": ""}
    labelling.amend(again.annotator, again, labelling.Answer(down, again.fence))
    third = releasing.run_now(work, work.created_by, asked)
    caller = Caller(work.created_by, ["export"])

    def compared(one, other):
        answer = caller.get(f"/releases/{one.pk}/compare?with={other.pk}")
        assert answer.status_code == 200, answer.content
        return {each.pop("folder"): each for each in answer.json()["formats"]}

    same = compared(second, first)
    nothing = {"added": 0, "changed": 0, "prompts": []}
    assert same["preference"] == nothing | {"before": 18, "after": 18, "removed": 0, "unchanged": 18}
    assert (same["raw"]["before"], same["raw"]["after"], same["raw"]["removed"]) == (6, 0, 6)
    new = compared(third, first)["preference"]
    prompts = new.pop("prompts")
    # with the rows of the one who amended, those of the other: they tell how far the two agree
    assert new == {"before": 18, "after": 21, "added": 3, "changed": 6, "removed": 0, "unchanged": 12}
    changed, added = again.task.prompt.key, task.prompt.key
    assert sorted(prompts, key=lambda one: one["added"]) == [
        {"prompt_id": changed, "added": 0, "changed": 6, "removed": 0},
        {"prompt_id": added, "added": 3, "changed": 0, "removed": 0},
    ]
    monkeypatch.setattr(limits, "COMPARED_ROWS", third.rows + first.rows - 1)
    refused = caller.get(f"/releases/{third.pk}/compare?with={first.pk}").json()["errors"]
    assert "too many" in refused["with"][0]
    waiting = releasing.start(work, work.created_by, asked)
    other = releasing.run_now(a_written_queue(tasks=1), work.created_by, [{"format": "raw"}])
    make.a_member(other.queue.project, work.created_by, Role.MANAGER)
    for one in (waiting, other):
        answer = caller.get(f"/releases/{third.pk}/compare?with={one.pk}")
        assert (answer.status_code, [*answer.json()["errors"]]) == (400, ["with"])

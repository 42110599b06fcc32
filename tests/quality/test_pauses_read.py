"""What somebody who is paused can read: also where they may not work any more, and in their own language."""

import pytest
from django.urls import reverse
from django.utils import translation

from annotate import running
from annotate.checking import pausing, reopening
from annotate.models import Pause, Review, Task
from tests.api.callers import Caller
from tests.pages.desk import client_of
from tests.quality.bench import Bench, a_bench

pytestmark = pytest.mark.django_db

GERMAN = "Ihre Antworten weichen zu oft von dem ab"


def paused_by_rule() -> tuple[Bench, Pause]:
    bench = a_bench()
    bench.label()
    with translation.override("de"):  # whatever language the worker has
        pausing.by_rule(bench.work.seats.get(user=bench.noor), Task.Role.GOLD, {"right": 1, "wrong": 9})
    return bench, Pause.objects.get()


def test_why_is_read_and_answered_also_where_one_may_not_work_any_more() -> None:
    bench = a_bench()
    bench.label()
    pausing.by_hand(bench.work.seats.get(user=bench.noor), bench.work.created_by, "Read section 2.")
    running.change_queue(bench.work, assigned_only=True)
    client, own = client_of(bench.noor), reverse("pause", args=[bench.work.pk])
    assert own in client.get(reverse("home")).content.decode()
    assert "Read section 2." in client.get(own).content.decode()
    assert client.post(own, {"appeal": "I did."}).status_code == 303
    assert Pause.objects.get().appeal == "I did."
    pausing.resume(bench.work.seats.get(user=bench.noor), bench.work.created_by)
    assert client.post(own, {"read": "1"}).status_code == 303
    over = client.get(own)
    assert over.status_code == 200 and reverse("work", args=[bench.work.pk]) not in over.content.decode()
    assert client_of(bench.bea).get(own).status_code == 404, "who never worked there is told of nothing"


def test_a_rules_reason_is_in_the_readers_language_everywhere() -> None:
    bench, pause = paused_by_rule()
    assert pause.reason.startswith("Your answers differ")
    assert reopening.reopen(pause, bench.work.created_by) == 1
    label, german = bench.noor.labels.get(), {"Accept-Language": "de"}
    pages = [
        (bench.noor, reverse("pause", args=[bench.work.pk])),
        (bench.noor, reverse("you-label", args=[label.pk])),
        (bench.work.created_by, reverse("queue-pauses", args=[bench.work.pk])),
        (bench.work.created_by, reverse("label", args=[label.pk])),
        (bench.rita, reverse("adjudicate", args=[label.task_id])),
    ]
    for who, address in pages:
        assert GERMAN in client_of(who).get(address, headers=german).content.decode(), address
    api = Caller(bench.noor)
    assert GERMAN in api.get("/me/pauses", Accept_Language="de").json()["results"][0]["reason"]
    (mine,) = api.get("/me/labels", Accept_Language="de").json()["results"]
    assert GERMAN in mine["review"]["reason"]
    assert "Your answers differ" in api.get("/me/pauses").json()["results"][0]["reason"]


def test_what_somebody_wrote_stays_as_it_is() -> None:
    bench = a_bench()
    bench.label()
    pause = pausing.by_hand(bench.work.seats.get(user=bench.noor), bench.work.created_by, "Open")
    reopening.reopen(pause, bench.work.created_by)
    with translation.override("de"):
        assert [pausing.reason(one.reason) for one in Review.objects.all()] == ["Open"]

"""Checks to test with: tasks with a known answer, and answers that are right or wrong."""

from collections.abc import Iterator
from typing import Any

from annotate import labelling, queue
from annotate.models import Assignment, Queue, Task, User
from tests import factories as make

RIGHT: dict[str, Any] = {"ranks": {"a": 1, "b": 2, "c": 3, "d": 4}, "unusable": [], "comment": ""}
WRONG: dict[str, Any] = {"ranks": {"a": 4, "b": 3, "c": 2, "d": 1}, "unusable": [], "comment": ""}


def a_check(work: Queue, role: str = "gold", gold: dict[str, Any] = RIGHT, **fields: Any) -> Task:
    """A task with a known answer: as an import makes it, it has no places."""
    return make.a_task(work, role=role, gold=gold, places=0, **fields)


def a_queue(tasks: int = 20, overlap: int = 1, **rules: Any) -> Queue:
    work = make.a_queue(overlap=overlap, rules=rules)
    for _ in range(tasks):
        make.a_task(work)
    return work


def set_rules(work: Queue, **rules: Any) -> None:
    work.rules = rules
    work.save(update_fields=["rules"])


def in_order(place: Assignment, said: dict[str, Any] = RIGHT) -> dict[str, Any]:
    """A payload that says this of the task's responses in their order, with the letters of this lease."""
    letters = dict(zip(place.task.response_ids, "abcd", strict=True))
    named = {letters[pk]: shown for shown, pk in zip("abcd", place.shown(), strict=True)}
    return place.queue.way.rename(said, named)


def answer(user: User, place: Assignment, said: dict[str, Any] = RIGHT) -> int:
    return labelling.submit(user, place, labelling.Answer(in_order(place, said), place.fence)).label_id


def given(user: User, work: Queue) -> Assignment:
    """The place they are given; there has to be one for them."""
    found = queue.claim(user, work)
    assert isinstance(found, int)
    return _place(found)


def all_given(user: User, work: Queue, most: int = 10_000) -> Iterator[Assignment]:
    """Place after place, as long as each is answered."""
    for _ in range(most):
        found = queue.claim(user, work)
        if not isinstance(found, int):
            return
        yield _place(found)


def _place(pk: int) -> Assignment:
    return Assignment.objects.select_related("task", "queue").get(pk=pk)

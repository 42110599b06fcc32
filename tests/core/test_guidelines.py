"""Guidelines as they are read: the examples apart, what changed, and the word that one has read them."""

import pytest
from django.core.exceptions import ValidationError

from annotate import guidelines, projects, queue
from annotate.models import Guideline, Queue, Seat, User
from tests import factories

TEXT = "# Rank\nBe fair.\n\n## Examples\nGood: A.\n\n### More\nBad: B.\n\n## Ties\nFine.\n"


@pytest.fixture
def work() -> Queue:
    work = factories.a_queue(kind="write", confirm_guidelines=True)
    for _number in range(4):
        factories.a_task(work)
    return work


@pytest.fixture
def noor(work: Queue) -> User:
    return factories.a_member(work.project)


def publish(work: Queue, text: str, own: bool = False) -> Guideline:
    return projects.publish_guideline(work.project, work.created_by, text, work if own else None)


@pytest.mark.parametrize(("text", "main", "examples"), [
    (TEXT, "# Rank\nBe fair.\n\n## Ties\nFine.\n", "Good: A.\n\n### More\nBad: B."),
    ("No heading at all.", "No heading at all.", ""),
    ("# EXAMPLES: #\nOnly these.", "", "Only these."),
    ("## Good and bad examples\nA\n# Next\nB", "# Next\nB", "A"),
    ("## Beispiele\nA", "", "A"),
    ("```\n# Examples\n```\nText", "```\n# Examples\n```\nText", ""),
    ("## Examples\n```\n# not a heading\n```\n## Next", "## Next", "```\n# not a heading\n```"),
    ("Examples\nare not a heading", "Examples\nare not a heading", ""),
    ("", "", ""),
])  # fmt: skip
def test_the_section_of_examples_is_split_off(text: str, main: str, examples: str) -> None:
    assert guidelines.split(text) == (main, examples)


@pytest.mark.django_db
def test_without_guidelines_there_is_nothing_to_read_or_to_wait_for(work: Queue, noor: User) -> None:
    assert guidelines.reading(noor, work) is None
    assert isinstance(queue.claim(noor, work), int)
    with pytest.raises(ValidationError):
        guidelines.confirm(noor, work, 1)


@pytest.mark.django_db
def test_nobody_gets_a_task_before_they_confirm_the_version_in_force(work: Queue, noor: User) -> None:
    publish(work, "Be fair.")
    assert queue.claim(noor, work) is queue.UNREAD
    for wrong in (0, 2, None, "1"):
        with pytest.raises(ValidationError):
            guidelines.confirm(noor, work, wrong)
    guidelines.confirm(noor, work, 1)
    assert isinstance(queue.claim(noor, work), int)


@pytest.mark.django_db
def test_a_new_version_waits_for_its_own_confirmation_but_not_for_the_task_in_hand(work: Queue, noor: User) -> None:
    publish(work, "Be fair.")
    guidelines.confirm(noor, work, 1)
    held = queue.claim(noor, work)
    publish(work, "Be very fair.")
    assert queue.claim(noor, work) == held
    factories.a_label(noor, work)
    assert queue.claim(noor, work) is queue.UNREAD
    guidelines.confirm(noor, work, 2)
    assert isinstance(queue.claim(noor, work), int)


@pytest.mark.django_db
def test_a_queues_own_guidelines_are_those_to_be_confirmed(work: Queue, noor: User) -> None:
    publish(work, "Of the project.")
    publish(work, "Of the queue.", own=True)
    with pytest.raises(ValidationError):
        guidelines.confirm(noor, work, 1)
    assert guidelines.confirm(noor, work, 2).text == "Of the queue."


@pytest.mark.django_db
def test_where_a_queue_does_not_ask_nobody_waits(noor: User, work: Queue) -> None:
    Queue.objects.update(confirm_guidelines=False)
    work.refresh_from_db()
    publish(work, "Be fair.")
    assert isinstance(queue.claim(noor, work), int)
    found = guidelines.reading(noor, work)
    assert found and not found.asked


@pytest.mark.django_db
def test_what_changed_since_one_last_read_is_shown(work: Queue, noor: User) -> None:
    publish(work, "Be fair.")
    first = guidelines.reading(noor, work)
    assert first and first.asked and first.changes is None
    guidelines.confirm(noor, work, 1)
    publish(work, "Be <b>very</b> fair.")
    found = guidelines.reading(noor, work)
    assert found and found.since and found.since.version == 1
    assert found.changes and "<ins>" in found.changes and "<b>" not in found.changes
    guidelines.confirm(noor, work, 2)
    again = guidelines.reading(noor, work)
    assert again and again.changes is None and not again.asked


@pytest.mark.django_db
def test_who_never_confirmed_is_told_what_changed_since_their_newest_label(work: Queue, noor: User) -> None:
    Queue.objects.update(confirm_guidelines=False)
    work.refresh_from_db()
    old = publish(work, "Be fair.")
    Guideline.objects.update(created_at=old.created_at.replace(year=2020))
    factories.a_label(noor, work)
    publish(work, "Be very fair.")
    found = guidelines.reading(noor, work)
    assert found and found.since == old


@pytest.mark.django_db
def test_confirming_is_ones_own_and_of_one_queue(work: Queue, noor: User) -> None:
    publish(work, "Be fair.")
    other = factories.a_queue(work.project, "write", confirm_guidelines=True)
    guidelines.confirm(noor, work, 1)
    assert list(Seat.objects.exclude(read_guideline=None).values_list("user", "queue")) == [(noor.pk, work.pk)]
    assert queue.claim(noor, other) is queue.UNREAD

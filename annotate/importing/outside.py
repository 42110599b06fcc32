"""Labels of people outside, into the database: each in a place of its own, beside those that the queue asks for."""

import uuid
from collections.abc import Iterable, Iterator, Sequence

from django.db import connection

from annotate.importing import copying
from annotate.importing.copying import Record
from annotate.importing.plans import NewLabel, TaskRow
from annotate.models import OutsideAnnotator, Queue, User

#: Where their users' addresses are: a name that no mail can be sent to (RFC 2606, section 2).
DOMAIN = "outside.invalid"

_SAID = """
SELECT l.task_id, o.name, l.body_digest
FROM annotate_label l JOIN annotate_outsideannotator o ON o.user_id = l.annotator_id
WHERE l.task_id = ANY(%s) AND l.supersedes_id IS NULL
"""

_LOCK = "SELECT id FROM annotate_task WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"

_SLOTS = "SELECT task_id, max(slot) FROM annotate_assignment WHERE task_id = ANY(%s) GROUP BY task_id"

_MORE_PLACES = """
UPDATE annotate_task t SET places = t.places + more.count
FROM unnest(%s::bigint[], %s::int[]) AS more (task_id, count) WHERE t.id = more.task_id
"""

_PLACE = "id, task_id, queue_id, slot, position, state, annotator_id, fence, holders"
_LABEL = "assignment_id, task_id, queue_id, annotator_id, payload, shown, fence, active_seconds, key, body_digest"


class Place:
    """The place of a label. Nobody leased it, so it has no `leased_at`."""

    __slots__ = ("annotator_id", "id", "label", "slot")

    def __init__(self, label: NewLabel, annotator_id: int) -> None:
        label.task.slots += 1
        self.id, self.label, self.annotator_id, self.slot = 0, label, annotator_id, label.task.slots


def names(project_id: int) -> set[str]:
    """Of all people outside of a project."""
    return set(OutsideAnnotator.objects.filter(project=project_id).values_list("name", flat=True))


def look_up(tasks: Iterable[TaskRow]) -> None:
    """Fill in who has said what of these stored tasks, and the numbers of their places.

    They are locked, so that these stay as they are until the transaction ends.
    """
    by_id = {task.id: task for task in tasks}
    copying.fetch(_LOCK, [[*by_id]])
    for task_id, name, digest in copying.fetch(_SAID, [[*by_id]]):
        by_id[task_id].said[name] = bytes(digest)
    for task_id, slot in copying.fetch(_SLOTS, [[*by_id]]):
        by_id[task_id].slots = slot


def make_room(labels: Iterable[NewLabel], new: Iterable[TaskRow]) -> None:
    """Give tasks a place more for each of these labels; `new` tasks were stored with theirs."""
    tasks = {label.task.id: label.task for label in labels}
    for task in new:
        tasks.pop(task.id, None)
    with connection.cursor() as cursor:
        cursor.execute(_MORE_PLACES, [[*tasks], [task.new_labels for task in tasks.values()]])


def store(queue: Queue, labels: Sequence[NewLabel]) -> None:
    """Write labels of tasks that are stored, with room for them."""
    people = _people(queue.project_id, {label.voice.annotator for label in labels})
    places = [Place(label, people[label.voice.annotator]) for label in labels]
    copying.number("annotate_assignment", places)
    copying.copy(f"annotate_assignment ({_PLACE})", _places(queue, places))
    copying.copy(f"annotate_label ({_LABEL})", _labels(queue, places))


def _people(project_id: int, names: set[str]) -> dict[str, int]:
    """User ids by the names that files give; who is new to the project is made."""
    there = OutsideAnnotator.objects.filter(project=project_id, name__in=names)
    known = dict(there.values_list("name", "user_id"))
    new = {name: _nobody(name) for name in sorted(names - known.keys())}
    User.objects.bulk_create(new.values())
    OutsideAnnotator.objects.bulk_create(
        OutsideAnnotator(project_id=project_id, name=name, user=user) for name, user in new.items()
    )
    return known | {name: user.pk for name, user in new.items()}


def _nobody(name: str) -> User:
    """A user who can't sign in, with any password or without."""
    user = User(email=f"{uuid.uuid4()}@{DOMAIN}", name=name[:100], is_active=False)
    user.set_unusable_password()
    return user


def _places(queue: Queue, places: Iterable[Place]) -> Iterator[Record]:
    for one in places:
        task, person = one.label.task, one.annotator_id
        yield one.id, task.id, queue.pk, one.slot, task.position, "done", person, 1, copying.as_numbers([person])


def _labels(queue: Queue, places: Iterable[Place]) -> Iterator[Record]:
    for one in places:
        label = one.label
        digest = label.voice.digest
        shown = copying.as_numbers(response.id for response in label.shown)
        key = uuid.uuid5(queue.shuffle_seed, f"{label.task.id}:{digest.hex()}")
        yield (
            *(one.id, label.task.id, queue.pk, one.annotator_id, copying.as_json(label.voice.payload), shown),
            *(int(label.voice.in_order), 0, str(key), copying.as_bytes(digest)),
        )

"""Which tasks of a queue check people, and are none of the work itself; and whether any of its labels was rejected."""

from annotate.models import Queue, Task


def checks(queue: Queue) -> dict[int, str]:
    """The roles of a queue's tasks that check people, by id, but for repeats: these are made so and stay so."""
    found = Task.objects.filter(queue=queue).exclude(role__in=[Task.Role.WORK, Task.Role.REPEAT])
    return dict(found.order_by("pk").values_list("pk", "role"))


def has_repeats(queue: Queue) -> bool:
    return Task.objects.filter(queue=queue, role=Task.Role.REPEAT).exists()


def has_rejected(queue: Queue) -> bool:
    """Whether a reviewer ever rejected a label, by now: where none did, nothing is asked of each label."""
    return Queue.objects.filter(pk=queue.pk, has_rejected=True).exists()

"""Which tasks of a queue check people, and are none of the work itself; and whether any of its labels was rejected."""

from annotate.models import Queue, Review, Task


def checks(queue: Queue) -> dict[int, str]:
    """The roles of a queue's tasks that check people, by id, but for repeats: these are made so and stay so."""
    found = Task.objects.filter(queue=queue).exclude(role__in=[Task.Role.WORK, Task.Role.REPEAT])
    return dict(found.order_by("pk").values_list("pk", "role"))


def has_repeats(queue: Queue) -> bool:
    return Task.objects.filter(queue=queue, role=Task.Role.REPEAT).exists()


def has_rejected(queue: Queue, review_horizon: int) -> bool:
    """Whether a reviewer ever rejected a label, up to this review: where none did, nothing is asked of each label."""
    rejected = Review.objects.filter(verdict=Review.Verdict.REJECT, trial=False, pk__lte=review_horizon)
    return rejected.filter(label__queue=queue).exists()

"""How good annotators are by their checks, and which checks are suspect themselves."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Avg, Count, Q

from annotate.models import CheckResult, Queue, Seat, Task
from annotate.scoring.intervals import Estimate, wilson

#: A check that more than half get wrong is suspect once so many have answered it.
SUSPECT_FROM = 5

NONE = Estimate()


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What somebody's checks come to: shares of right answers with Wilson's intervals.

    `same`: the share of repeats answered as before; `alike`: how much a repeat's answer is like the first on average,
    0 to 1, by the kind's distance. Both are None where nothing was repeated.
    """

    gold: Estimate = NONE
    attention: Estimate = NONE
    screen: Estimate = NONE
    same: Estimate = NONE
    alike: float | None = None


def accuracy(queue: Queue) -> dict[int, Accuracy]:
    """By user id; who was not checked yet is left out."""
    found = CheckResult.objects.filter(seat__queue=queue).order_by().values("seat__user", "role")
    told = found.annotate(n=Count("pk"), good=Count("pk", filter=Q(right=True)), apart=Avg("distance"))
    by_person: dict[int, dict[str, Estimate | float]] = {}
    for one in told:
        mine = by_person.setdefault(one["seat__user"], {})
        name = "same" if one["role"] == Task.Role.REPEAT else one["role"]
        mine[name] = wilson(one["good"], one["n"])
        if name == "same":
            mine["alike"] = 1 - one["apart"]
    return {pk: Accuracy(**mine) for pk, mine in by_person.items()}  # type: ignore[arg-type]  # as named above


@dataclass(frozen=True, slots=True)
class Item:
    """A check that people have answered, and the share of right answers."""

    task: Task
    right: Estimate

    @property
    def is_suspect(self) -> bool:
        """Whether most get it wrong: then the known answer may be what is wrong."""
        return self.right.n >= SUSPECT_FROM and self.right.value is not None and self.right.value < 0.5


def items(queue: Queue, most: int = 100) -> list[Item]:
    """Gold, attention and qualification tasks that were answered, those that most get wrong first."""
    found = CheckResult.objects.filter(seat__queue=queue).exclude(role=Task.Role.REPEAT).order_by()
    told = found.values_list("label__task").annotate(n=Count("pk"), good=Count("pk", filter=Q(right=True)))
    worst = sorted(told, key=lambda one: (one[2] / one[1], -one[1], one[0]))[:most]
    tasks = Task.objects.select_related("prompt").in_bulk([pk for pk, _n, _good in worst])
    return [Item(tasks[pk], wilson(good, n)) for pk, n, good in worst]


def counts(queue: Queue) -> dict[str, int]:
    """How many tasks of each role that checks are ready, by role; repeats are made as they are given."""
    ready = Task.objects.filter(queue=queue, state=Task.State.READY).exclude(role__in=["work", "repeat"])
    return dict(ready.order_by().values_list("role").annotate(n=Count("pk")))


def seats(queue: Queue) -> Iterator[tuple[Seat, Accuracy]]:
    """Everybody who was checked, those with the fewest right answers to gold first."""
    known = accuracy(queue)
    found = Seat.objects.filter(queue=queue, user__in=known).select_related("user")
    yield from sorted(
        ((seat, known[seat.user_id]) for seat in found),
        key=lambda one: (one[1].gold.value is None, one[1].gold.value or 0, one[0].pk),
    )

"""How far the labels of one task are apart, by the kind's own distance."""

from collections.abc import Sequence
from dataclasses import dataclass

from annotate import kinds, labelling
from annotate.models import Label, Task

#: So many characters against characters are compared at a time: less than a tenth of a second.
EFFORT = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The distance, 0 to 1, of each two labels of a task that were compared, by their ids in the order given."""

    pairs: dict[tuple[int, int], float]

    @property
    def agreement(self) -> float | None:
        """1 minus the mean distance of two labels; None where there are not two."""
        return 1 - sum(self.pairs.values()) / len(self.pairs) if self.pairs else None


def common(task: Task, label: Label) -> kinds.Payload:
    """What a label says, its responses named in the task's own order."""
    return labelling.named_as_shown(task.queue.way, label.payload, label.shown, task.response_ids)


def among(task: Task, labels: Sequence[Label]) -> Disagreement:
    """How the labels of one task differ. Of many labels each is compared with a few others (`kinds.each_two`), of long
    texts only as many pairs as `EFFORT` lasts for, the first always.
    """
    said = [(label.pk, common(task, label), written(task.queue.way, label)) for label in labels]
    distance, spent = task.queue.way.distance, 0
    pairs: dict[tuple[int, int], float] = {}
    for one, other in map(sorted, kinds.each_two(len(said))):
        (first_id, first, length), (second_id, second, other_length) = said[one], said[other]
        spent += length * other_length
        if pairs and spent > EFFORT:
            break
        pairs[first_id, second_id] = distance(first, second)
    return Disagreement(pairs)


def written(kind: kinds.Kind, label: Label) -> int:
    """How many characters of text a label holds: comparing two takes time as the product of theirs."""
    return sum(map(len, kind.demonstrations(label.payload)))

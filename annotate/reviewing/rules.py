"""Which labels the rules of a queue want reviewed, and why."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from annotate.checking import results
from annotate.models import Assignment, Label, Queue, Review, Task, ToReview
from annotate.quality import rules
from annotate.quality.rules import Rules
from annotate.reviewing.chance import chance
from annotate.reviewing.disagreement import among
from annotate.reviewing.feedback import newest

Why = ToReview.Why

#: Which come first. To CHECK is added how far off the label is, to DISAGREEMENT how far the task's labels are apart
#: (0 to 1 each). Second opinions come last: where nobody but the first reviewer is there, they would be in the way.
CHOSEN, CHECK, DISAGREEMENT, ANNOTATOR, SAMPLE, SECOND = 3.0, 2.0, 1.0, 0.5, 0.0, -1.0


def drawn(queue: Queue, labels: Sequence[Label]) -> list[ToReview]:
    """Of labels that stand, those to be reviewed: one turn each, the weightiest.

    Whatever was reviewed is left out, and so are fixes, which are a reviewer's own word.
    """
    turns = list(_wanted(queue, rules.of(queue), labels))
    done = {*newest(turn.label for turn in turns), *_fixes(turns)}
    best: dict[int, ToReview] = {}
    for turn in sorted(turns, key=lambda one: one.weight):
        best[turn.label_id] = turn
    return [turn for pk, turn in best.items() if pk not in done]


def _fixes(turns: Iterable[ToReview]) -> Iterable[int | None]:
    ids = {turn.label_id for turn in turns}
    return Review.objects.filter(fix__in=ids).values_list("fix", flat=True)


def _wanted(queue: Queue, asked: Rules, labels: Sequence[Label]) -> Iterator[ToReview]:
    if asked.review_checks:
        yield from _checks(queue, labels)
    if asked.review_annotators:
        yield from _annotators(queue, asked, labels)
    if asked.review_disagreement is not None:
        work = [label for label in labels if label.task.role == Task.Role.WORK]
        yield from _disagreeing(queue, asked.review_disagreement, work)
    for label in labels:  # of checks too: whose labels are all reviewed would know by the others which these are
        if chance(queue, "review", label.pk) < asked.review_rate:
            yield ToReview(label=label, queue=queue, why=Why.SAMPLE, weight=SAMPLE)


def _checks(queue: Queue, labels: Sequence[Label]) -> Iterator[ToReview]:
    for result in results.of_labels(queue, labels):
        if not result.right:
            yield ToReview(label=result.label, queue=queue, why=Why.CHECK, weight=CHECK + result.distance)


def _annotators(queue: Queue, asked: Rules, labels: Sequence[Label]) -> Iterator[ToReview]:
    for label in labels:
        if queue.project.pseudonym(label.annotator_id) in asked.review_annotators:
            yield ToReview(label=label, queue=queue, why=Why.ANNOTATOR, weight=ANNOTATOR)


def _disagreeing(queue: Queue, enough: float, labels: Sequence[Label]) -> Iterator[ToReview]:
    """All labels of tasks that have got all of them, and whose people agree less than `enough`."""
    met = {label.task_id: label.task for label in labels}
    for task_id, said in _complete(met, labels[-1].pk if labels else 0).items():
        task = met[task_id]
        task.queue = queue
        agreement = among(task, said).agreement
        if agreement is not None and agreement < enough:
            weight = DISAGREEMENT + 1 - agreement
            yield from (ToReview(label=label, queue=queue, why=Why.DISAGREEMENT, weight=weight) for label in said)


def _complete(tasks: Collection[int], end: int) -> dict[int, list[Label]]:
    """By task, the labels that stand and aren't rejected, where nobody is to give another.

    Tasks with a label beyond `end` are left out: they are looked at when it is that label's turn.
    """
    unfinished = Assignment.objects.filter(
        task__in=tasks, state__in=[Assignment.State.OPEN, Assignment.State.LEASED]
    ).values_list("task", flat=True)
    given: dict[int, list[Label]] = {}
    for label in Label.objects.live().filter(task__in=set(tasks) - set(unfinished)).order_by("pk"):
        given.setdefault(label.task_id, []).append(label)
    whole = {task: said for task, said in given.items() if said[-1].pk <= end}
    reviews = newest(label for said in whole.values() for label in said)
    rejected = {pk for pk, one in reviews.items() if one.verdict == Review.Verdict.REJECT}
    return {task: [one for one in said if one.pk not in rejected] for task, said in whole.items()}

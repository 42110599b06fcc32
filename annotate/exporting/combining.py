"""Several labels of a task as one: what a method of `annotate.consensus` says that they say together."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from annotate.consensus import Method, Together, Votes
from annotate.exporting.base import Counts, LabelFacts, Labelled, said
from annotate.kinds import agreement

#: Every rater's answer by itself; the other names are those of the methods.
EACH = "each"


def combined(groups: Iterable[list[Labelled]], method: Method, counts: Counts) -> Iterator[Labelled]:
    """A label for each group of labels of one task, under common letters; groups that say nothing are counted."""
    for labels in groups:
        together = method.say(_votes(labels)) if labels else None
        if together is not None:
            yield _one(labels, together)
        elif labels:
            counts.labels += len(labels)
            counts.undecided += 1


def _votes(labels: Sequence[Labelled]) -> Votes:
    first, raters = labels[0], [one.annotator for one in labels]
    return Votes(first.kind, first.by_chance, [one.payload for one in labels], raters)


def _one(labels: Sequence[Labelled], together: Together) -> Labelled:
    newest, given = labels[-1], tuple(label.payload for label in labels)
    return replace(
        newest,
        payload=together.payload,
        written={name: said(text) for name, text in newest.kind.written(together.payload).items()},
        facts=_facts([label.facts for label in labels]),
        votes=given,
        raters=len(given),
        agreement=agreement(newest.kind, given),
        certainty=together.certainty,
    )


def _facts(all_facts: Sequence[LabelFacts]) -> LabelFacts:
    """Of the newest label, but nobody's own: the annotator and the label's key only where there is one label."""
    if len(all_facts) == 1:
        return all_facts[0]
    seconds = sum(one.active_seconds for one in all_facts)
    return replace(all_facts[-1], annotator="", person="", key="", supersedes="", active_seconds=seconds, fixed=False)

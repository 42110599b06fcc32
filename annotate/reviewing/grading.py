"""How good reviewers are: by labels whose right verdict is known, and by second opinions; and what they made of labels.

Two verdicts agree where both take the label as it is or neither does: a fix, a request for changes and a rejection
differ in what is to follow, not in whether the label is good.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from annotate.models import KnownVerdict, Label, Pause, Queue, Review, User
from annotate.scoring import agreement
from annotate.scoring.intervals import Estimate, wilson

ACCEPT = Review.Verdict.ACCEPT
#: People are graded by so many reviews of a queue, the newest: a page counts them anew whenever it is looked at.
MOST_REVIEWS = 20_000
NOTHING = Estimate()


@dataclass(slots=True)
class Reviewer:
    """One reviewer of a queue: their verdicts counted, and how they compare. Times in seconds from taking a label on.

    `known`: share of verdicts that agree with the known one; `second`: share that agree with another reviewer of the
    same label, and `kappa` of the same (Cohen 1960), beyond chance.
    """

    user_id: int
    verdicts: dict[str, int] = field(default_factory=dict)
    known: Estimate = NOTHING
    second: Estimate = NOTHING
    kappa: Estimate = NOTHING
    seconds: float | None = None

    @property
    def reviews(self) -> int:
        return sum(self.verdicts.values())


@dataclass(slots=True)
class Reviewed:
    """What reviewers made of one annotator's labels: of each label the verdict that counts."""

    user_id: int
    verdicts: dict[str, int]

    @property
    def labels(self) -> int:
        return sum(self.verdicts.values())

    def share(self, verdict: str) -> Estimate:
        """Share of the reviewed labels that came to this verdict, with its interval."""
        return wilson(self.verdicts.get(verdict, 0), self.labels)

    @property
    def accepted(self) -> Estimate:
        return self.share(Review.Verdict.ACCEPT)

    @property
    def fixed(self) -> Estimate:
        return self.share(Review.Verdict.FIX)

    @property
    def rejected(self) -> Estimate:
        return self.share(Review.Verdict.REJECT)


@dataclass(frozen=True, slots=True)
class Grades:
    """Reviewers and annotators of a queue by user id, who did most first. `all`: whether it is of all reviews, and not
    of the newest `MOST_REVIEWS` alone.
    """

    reviewers: list[Reviewer]
    annotators: list[Reviewed]
    all: bool


def of(queue: Queue) -> Grades:
    """The grades of a queue's reviewers, and what they made of its annotators' labels, by the newest reviews."""
    newest = _judged(queue).order_by("-pk").values_list("pk", flat=True)
    left_out = newest[MOST_REVIEWS : MOST_REVIEWS + 1]
    after = next(iter(left_out), 0)
    return Grades(reviewers(queue, after), annotators(queue, after), all=not after)


def _judged(queue: Queue) -> QuerySet[Review]:
    """Its reviews, without those that set the labels of a paused person aside: that is to judge none of them."""
    paused = Pause.objects.filter(seat__queue=queue, seat__user=OuterRef("label__annotator"), reason=OuterRef("reason"))
    return Review.objects.filter(label__queue=queue).exclude(Exists(paused), verdict=Review.Verdict.REJECT)


def reviewers(queue: Queue, after: int = 0) -> list[Reviewer]:
    """Everybody who gave a review here, by the reviews with ids above `after`."""
    given = _judged(queue).filter(pk__gt=after).order_by().values("reviewer", "verdict").annotate(n=Count("pk"))
    found: dict[int, Reviewer] = {}
    for user, verdict, count in given.values_list("reviewer", "verdict", "n"):
        found.setdefault(user, Reviewer(user)).verdicts[verdict] = count
    known, seconds, spent = _known(queue, after), _second(queue, after), _spent(queue, after)
    for user, one in found.items():
        one.known = wilson(*known.get(user, (0, 0)))
        one.second, one.kappa = _alike(seconds.get(user, []))
        one.seconds = spent.get(user)
    return sorted(found.values(), key=lambda one: -one.reviews)


def _known(queue: Queue, after: int) -> dict[int, tuple[int, int]]:
    """By reviewer: (how often they agreed, of how many) labels with a known verdict that were shown to them unseen."""
    newer = Review.objects.filter(label__queue=queue, pk__gt=after)
    trials = newer.filter(trial=True, label__known_verdict__isnull=False)
    both = Q(verdict=ACCEPT, label__known_verdict__verdict=ACCEPT)
    neither = ~Q(verdict=ACCEPT) & ~Q(label__known_verdict__verdict=ACCEPT)
    counted = trials.order_by().values("reviewer").annotate(right=Count("pk", filter=both | neither), n=Count("pk"))
    return {user: (right, n) for user, right, n in counted.values_list("reviewer", "right", "n")}


# Each second opinion, and the review that came last before it: of the same label, or the one that made it as a fix.
# A fix was looked at as it was fixed: who accepts it agrees with the fixer.
_SECOND = """
SELECT l.task_id, one.reviewer_id, one.took, last.reviewer_id, last.verdict = 'accept'
FROM annotate_toreview t
JOIN annotate_label l ON l.id = t.label_id
JOIN annotate_review last ON last.id = t.review_id
CROSS JOIN LATERAL (
    SELECT both_ways.reviewer_id, both_ways.took FROM (
        SELECT v.id, v.reviewer_id, v.verdict = 'accept' AS took FROM annotate_review v
        WHERE v.label_id = l.id AND v.id < last.id AND NOT v.trial
        UNION ALL
        SELECT v.id, v.reviewer_id, true FROM annotate_review v
        WHERE v.fix_id = l.id AND v.id < last.id
    ) AS both_ways ORDER BY both_ways.id DESC LIMIT 1
) AS one
WHERE t.queue_id = %s AND last.id > %s AND t.why = 'second' AND one.reviewer_id <> last.reviewer_id
ORDER BY t.id
"""


def _second(queue: Queue, after: int) -> dict[int, list[tuple[int, bool, bool]]]:
    """By reviewer: (task, whether they accepted, whether the other one did) for each label that two have reviewed."""
    pairs: dict[int, list[tuple[int, bool, bool]]] = {}
    for task, one, one_took, other, other_took in _rows(_SECOND, queue, after):
        pairs.setdefault(one, []).append((task, one_took, other_took))
        pairs.setdefault(other, []).append((task, other_took, one_took))
    return pairs


def _alike(pairs: Iterable[tuple[int, bool, bool]]) -> tuple[Estimate, Estimate]:
    """(share that agree, kappa) of verdicts of oneself and another."""
    rows = list(pairs)
    if not rows:
        return NOTHING, NOTHING
    tasks, mine, others = (np.array(one) for one in zip(*rows, strict=True))
    share = wilson(int((mine == others).sum()), len(rows))
    return share, agreement.cohen(mine.astype(np.float64), others.astype(np.float64), tasks.astype(np.int64))


_SPENT = """
SELECT v.reviewer_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM v.created_at - t.taken_at))
FROM annotate_toreview t JOIN annotate_review v ON v.id = t.review_id
WHERE t.queue_id = %s AND v.id > %s AND t.taken_at IS NOT NULL GROUP BY v.reviewer_id
"""


def _spent(queue: Queue, after: int) -> dict[int, float]:
    """By reviewer: seconds from taking a label to its verdict, the median."""
    return dict(_rows(_SPENT, queue, after))


# Nobody looked at labels that were set aside with all of a paused person's: they are rejected for the pause's reason.
_REVIEWED = """
SELECT annotator_id, verdict, count(*) FROM (
    SELECT DISTINCT ON (v.label_id) l.annotator_id, l.queue_id, v.verdict, v.reason
    FROM annotate_review v JOIN annotate_label l ON l.id = v.label_id
    WHERE l.queue_id = %s AND v.id > %s AND NOT v.trial ORDER BY v.label_id, v.id DESC
) AS counts
WHERE verdict <> 'reject' OR NOT EXISTS (
    SELECT FROM annotate_pause p JOIN annotate_seat s ON s.id = p.seat_id
    WHERE s.queue_id = counts.queue_id AND s.user_id = counts.annotator_id AND p.reason = counts.reason
)
GROUP BY annotator_id, verdict
"""


def annotators(queue: Queue, after: int = 0) -> list[Reviewed]:
    """Everybody whose labels were reviewed here, and not just set aside, by the reviews with ids above `after`."""
    found: dict[int, Reviewed] = {}
    for user, verdict, count in _rows(_REVIEWED, queue, after):
        found.setdefault(user, Reviewed(user, {})).verdicts[verdict] = count
    return sorted(found.values(), key=lambda one: -one.labels)


def _rows(sql: str, queue: Queue, after: int) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [queue.pk, after])
        rows: list[Any] = cursor.fetchall()
    return rows


# --- Labels whose right verdict is known ------------------------------------------------------------------------------


def known_verdict(label: Label) -> KnownVerdict | None:
    """What is known of a label, if anything."""
    return KnownVerdict.objects.filter(label=label).first()


def mark_known(label: Label, user: User, verdict: str, note: str = "") -> KnownVerdict:
    """From now on the label is shown to reviewers unseen among others, to grade them. Raises ValidationError."""
    if verdict not in Review.Verdict.values:
        raise ValidationError({"verdict": [_("Accept, fix, ask for changes or reject.")]})
    if len(note) > 2_000:
        raise ValidationError({"note": [_("At most %s characters.") % 2_000]})
    values = {"verdict": verdict, "note": note.replace("\0", "").strip(), "created_by": user}
    return KnownVerdict.objects.update_or_create(label=label, defaults=values)[0]


def unmark_known(label: Label) -> None:
    """It grades nobody any more. What was said of it stays, and counts in nobody's grade."""
    KnownVerdict.objects.filter(label=label).delete()

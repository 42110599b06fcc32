"""What a queue asks for beside labels: further ones where people disagree, checks, reviews; and what an hour costs."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from annotate.models import Queue
from annotate.models.queues import MAX_OVERLAP


@dataclass(frozen=True, slots=True)
class Rules:
    """A queue's rules. The defaults change nothing: no further labels, no checks, no reviews by rule."""

    # Further labels: from `Queue.overlap` on, one at a time, while the labels of a task agree less than this.
    most_labels: int = 0
    enough_agreement: float = 0.7
    extra_budget: int | None = None
    # Checks, mixed into the work. The shares are of tasks given.
    gold_rate: float = 0.0
    attention_rate: float = 0.0
    repeat_rate: float = 0.0
    gold_tolerance: float = 0.2
    screen_tasks: int = 0
    screen_pass: float = 0.7
    # Pausing: a sequential test of `pause_good` against `pause_bad`, wrong in at most `pause_error` of cases. With
    # these numbers somebody who tosses a coin is paused within 30 checks in 98.6 % of cases (a die of three: always),
    # and somebody who gets 88 % right is ever paused in 1.2 % (`annotate.scoring.sequential.course`).
    pause: bool = False
    pause_good: float = 0.88
    pause_bad: float = 0.6
    pause_error: float = 0.02
    # Reviews.
    review_rate: float = 0.0
    review_disagreement: float | None = None
    review_checks: bool = False
    review_annotators: tuple[str, ...] = ()
    second_review_rate: float = 0.0
    known_rate: float = 0.0
    # Cost.
    hourly_rate: float | None = None
    currency: str = "USD"

    @property
    def mixes_checks(self) -> bool:
        """Whether checks come among the work, unseen."""
        return self.gold_rate > 0 or self.attention_rate > 0 or self.repeat_rate > 0

    @property
    def asks_for_reviews(self) -> bool:
        """Whether labels come into the review queue by rule."""
        by_label = self.review_rate > 0 or self.review_disagreement is not None or self.review_checks
        return by_label or bool(self.review_annotators)

    @property
    def reviews(self) -> tuple[object, ...]:
        """What says which labels come into the review queue."""
        return self.review_rate, self.review_disagreement, self.review_checks, self.review_annotators

    @property
    def is_adaptive(self) -> bool:
        return self.most_labels > 0


def of(queue: Queue) -> Rules:
    """The rules of a queue: what it says, and the defaults."""
    known = {one.name for one in fields(Rules)}
    return Rules(**{name: _plain(value) for name, value in queue.rules.items() if name in known})


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def stored(rules: Rules) -> dict[str, Any]:
    """As JSON, as `Queue.rules` holds it: what is as by default is left out."""
    default = asdict(Rules())
    told = {name: value for name, value in asdict(rules).items() if value != default[name]}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}


# --- Whether they are right ------------------------------------------------------------------------------------------

#: At most this share of the tasks given may be checks, of one sort or of all together.
MOST_CHECKS = 0.5
MOST_SCREEN = 1_000
MOST_NAMES = 200

#: Numbers by name: the lowest and the highest value.
NUMBERS: dict[str, tuple[float, float]] = {
    "enough_agreement": (0, 1),
    "gold_rate": (0, MOST_CHECKS),
    "attention_rate": (0, MOST_CHECKS),
    "repeat_rate": (0, MOST_CHECKS),
    "gold_tolerance": (0, 1),
    "screen_pass": (0, 1),
    "pause_good": (0.01, 0.99),
    "pause_bad": (0.01, 0.99),
    "pause_error": (0.001, 0.2),
    "review_rate": (0, 1),
    "review_disagreement": (0, 1),
    "second_review_rate": (0, 1),
    "known_rate": (0, MOST_CHECKS),
    "hourly_rate": (0, 1_000_000),
}
_WHOLE = {"most_labels": (0, MAX_OVERLAP), "screen_tasks": (0, MOST_SCREEN), "extra_budget": (0, 2**31 - 1)}
_MAYBE = {"extra_budget", "review_disagreement", "hourly_rate"}

type _Errors = dict[str, list[Any]]


def checked(data: Mapping[str, Any], overlap: int) -> Rules:
    """Rules from plain values, the defaults for those left out. `overlap`: the queue's labels per task.

    Raises ValidationError, by field.
    """
    known = {one.name for one in fields(Rules)}
    errors: _Errors = {name: [_("There is no such rule.")] for name in sorted(data.keys() - known)}
    for name, value in data.items():
        if name in known and (wrong := _wrong(name, value)):
            errors[name] = [wrong]
    if errors:
        raise ValidationError(errors)
    found = Rules(**{name: _plain(value) for name, value in data.items()})
    if together := dict(_wrong_together(found, overlap)):
        raise ValidationError(together)
    return found


def _wrong(name: str, value: Any) -> Any:
    """What is wrong with one value; None where nothing is."""
    if name in _MAYBE and value is None:
        return None
    if name in NUMBERS or name in _WHOLE:
        return _wrong_number(name, value)
    if name in {"pause", "review_checks"}:
        return None if isinstance(value, bool) else _("Must be true or false.")
    if name == "currency":
        right = isinstance(value, str) and re.fullmatch("[A-Z]{3}", value)
        return None if right else _("Must be a currency's code of three capitals, such as EUR.")
    names = isinstance(value, list | tuple) and all(isinstance(one, str) and one for one in value)
    return None if names and len(value) <= MOST_NAMES else _("Must be a list of pseudonyms.")


def _wrong_number(name: str, value: Any) -> Any:
    whole = name in _WHOLE
    low, high = _WHOLE[name] if whole else NUMBERS[name]
    if type(value) not in ((int,) if whole else (int, float)) or not isfinite(value):
        return _("Must be a whole number.") if whole else _("Must be a number.")
    if not low <= value <= high:
        return _("Must be from %(low)s to %(high)s.") % {"low": low, "high": high}
    return None


def _wrong_together(rules: Rules, overlap: int) -> Iterator[tuple[str, list[Any]]]:
    """What is wrong with values that are right by themselves."""
    if 0 < rules.most_labels < overlap:
        yield "most_labels", [_("The queue asks for %s labels per task: at least as many, or 0 for none.") % overlap]
    if rules.gold_rate + rules.attention_rate + rules.repeat_rate > MOST_CHECKS:
        yield "gold_rate", [_("More than half of all tasks would be checks, repeats included.")]
    if not rules.pause_bad < rules.pause_good:
        yield "pause_bad", [_("Must be less than the share of right answers that is good.")]

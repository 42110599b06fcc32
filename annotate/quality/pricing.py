"""What the figures of a cost report mean, in a sentence."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from annotate.models import Queue
from annotate.narrowing import link
from annotate.quality.costs import FEWEST_DAYS, FEWEST_LABELS
from annotate.quality.figures import Figure

type Told = Mapping[str, Any]

HOUR = 3_600


def behind(queue: Queue, **narrowed: Any) -> str:
    """The labels that a cost report is made of (`costs.paid_work`), narrowed."""
    return link(queue, own=True, **narrowed)


def of_queue(queue: Queue, result: Told) -> list[Figure]:
    """The figures of a queue, those of money where there is a price."""
    more = {"count": result["labels"], "href": behind(queue)}
    return [
        _pace(result, more),
        _median(result, more),
        *_money(result, more),
        _forecast(result),
        *_to_pay(result),
    ]


def _timed(result: Told) -> int:
    return int(result["labels"] - result["untimed"])


def _pace(result: Told, more: dict[str, Any]) -> Figure:
    hours = result["seconds"] / HOUR
    value = _timed(result) / hours if _timed(result) >= FEWEST_LABELS and hours else None
    sentence = _("Active time is the page in sight and somebody at work; pauses don't count.")
    said = _needs(result) if value is None else sentence
    return Figure("labels_per_hour", _("Labels an hour"), value, sentence=said, **more)


def _needs(result: Told) -> str:
    needed = {"needed": FEWEST_LABELS, "there": _timed(result)}
    return _("It needs %(needed)s labels with their time; there are %(there)s.") % needed


def _median(result: Told, more: dict[str, Any]) -> Figure:
    title, unit = _("Active time of a label, median"), _("seconds")
    if result["quartiles"] is None:
        return Figure("median_seconds", title, None, unit=unit, sentence=_needs(result), **more)
    low, middle, high = result["quartiles"]
    sentence = _("Half of the labels take between %(low)s and %(high)s seconds.")
    said = sentence % {"low": round(low), "high": round(high)}
    known = {"quartile_1": low, "quartile_3": high}
    return Figure("median_seconds", title, middle, unit=unit, decimals=0, sentence=said, known=known, **more)


def _money(result: Told, more: dict[str, Any]) -> list[Figure]:
    """So far, a label, a task. Without a price they say where to set it."""
    currency, spent = result["currency"], cost(result, result["seconds"])
    title = _("Cost so far")
    if spent is None:
        return [Figure("cost", title, None, sentence=_("Set what an hour costs on the page Rules."))]
    priced = _("Active time at %(rate)s %(currency)s an hour.")
    rate = priced % {"rate": result["rate"], "currency": currency}
    found = [Figure("cost", title, round(spent, 2), unit=currency, decimals=2, sentence=rate, **more)]
    for name, title, count, sentence in (
        ("cost_per_label", _("Cost of a label"), _timed(result), _("The mean of the labels with their time.")),
        ("cost_per_task", _("Cost of a task"), result["tasks"], _("All of its labels so far together.")),
    ):
        value = round(spent / count, 4) if _timed(result) >= FEWEST_LABELS else None
        said = _needs(result) if value is None else sentence
        found.append(Figure(name, title, value, unit=currency, decimals=2, sentence=said, **more))
    return found


def cost(result: Told, seconds: float) -> float | None:
    """What so many seconds cost, where there is a price."""
    return None if result["rate"] is None else seconds / HOUR * float(result["rate"])


def _forecast(result: Told) -> Figure:
    told = result["forecast"]
    known = {name: told[name] for name in ("places", "expected")}
    title, unit = _("Days to finish"), _("days")
    if told["days"] is None:
        value = 0.0 if told["why"] == "done" else None
        return Figure("days_left", title, value, unit=unit, decimals=0, sentence=_why(told), known=known)
    value, low, high, _n = told["days"]
    today = date.fromisoformat(result["today"])
    words = {
        "places": told["places"],
        "pace": told["pace"],
        "low": date_format(today + timedelta(days=round(low))),
        "high": date_format(today + timedelta(days=round(high))),
    }
    sentence = _("%(places)s places are left; lately %(pace)s labels a day came in. Done between %(low)s and %(high)s.")
    more = (
        " " + _("With %(n)s further labels, where people disagree.") % {"n": told["expected"]}
        if told["expected"]
        else ""
    )
    if result["checks"]:
        more += " " + _("Checks are not counted: they come on top.")
    said = sentence % words + more
    return Figure("days_left", title, value, low, high, unit=unit, decimals=1, sentence=said, known=known)


def _why(told: Told) -> str:
    """Why there is no forecast."""
    reasons = {
        "done": _("Nothing is left to do."),
        "no labels": _("Nobody has labelled here yet."),
        "idle": _("Idle: no label since %(since)s. Are there people, and is the queue open?"),
        "few days": _("It needs labels of %(needed)s whole days; there are %(worked)s."),
    }
    words = {"since": told.get("since", ""), "needed": FEWEST_DAYS, "worked": told.get("worked", 0)}
    return reasons[told["why"]] % words


def _to_pay(result: Told) -> list[Figure]:
    """What the rest will cost, at what a label of work took so far together with the checks that came with it."""
    told = result["forecast"]
    if result["rate"] is None or result["timed_work"] < FEWEST_LABELS or not told["places"]:
        return []
    left = told["places"] + told["expected"]
    value = cost(result, result["seconds"] / result["timed_work"] * left)
    sentence = _("What is left, if a label goes on taking as long as it did so far.")
    if result["checks"]:
        sentence += " " + _("With as many checks beside it as so far.")
    return [
        Figure("cost_to_finish", _("Cost to finish"), round(value or 0, 2), unit=result["currency"], sentence=sentence)
    ]

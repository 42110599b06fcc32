"""A bias report in words: each figure with what it means and whether to worry."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.formats import localize
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from annotate import charts
from annotate.charts import Point
from annotate.quality.figures import Figure
from rankings.bias.people import FASTEST, FEWEST
from rankings.boards.strengths import Json
from rankings.boards.telling import Table, effects_table

type Words = tuple[str, str]

#: From here on a lean is worth a look, and worrying; of shares, away from a half.
LOOK, WORRY = 0.05, 0.10
#: Of the longer response: people preferred it in 64 % in AlpacaEval's table of evaluators, in other data 60 to 70 %.
LONG_LOOK, LONG_WORRY = 0.70, 0.80
AGREE_LOOK, AGREE_WORRY = 0.63, 0.55
HASTY_LOOK, HASTY_WORRY = 0.05, 0.15
#: People in a chart: those with most labels.
IN_CHART = 30


def figures(report: Json, href: str) -> list[Figure]:
    """The figures of all annotators together; `href`: where the queue's labels are."""
    return [
        _figure(report, "first", _("The response shown first wins"), _first(report["first"]), href),
        _figure(report, "longer", _("The longer response wins"), _longer(report["longer"]), href),
        _figure(report, "majority", _("Agreement with the majority"), _majority(report["majority"]), href),
        _figure(report, "hasty", _("Answers faster than reading"), _hasty(report["hasty"]), href),
        _figure(report, "pace", _("Pace and agreement"), _pace(report["pace"]), href, unit=""),
    ]


def _figure(report: Json, name: str, title: str | Promise, told: Words, href: str, unit: str = "%") -> Figure:
    one, (sentence, worry) = report[name], told
    bounds = {"value": one["value"], "low": one["low"], "high": one["high"]}
    known = {"of": one["n"]}
    return Figure(
        name, title, **bounds, count=report["labels"], unit=unit, sentence=sentence, worry=worry, href=href, known=known
    )


def _percent(share: float) -> str:
    return str(localize(round(100 * share)))


def _first(one: Json) -> Words:
    if one["value"] is None:
        return _(
            "Nobody preferred a response yet where it is known which was shown first: files with labels seldom say so."
        ), ""
    lean = one["value"] - 0.5
    if one["low"] <= 0.5 <= one["high"]:
        return _("No lean towards either place can be seen: 50 % lies within the interval."), "fine"
    evens_out = _("Each sees another order, so it evens out over many labels, but it is noise in each:")
    ask = _("ask them to read all first.") if lean > 0 else _("ask them to look at the first response again.")
    where = _("People lean towards what they see first.") if lean > 0 else _("People lean towards what they read last.")
    words = f"{where} {evens_out} {ask}"
    return words, "worry" if abs(lean) >= WORRY else "look" if abs(lean) >= LOOK else "fine"


def _longer(one: Json) -> Words:
    if one["value"] is None:
        return _("No response was preferred to a shorter or longer one yet."), ""
    if one["value"] >= LONG_LOOK:
        words = _(
            "More than the 60 to 70 % of published data. Length often comes with substance, but a model trained on this"
            " learns to be wordy: say in the guidelines what length is worth, and look at the strengths with style held"
            " equal."
        )
        return words, "worry" if one["value"] >= LONG_WORRY else "look"
    if one["high"] < 0.5:
        return _("People prefer the shorter one, which is seldom: see whether the guidelines ask for it."), "look"
    return _("Up to 60 to 70 % is usual in published data: longer answers often say more."), "fine"


def _majority(one: Json) -> Words:
    if one["value"] is None:
        return _("Nobody else judged the same responses, or the others are even: ask for three labels per task."), ""
    if one["value"] < AGREE_LOOK:
        words = _(
            "Less than the 63 to 77 % that published preference data has between two people. Look at the tasks people"
            " disagree on most, and make the guidelines clearer there."
        )
        return words, "worry" if one["value"] < AGREE_WORRY else "look"
    words = _(
        "How often a comparison says what most of the others say, where they are not even. Between any two people 63 to"
        " 77 % is usual in published data; a majority is easier to agree with."
    )
    return words, "fine"


def _hasty(one: Json) -> Words:
    if one["value"] is None:
        return _("No label has a time: those that came with files have none."), ""
    fastest = {"n": localize(round(FASTEST))}
    words = (
        _("Given in less time than reading the responses takes at %(n)s characters a second, where skimming begins.")
        % fastest
    )
    if one["value"] >= HASTY_LOOK:
        words += " " + _("Look at whose they are below, and read some of their labels.")
    return words, "worry" if one["value"] >= HASTY_WORRY else "look" if one["value"] >= HASTY_LOOK else "fine"


def _pace(one: Json) -> Words:
    if one["value"] is None:
        words = _(
            "A rank correlation of people's pace and agreement needs %(many)d people with times; there are %(n)d."
        )
        return words % {"many": FEWEST, "n": one["n"]}, ""
    if one["low"] > 0:
        words = _(
            "Who takes longer agrees more with the others: haste costs quality here. Ask the quick ones to slow down."
        )
        return words, "worry" if one["value"] > 0.5 else "look"
    if one["high"] < 0:
        return _("Who takes longer agrees less: they may be unsure, or tired. Read what they find hard."), "look"
    return _("Rank correlation of people's pace with their agreement: none can be seen."), "fine"


# --- One by one ------------------------------------------------------------------------------------------------------

PEOPLE = ("first", "longer", "majority", "hasty")


def people_titles() -> dict[str, str]:
    return {
        "first": _("The response shown first wins, by annotator"),
        "longer": _("The longer response wins, by annotator"),
        "majority": _("Agreement with the majority, by annotator"),
    }


@dataclass(frozen=True, slots=True)
class Pace:
    """One annotator's pace: median seconds a label, "" where none is known; and shares in percent."""

    name: str
    href: str
    labels: int
    seconds: str
    hasty: str
    majority: str


def pace_rows(report: Json, names: dict[int, str], links: dict[int, str]) -> list[Pace]:
    return [
        Pace(
            names[one["annotator"]],
            links[one["annotator"]],
            one["labels"],
            "" if one["seconds"] is None else str(localize(round(one["seconds"], 1))),
            _share(one["hasty"]["value"]),
            _share(one["majority"]["value"]),
        )
        for one in report["people"]
    ]


def _share(value: float | None) -> str:
    return "" if value is None else f"{_percent(value)} %"


def people_chart(report: Json, what: str, title: str, names: dict[int, str], links: dict[int, str]) -> SafeString:
    """A dot for each annotator, those with most labels first."""
    found = [
        Point(
            names[one["annotator"]],
            one[what]["value"],
            one[what]["low"],
            one[what]["high"],
            one[what]["n"],
            links.get(one["annotator"], ""),
        )
        for one in report["people"][:IN_CHART]
    ]
    return charts.dots(title, found, mark=report[what]["value"], mark_label=_("all together"), unit="%")


def outliers(report: Json, what: str, names: dict[int, str]) -> list[str]:
    """Who differs from all together beyond the doubt of chance."""
    whole = report[what]["value"]
    known = [one for one in report["people"] if one[what]["value"] is not None and whole is not None]
    return [names[one["annotator"]] for one in known if not one[what]["low"] <= whole <= one[what]["high"]]


# --- Tables ----------------------------------------------------------------------------------------------------------

TABLES = ("people", "figures", "style")


def table(report: Json, name: str, names: dict[int, str]) -> Table:
    """One of `TABLES`, for a spreadsheet."""
    if name == "style":
        return effects_table(report["effects"])
    if name == "figures":
        told = [(one.name, one.value, one.low, one.high, one.known["of"]) for one in figures(report, "")]
        return Table(("name", "value", "low", "high", "of"), told)
    columns = [f"{what}{part}" for what in PEOPLE for part in ("", "_low", "_high", "_of")]
    return Table(("annotator", "labels", "seconds", *columns), [_person(one, names) for one in report["people"]])


def _person(one: Json, names: dict[int, str]) -> Sequence[Any]:
    told = [one[what][part] for what in PEOPLE for part in ("value", "low", "high", "n")]
    return [names[one["annotator"]], one["labels"], one["seconds"], *told]

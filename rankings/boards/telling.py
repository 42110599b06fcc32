"""A board in words, charts and tables, for whoever reads it: what each figure means and whether to worry."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.formats import localize
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate import charts
from annotate.charts import Point, Series
from annotate.quality.figures import WORRIES
from rankings.boards.strengths import ENOUGH, Json
from rankings.scoring.bradley_terry import ELO
from rankings.scoring.robust import logistic

#: Names listed in a sentence, models and categories in the table by category, lines in the chart over time.
NAMES, MODELS, CATEGORIES, LINES = 6, 12, 8, 4

#: By model, and what else a figure is of: the address of the labels, "" where there is none.
type Address = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence on the whole board. `worry`: "fine", "look" or "worry"."""

    text: str
    worry: str = "fine"

    @property
    def worry_word(self) -> str | Promise:
        return WORRIES[self.worry]


@dataclass(frozen=True, slots=True)
class Table:
    """Figures as a spreadsheet has them: names of columns for programs, numbers as they are."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def points(strength: float | None) -> float | None:
    """A strength in Elo points: 400 are odds of ten to one, 100 are 64 wins in 100."""
    return None if strength is None else round(strength * ELO, 1)


# --- Sentences -------------------------------------------------------------------------------------------------------


def notes(board: Json) -> list[Note]:
    """What to know before the figures are believed, the order of the best first."""
    found = [_ahead(board), _apart(board), _few(board), _open(board), _unknown(board), _unsaid(board)]
    return [one for one in found if one]


def _named(names: Sequence[str]) -> str:
    """Names with commas between, the first of many."""
    shown = ", ".join(f"“{one}”" for one in names[:NAMES])
    more = len(names) - NAMES
    return (
        shown
        if more <= 0
        else ngettext("%(shown)s and %(n)d more", "%(shown)s and %(n)d more", more)
        % {
            "shown": shown,
            "n": more,
        }
    )


def _ahead(board: Json) -> Note | None:
    """Who may be the best of the largest group."""
    ranked = [row for row in board["models"] if row["group"] == board["models"][0]["group"]]
    first = [row["model"] for row in ranked if row["best"] == 1]
    if len(ranked) < 2:
        return None
    if len(first) == 1:
        return Note(_("%s is first: each other model is weaker beyond the doubt of chance.") % _named(first))
    words = _("Any of these may be first: %s. The comparisons so far do not tell them apart; more of them would.")
    return Note(words % _named(first), "look")


def _apart(board: Json) -> Note | None:
    if board["groups"] < 2:
        return None
    words = _(
        "The models fall into %d groups that were never compared with one another, directly or through others. A"
        " strength is told against the average of its own group alone. Import tasks that show models of both."
    )
    return Note(words % board["groups"], "worry")


def _few(board: Json) -> Note | None:
    few = [row["model"] for row in board["models"] if not row["enough"]]
    if not few:
        return None
    words = _("Compared on fewer than %(enough)d prompts, so take their places as a hint: %(few)s.")
    return Note(words % {"enough": ENOUGH, "few": _named(few)}, "look")


def _open(board: Json) -> Note | None:
    """Those of groups in which some beat others and never lost to them nor tied; who never met anybody is `_apart`."""
    groups = [row["group"] for row in board["models"]]
    unbound = [row for row in board["models"] if row["low"] is None or row["high"] is None]
    one_way = [row["model"] for row in unbound if groups.count(row["group"]) > 1]
    if not one_way:
        return None
    words = _("Comparisons between some of these only ever went one way, so nothing tells how far they are apart: %s.")
    return Note(words % _named(one_way), "look")


def _unknown(board: Json) -> Note | None:
    if not board["unknown"]:
        return None
    words = ngettext(
        "%d comparison is left out: the model of a response is not known.",
        "%d comparisons are left out: the model of a response is not known.",
        board["unknown"],
    )
    return Note(words % board["unknown"], "look")


def _unsaid(board: Json) -> Note | None:
    if not board["unsaid"]:
        return None
    words = ngettext(
        "Of %d pair of responses nothing is said: both are called unusable, or both bad.",
        "Of %d pairs of responses nothing is said: both are called unusable, or both bad.",
        board["unsaid"],
    )
    return Note(words % board["unsaid"])


# --- Charts ----------------------------------------------------------------------------------------------------------


def strength_chart(board: Json, address: Address) -> SafeString:
    found = [_point(row["model"], row, points, row["prompts"], address(row["model"])) for row in board["models"]]
    title = _("Strength in points, with the number of prompts it rests on")
    return charts.dots(title, found, mark=0.0, mark_label=_("the average model"), unit=_("points"))


def _point(name: str, row: Json, say: Callable[[float | None], float | None], count: int, href: str = "") -> Point:
    return Point(name, say(row["strength"]), say(row["low"]), say(row["high"]), count, href)


@dataclass(frozen=True, slots=True)
class Row:
    """A model in the table beside the chart. `halves`, `styled`, `ordered`: points, "" where there are none."""

    model: str
    href: str
    places: str
    halves: str
    styled: str
    ordered: str
    won: int
    tied: int
    lost: int


def rows(board: Json, address: Address) -> list[Row]:
    return [
        Row(
            row["model"],
            address(row["model"]),
            str(row["best"]) if row["best"] == row["worst"] else f"{row['best']}-{row['worst']}",
            _said(row["halves"]),
            _said(row["styled"]),
            _said(row["ordered"]),
            row["won"],
            row["tied"],
            row["lost"],
        )
        for row in board["models"]
    ]


def _said(one: Json | None) -> str:
    """Points with their sign, as people read them."""
    return f"{points(one['strength']):+.0f}" if one else ""


def matrix_chart(board: Json, address: Address) -> SafeString:
    """`address` takes the model of the row and that of the column."""
    names = board["matrix"]["models"]
    cells = [
        [
            Point("", one["value"], one["low"], one["high"], one["prompts"], address(row, column)) if one else None
            for column, one in zip(names, found, strict=True)
        ]
        for row, found in zip(names, board["matrix"]["cells"], strict=True)
    ]
    return charts.matrix(_("How often the model of the row is preferred to that of the column"), names, names, cells)


def category_chart(result: Json, address: Address) -> SafeString:
    """Models against the average one in each category; `address` takes the model and the category."""
    models = [row["model"] for row in result["whole"]["models"]][:MODELS]
    categories = largest(result)
    cells = [
        [_against_average(result["categories"][name], model, address(model, name)) for name in categories]
        for model in models
    ]
    shown = [name or _("none") for name in categories]
    return charts.matrix(_("How often a model would win against the average one, by category"), models, shown, cells)


def largest(result: Json) -> list[str]:
    """The categories with most comparisons."""
    boards: Mapping[str, Json] = result["categories"]
    return sorted(sorted(boards, key=lambda name: -boards[name]["comparisons"])[:CATEGORIES])


def _against_average(board: Json, model: str, href: str) -> Point | None:
    row = next((one for one in board["models"] if one["model"] == model), None)
    if row is None:
        return None
    if not row["enough"]:
        return Point(model, None)
    return _point(model, row, chance, row["prompts"], href)


def chance(odds: float | None) -> float | None:
    """A logarithm of odds as a share."""
    return None if odds is None else float(logistic(odds))


def time_chart(result: Json) -> SafeString:
    """How the strongest came to where they are."""
    told = result["over_time"]
    strongest = [row["model"] for row in result["whole"]["models"]][:LINES]
    series = [
        Series(name, [Point(day, points(one)) for day, one in zip(told["until"], told["models"][name], strict=True)])
        for name in strongest
    ]
    title = _("Strength in points by all labels up to then")
    return charts.lines(title, series, mark=0.0, mark_label=_("the average model"), unit="", across=_("Up to"))


# --- Style -----------------------------------------------------------------------------------------------------------

#: How much of (a - b) / (a + b) is told of: twice as long is 1/3, one that has it against one that has none is 1.
_STEP = {"length": 1 / 3}


def style_names() -> dict[str, str]:
    return {
        "length": _("twice as long"),
        "lists": _("has lists, the other none"),
        "bold": _("has bold text, the other none"),
        "headers": _("has headers, the other none"),
        "code": _("has code, the other none"),
        "first": _("shown first"),
    }


def style_points(effects: Sequence[Json]) -> list[Point]:
    """How often the one with the feature wins if the models are equally strong."""
    words = style_names()
    return [
        Point(words[one["name"]], _swing(one, "value"), _swing(one, "low"), _swing(one, "high"))
        for one in effects
        if one["value"] is not None
    ]


def _swing(one: Json, bound: str) -> float | None:
    if one[bound] is None:
        return None
    return chance(one[bound] * _STEP.get(one["name"], 1.0) / one["deviation"])


def style_chart(effects: Sequence[Json]) -> SafeString:
    title = _("How often a response wins by its looks alone, against one of an equally strong model")
    return charts.dots(title, style_points(effects), mark=0.5, mark_label=_("no difference"), unit="%")


def swayed(effects: Sequence[Json]) -> Note:
    """Which features sway people beyond the doubt of chance."""
    clear = [one for one in style_points(effects) if one.low is not None and one.high is not None]
    swaying = [one for one in clear if (one.low or 0) > 0.5 or (one.high or 0) < 0.5]
    if not clear:
        return Note(_("Not enough comparisons of different models to tell style from strength."), "look")
    if not swaying:
        return Note(_("None of these sways people beyond the doubt of chance."))
    told = "; ".join(f"{one.label}: {localize(round(100 * (one.value or 0)))} %" for one in swaying)
    words = _(
        "Beyond the doubt of chance: %s. Longer and better ordered answers often are better; what is told here is what"
        " looks do beside the model. The strengths with style held equal say who would win if all wrote alike."
    )
    return Note(words % told, "look")


# --- Tables ----------------------------------------------------------------------------------------------------------

TABLES = ("models", "matrix", "categories", "time", "style")


def table(result: Json, name: str, category: str | None = None) -> Table:
    """One of `TABLES`, for a spreadsheet; of one category, where the table has one."""
    board = result["whole"] if category is None else result["categories"][category]
    whole: dict[str, Callable[[], Table]] = {
        "models": lambda: _models(board),
        "matrix": lambda: _matrix(board),
        "style": lambda: effects_table(board["effects"]),
        "categories": lambda: _categories(result),
        "time": lambda: _time(result["over_time"]),
    }
    return whole[name]()


def effects_table(effects: Sequence[Json]) -> Table:
    columns = ("name", "value", "low", "high", "deviation")
    return Table(columns, [_row(one, columns) for one in effects])


def _categories(result: Json) -> Table:
    columns = ("model", "strength", "low", "high", "prompts")
    rows = [[of, *_row(row, columns)] for of, board in result["categories"].items() for row in board["models"]]
    return Table(("category", *columns), rows)


def _time(told: Json) -> Table:
    return Table(
        ("until", *told["models"]), [list(row) for row in zip(told["until"], *told["models"].values(), strict=True)]
    )


_MODEL = ("model", "best", "worst", "strength", "low", "high", "group", "prompts", "won", "tied", "lost", "enough")


def _models(board: Json) -> Table:
    more = [f"{way}_{bound}" for way in _WAYS for bound in _BOUNDS]
    rows = [
        [*_row(row, _MODEL), *(one for way in _WAYS for one in _row(row[way] or {}, _BOUNDS))]
        for row in board["models"]
    ]
    return Table((*_MODEL, *more), rows)


_WAYS = ("halves", "styled", "ordered")
_BOUNDS = ("strength", "low", "high")


def _row(of: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    return [of.get(name) for name in names]


def _matrix(board: Json) -> Table:
    names = board["matrix"]["models"]
    rows = [
        [row, column, *_row(cell, ("value", "low", "high", "prompts"))]
        for row, cells in zip(names, board["matrix"]["cells"], strict=True)
        for column, cell in zip(names, cells, strict=True)
        if cell
    ]
    return Table(("model", "against", "value", "low", "high", "prompts"), rows)

"""What a preference model made of a release, in words, charts and tables: when do further labels stop paying."""

from typing import Any

from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from annotate import charts
from annotate.charts import Point, Series
from annotate.quality.figures import Figure
from rankings.boards.strengths import Json
from rankings.boards.telling import Table

type Words = tuple[str, str]

#: A doubling of labels that brings less than this is hardly worth its price.
WORTH = 0.01


def figures(report: Json, href: str) -> list[Figure]:
    """The chief figures; `href`: where the labels are."""
    last, then = report["last_doubling"], report["next_doubling"]
    found = [
        _figure(report, "accuracy", _("Right on prompts it never saw"), report["accuracy"], _accuracy(report), href),
        _figure(report, "longer", _("The longer one is the better"), report["longer"], _longer(report), href),
        _figure(report, "ceiling", _("What people's agreement allows"), report["ceiling"], _ceiling(report), href),
        _figure(report, "last_doubling", _("The last doubling of labels brought"), last, _last(last), href),
        _figure(report, "next_doubling", _("The next would bring, by the trend"), then, _next(then), href),
        _calibration(report, href),
    ]
    return found + [_of_split(report, one, href) for one in report["splits"]]


def _figure(report: Json, name: str, title: str, one: Json, told: Words, href: str) -> Figure:
    sentence, worry = told
    bounds = {bound: one[bound] for bound in ("value", "low", "high")}
    known = {"of": one["n"]}
    return Figure(
        name, title, **bounds, count=report["labels"], unit="%", sentence=sentence, worry=worry, href=href, known=known
    )


def percent(share: float) -> str:
    return f"{number_format(round(100 * share))}\u00a0%"


def points(one: Json) -> str:
    """A difference of shares with its interval, in points."""
    value, low, high = (_signed(one[bound]) for bound in ("value", "low", "high"))
    return _("%(value)s points (interval %(low)s to %(high)s)") % {"value": value, "low": low, "high": high}


def _signed(share: float) -> str:
    """In points, with its sign."""
    shown = round(100 * share, 1) + 0.0
    return f"{'+' if shown > 0 else ''}{number_format(shown, 1)}"


def _accuracy(report: Json) -> Words:
    one, beyond = report["accuracy"], report["beyond"]
    if one["value"] is None:
        return _("Not enough prompts."), ""
    if one["low"] <= 0.5:
        return _(
            "It can't be told from tossing a coin (50 %): the labels are too few for such a small model, or say nothing"
            " that can be learned from the texts. See how far people agree before you pay for more."
        ), "worry"
    if beyond["low"] is not None and beyond["low"] <= 0:
        words = _("Better than a coin, but always taking the longer response is about as good (%(longer)s).")
        return words % {"longer": percent(report["longer"]["value"])}, "look"
    words = _(
        "There is something to learn: a coin has 50 %%, always taking the longer response %(longer)s. A large reward"
        " model will reach more: what counts here is whether the curve still rises."
    )
    return words % {"longer": percent(report["longer"]["value"])}, "fine"


def _longer(report: Json) -> Words:
    words = _("What can be had without learning, beside the coin's 50 %. 60 to 70 % is usual in published data.")
    return words, "look" if (report["longer"]["value"] or 0) > 0.7 else ""


def _ceiling(report: Json) -> Words:
    agreement = report["ceiling"]["agreement"]["value"]
    if agreement is None:
        return _(
            "No two people judged the same, so nobody knows: ask for two labels on some tasks. 77 to 86 % is usual"
            " where people agree in 65 to 76 % of cases."
        ), ""
    words = _(
        "Two people prefer the same in %(agreement)s of cases. Whoever knows what most would say is then right about"
        " one label at most so often; a model can't be better, however many labels it has."
    )
    return words % {"agreement": percent(agreement)}, ""


def _last(one: Json) -> Words:
    if one["value"] is None:
        return _("Not enough prompts."), ""
    told = {"points": points(one)}
    if one["low"] > 0:
        return _("Twice as many labels brought %(points)s: the curve still rises, further labels pay.") % told, "fine"
    if one["high"] < WORTH:
        words = _(
            "Twice as many labels brought %(points)s: for a model like this one further labels of this sort no longer"
            " pay."
        )
        return words % told, "look"
    return _("Twice as many labels brought %(points)s: that can't be told from nothing yet.") % told, "look"


def _next(one: Json) -> Words:
    if one["value"] is None:
        return _("Not enough prompts."), ""
    words = _("If the curve goes on as it did (accuracy = a - b / labels^c), as many labels again bring %(points)s.")
    return words % {"points": points(one)}, "fine" if one["value"] >= WORTH else "look"


def _calibration(report: Json, href: str) -> Figure:
    found = report["calibration"]
    told = {"by_chance": percent(found["by_chance"]), "most": percent(found["most"])}
    if found["error"] <= found["most"]:
        words, worry = (
            _("No more than chance explains (%(by_chance)s, up to %(most)s): its chances can be believed."),
            "fine",
        )
    elif (found["over"]["value"] or 0) > 0:
        words, worry = _("More than chance explains (up to %(most)s): it is surer than it is right."), "look"
    else:
        words, worry = _("More than chance explains (up to %(most)s): it is right more often than it says."), "look"
    title = _("How far its chances are off")
    sentence = words % told
    return Figure(
        "calibration", title, found["error"], count=report["labels"], unit="%", sentence=sentence, worry=worry,
        href=href, known={"by_chance": found["by_chance"], "most": found["most"]},
    )  # fmt: skip


def _of_split(report: Json, one: Json, href: str) -> Figure:
    words = _("Learned from this release's split train alone, and tried on its split %s.") % one["split"]
    title = _("Right on the split %s") % one["split"]
    return _figure(report, f"split-{one['split']}", title, one, (words, ""), href)


# --- Charts ----------------------------------------------------------------------------------------------------------


def curve_chart(report: Json) -> SafeString:
    """Accuracy by labels learned from; beside it the longer response, and what people's agreement allows."""
    steps = report["curve"]
    model = [Point(_labels(one), one["value"], one["low"], one["high"], one["n"]) for one in steps]
    longer = [Point(_labels(one), report["longer"]["value"]) for one in steps]
    series = [Series(_("the model"), model), Series(_("the longer one"), longer)]
    found = [number for points in (model, longer) for point in points for number in point.numbers]
    mark = report["ceiling"]["value"]
    low = min(0.5, int(20 * min(found)) / 20)
    return charts.lines(
        _("Right on prompts it never saw, by labels learned from"), series, low=low, high=1.0, mark=mark,
        mark_label=_("what people's agreement allows"), unit="%", across=_("Labels"),
    )  # fmt: skip


def _labels(one: Json) -> str:
    return number_format(one["labels"], force_grouping=True)


def calibration_chart(report: Json) -> SafeString:
    points = [(one["predicted"], one["observed"]) for one in report["calibration"]["bins"]]
    return charts.steps(_("How sure it is of its choice, and how often it is right"), points)


# --- Tables ----------------------------------------------------------------------------------------------------------

TABLES = ("curve", "calibration", "doubted", "figures")

_COLUMNS = {
    "curve": ("prompts", "labels", "value", "low", "high", "n"),
    "calibration": ("predicted", "observed", "pairs"),
    "doubted": ("label", "task", "chance", "pairs"),
    "figures": ("name", "value", "low", "high"),
}


def table(report: Json, name: str) -> Table:
    """One of `TABLES`, for a spreadsheet."""
    found: dict[str, list[dict[str, Any]]] = {
        "curve": report["curve"],
        "calibration": report["calibration"]["bins"],
        "doubted": report["doubted"],
        "figures": [one.as_json() for one in figures(report, "")],
    }
    columns = _COLUMNS[name]
    return Table(columns, [[row.get(column) for column in columns] for row in found[name]])

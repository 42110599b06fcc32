"""The charts of quality and cost reports: which figures, beside what, and where each leads."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from annotate import charts
from annotate.charts import Point, Series
from annotate.models import Queue
from annotate.narrowing import NO_CATEGORY
from annotate.quality import pricing
from annotate.quality.saying import TENTATIVE, behind
from annotate.quality.telling import Names, group_name

type Told = Mapping[str, Any]

#: Days of a cost report that a chart shows.
SHOWN_DAYS = 30


def point(label: str, found: Sequence[Any], count: int | None = None, href: str = "") -> Point:
    value, low, high, _n = found
    return Point(label, value, low, high, count, href)


def measures(queue: Queue, result: Told, words: Mapping[str, str]) -> SafeString | None:
    """All measures beside each other, where there are several; each leads to its own figures."""
    if len(result["measures"]) < 2:
        return None
    here = reverse("quality", args=[queue.pk])
    points = [
        point(
            words.get(one["name"], one["name"]),
            one["alpha"],
            one["alpha"][3],
            f"{here}?{urlencode({'measure': one['name']})}",
        )
        for one in result["measures"]
    ]
    low = min([0.0, *(number for one in points for number in one.numbers)])
    title = _("Krippendorff's alpha of everything that is asked")
    return charts.dots(title, points, low=low, high=1, mark=TENTATIVE, mark_label=_("tentative conclusions from"))


def groups(queue: Queue, measure: Told, name: str) -> list[SafeString]:
    """Agreement and alpha of each category, or of each version of the guidelines."""
    if not measure[name]:
        return []
    title = {"category": _("by category"), "guideline": _("by version of the guidelines")}[name]
    rows = [(group_name(one["key"], name), one, _behind_group(queue, name, one["key"])) for one in measure[name]]
    agreement = [point(label, one["percent"], one["labels"], href) for label, one, href in rows]
    beyond = [point(label, one["alpha"], one["labels"], href) for label, one, href in rows]
    low = min([0.0, *(number for one in beyond for number in one.numbers)])
    mark, word = measure["percent"][0], _("all together")
    return [
        charts.dots(f"{_('Agreement')} {title}", agreement, mark=mark, mark_label=word, unit="%"),
        charts.dots(f"{_('Alpha')} {title}", beyond, low=low, high=1, mark=measure["alpha"][0], mark_label=word),
    ]


def _behind_group(queue: Queue, name: str, key: Any) -> str:
    if name == "category":
        return behind(queue, category=key or NO_CATEGORY)
    return behind(queue, guideline=key)


def over_time(queue: Queue, measure: Told) -> list[SafeString]:
    """Agreement and alpha of the labels of each day or week, by themselves."""
    if not measure["time"]:
        return []
    week = measure["period"] == "week"
    across = _("Week from") if week else _("Day")
    hrefs = [_behind_days(queue, one["key"], week) for one in measure["time"]]

    def line(name: str) -> list[Point]:
        return [point(one["key"], one[name], None, href) for one, href in zip(measure["time"], hrefs, strict=True)]

    return [
        charts.lines(_("Agreement over time"), [Series(_("Agreement"), line("percent"))], unit="%", across=across),
        charts.lines(_("Alpha over time"), [Series(_("Alpha"), line("alpha"))], high=1, across=across),
    ]


def _behind_days(queue: Queue, key: str, week: bool, by: int | None = None) -> str:
    first = date.fromisoformat(key)
    return behind(queue, since=first, until=first + timedelta(days=6 if week else 0), by=by)


def annotators(result: Told, measure: Told, names: Names, page: Callable[[int], str]) -> SafeString:
    """Each annotator against everybody who labelled the same; each leads to their page."""
    against = {one["who"]: one for one in measure["annotators"]}
    nothing: dict[str, Any] = {"percent": [None, None, None, 0], "labels": 0}
    rows = [(one["who"], against.get(one["who"], nothing)) for one in result["people"]]
    points = [point(names(who), one["percent"], one["labels"], page(who)) for who, one in rows]
    mark = measure["percent"][0]
    title = _("Agreement of each annotator with the others")
    return charts.dots(title, points, mark=mark, mark_label=_("all together"), unit="%")


def pairs(queue: Queue, measure: Told, names: Names) -> SafeString | None:
    """Those who share most, two by two."""
    if len(measure["pairs"]) < 2:
        return None
    points = [
        point(
            f"{names(one['a'])} · {names(one['b'])}",
            one["percent"],
            one["labels"],
            behind(queue, by=one["a"], mate=one["b"]),
        )
        for one in measure["pairs"]
    ]
    mark = measure["percent"][0]
    return charts.dots(_("Agreement of each two annotators"), points, mark=mark, mark_label=_("all together"), unit="%")


def spread(told: Told) -> SafeString | None:
    """How many tasks people agree on. `told`: what a report says as `agreed`."""
    if not told.get("looked_at"):
        return None
    words = {
        "all": _("all say the same"),
        "most": _("half or more alike"),
        "few": _("less than half alike"),
        "none": _("nobody like another"),
    }
    points = [Point(word, told["spread"][name]) for name, word in words.items()]
    return charts.bars(_("Tasks by how far their labels agree"), points, unit=_("tasks"))


def of_annotator_over_time(queue: Queue, who: int, measure: Told, against: Told | None) -> SafeString | None:
    """One annotator's agreement with the others, by when they labelled, beside everybody's."""
    if against is None or len(against["time"]) < 2:
        return None
    week = measure["period"] == "week"
    everybody = {one["key"]: one["percent"] for one in measure["time"]}
    own = [
        point(one["key"], one["percent"], None, _behind_days(queue, one["key"], week, who)) for one in against["time"]
    ]
    nothing = [None, None, None, 0]
    rest = [point(one["key"], everybody.get(one["key"], nothing)) for one in against["time"]]
    series = [Series(_("this annotator"), own), Series(_("all together"), rest)]
    across = _("Week from") if week else _("Day")
    return charts.lines(_("Agreement with the others over time"), series, unit="%", across=across)


# --- Cost ------------------------------------------------------------------------------------------------------------


def days(queue: Queue, result: Told) -> list[SafeString]:
    """Labels and active hours of the last days, those without any too."""
    if not result["days"]:
        return []
    given = {one["day"]: one for one in result["days"]}
    last = date.fromisoformat(result["days"][-1]["day"])
    first = max(date.fromisoformat(result["days"][0]["day"]), last - timedelta(days=SHOWN_DAYS - 1))
    shown = [first + timedelta(days=nth) for nth in range((last - first).days + 1)]
    labels, hours = [], []
    for day in shown:
        told = given.get(day.isoformat(), {"labels": 0, "seconds": 0})
        href = pricing.behind(queue, since=day, until=day) if told["labels"] else ""
        labels.append(Point(day.isoformat(), told["labels"], href=href))
        hours.append(Point(day.isoformat(), round(told["seconds"] / 3600, 2), href=href))
    return [
        charts.lines(_("Labels a day"), [Series(_("Labels"), labels)], low=0, across=_("Day")),
        charts.lines(_("Active hours a day"), [Series(_("Hours"), hours)], low=0, across=_("Day")),
    ]

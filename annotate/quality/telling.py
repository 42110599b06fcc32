"""Reports as programs and spreadsheets get them: the stored figures with names for people, as JSON and as tables."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from annotate.kinds import Kind
from annotate.models import Queue

type Told = Mapping[str, Any]
#: What a person is called, by user id.
type Names = Callable[[int], str]

#: People on a page and in an answer to a program; files have all of them.
ON_PAGE, IN_ANSWER = 100, 500
#: Stored estimates: value, low, high, of how many.
ESTIMATES = ("percent", "alpha", "kappa", "gold", "attention", "same", "accepted", "rejected", "days")
PEOPLE = {"who": "annotator", "a": "annotator_1", "b": "annotator_2"}


def as_json(told: Any, names: Names) -> Any:
    """A stored report for programs: estimates as objects, people by name."""
    if isinstance(told, list):
        return [as_json(one, names) for one in told]
    if not isinstance(told, dict):
        return told
    return {PEOPLE.get(key, key): _fact(key, value, names) for key, value in told.items()}


def _fact(key: str, value: Any, names: Names) -> Any:
    if key in PEOPLE:
        return names(value)
    if key in ESTIMATES and isinstance(value, list) and len(value) == 4 and not isinstance(value[3], dict):
        return dict(zip(("value", "low", "high", "n"), value, strict=True))
    return as_json(value, names)


def of_most(result: Told, most: int) -> dict[str, Any]:
    """A report with no more people than so many, those who gave most labels; a queue may have thousands. Beside them
    `annotators`: how many there are, `unlisted`: how many of them are left out.
    """
    everybody = result.get("people", [])
    people = everybody[:most]
    kept = {one.get("who") for one in people}
    measures = [
        one | {"annotators": [each for each in one["annotators"] if each["who"] in kept]}
        for one in result.get("measures", [])
    ]
    found = {"people": people, "annotators": len(everybody), "unlisted": len(everybody) - len(people)}
    return {**result, **found, **({"measures": measures} if measures else {})}


# --- Tables ----------------------------------------------------------------------------------------------------------

type Table = tuple[list[str], list[list[Any]]]

AGREEMENT = ["agreement", "agreement_low", "agreement_high", "pairs", "alpha", "alpha_low", "alpha_high", "opinions"]
BETWEEN = ["agreement", "agreement_low", "agreement_high", "pairs", "kappa", "kappa_low", "kappa_high", "compared"]


def _measures(result: Told, measure: Told, names: Names) -> Table:
    heads = ["measure", "level", *AGREEMENT, "kappa", "kappa_low", "kappa_high", "compared", "chance"]
    rows = [
        [one["name"], one["level"], *one["percent"], *one["alpha"], *one["kappa"], one["chance"]]
        for one in result["measures"]
    ]
    return heads, rows


def _groups(name: str) -> Callable[[Told, Told, Names], Table]:
    def table(result: Told, measure: Told, names: Names) -> Table:
        rows = [[one["key"], one["labels"], *one["percent"], *one["alpha"]] for one in measure[name]]
        return ["measure", name, "labels", *AGREEMENT], [[measure["name"], *row] for row in rows]

    return table


def _pairs(result: Told, measure: Told, names: Names) -> Table:
    heads = ["measure", "annotator_1", "annotator_2", "tasks", *BETWEEN]
    rows = [
        [measure["name"], names(one["a"]), names(one["b"]), one["tasks"], *one["percent"], *one["kappa"]]
        for one in measure["pairs"]
    ]
    return heads, rows


def _annotators(result: Told, measure: Told, names: Names) -> Table:
    heads = ["measure", "annotator", "labels", "median_seconds", "active_seconds", *BETWEEN]
    shares = ("gold", "attention", "same", "accepted", "rejected")
    heads += [f"{share}{part}" for share in shares for part in ("", "_low", "_high", "_of")]
    against = {one["who"]: one for one in measure["annotators"]}
    rows = []
    for person in result["people"]:
        compared = against.get(person["who"], {"percent": [None] * 3 + [0], "kappa": [None] * 3 + [0]})
        facts = [person["labels"], person["seconds"][1], person["total_seconds"]]
        checked = [fact for share in shares for fact in person[share]]
        rows.append([measure["name"], names(person["who"]), *facts, *compared["percent"], *compared["kappa"], *checked])
    return heads, rows


def _split(result: Told, measure: Told, names: Names) -> Table:
    """Tasks are told of what is asked first, whichever measure the others are of."""
    chief = result["measures"][0]["name"]
    rows = [[chief, one["task"], one["agreement"]] for one in result["agreed"].get("split", [])]
    return ["measure", "task", "agreement"], rows


TABLES: dict[str, Callable[[Told, Told, Names], Table]] = {
    "measures": _measures,
    "category": _groups("category"),
    "guideline": _groups("guideline"),
    "time": _groups("time"),
    "pairs": _pairs,
    "annotators": _annotators,
    "tasks": _split,
}


def cost_table(result: Told, name: str, names: Names) -> Table:
    """Days or people. KeyError for another table."""
    tables: dict[str, Callable[[], Table]] = {
        "days": lambda: (
            ["day", "labels", "active_seconds"],
            [[one["day"], one["labels"], one["seconds"]] for one in result["days"]],
        ),
        "people": lambda: (
            ["annotator", "labels", "active_seconds", "quartile_1", "median", "quartile_3", "last_day"],
            [
                [names(one["who"]), one["labels"], one["seconds"], *(one["quartiles"] or [None] * 3), one["last"]]
                for one in result["people"]
            ],
        ),
    }
    return tables[name]()


# --- Words -----------------------------------------------------------------------------------------------------------


def labels_of(queue: Queue) -> dict[str, str]:
    """What the queue's measures are called, by name."""
    kind: Kind = queue.way
    return {one.name: str(one.label) for one in kind.measures(queue.options)}


def chosen(result: Told, name: str) -> Told | None:
    """The measure of this name, the chief one for "". KeyError where there is none of this name."""
    measures: Sequence[Told] = result.get("measures", [])
    if not name:
        return measures[0] if measures else None
    return {one["name"]: one for one in measures}[name]


def group_name(key: Any, table: str) -> str:
    """What a category, a version or a day is called on a page."""
    if table == "category":
        return str(key) or _("none")
    if table == "guideline":
        return _("version %s") % key if key else _("none in force")
    return str(key)

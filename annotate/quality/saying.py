"""What the figures of a quality report mean, in a sentence, and whether to worry.

What published data sets reached is from their papers: Bai et al. 2022 (HH, about 63 %), Ouyang et al. 2022
(InstructGPT, 72.6 and 77.3 %), Wang et al. 2024 (HelpSteer2, quadratic weighted kappa 0.465 at first, 0.79 after
QA). The limits of alpha are Krippendorff's (Content Analysis, 4th ed. 2019, section 12.5).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.charts.scale import Numbers
from annotate.kinds import Level
from annotate.models import Queue
from annotate.narrowing import REVIEWED, link
from annotate.quality.figures import Figure
from annotate.scoring.agreement import FEWEST_BEYOND_CHANCE
from annotate.scoring.intervals import FEWEST_TASKS, wilson

#: Krippendorff's limits: rely on it from here on, draw tentative conclusions from there on.
RELIABLE, TENTATIVE = 0.8, 0.667
#: Raw agreement of published data sets on open preference.
USUAL_LOW, USUAL_HIGH = 0.63, 0.77
#: Of checks that are answered right, and of labels that reviewers accept.
GOOD, POOR = 0.85, 0.6

type Told = Mapping[str, Any]


def behind(queue: Queue, **narrowed: Any) -> str:
    """The labels that a quality report is made of, narrowed."""
    return link(queue, role="work", last=True, **narrowed)


def percent(value: float) -> str:
    return Numbers("%", 0).say(value)


def figure(name: str, title: str, found: Sequence[Any], **more: Any) -> Figure:
    """A figure of a stored estimate."""
    value, low, high, _n = found
    return Figure(name, title, value, low, high, **more)


# --- How far they agree ----------------------------------------------------------------------------------------------


def of_queue(queue: Queue, result: Told, measure: Told) -> list[Figure]:
    """The chief figures of one measure."""
    more = {"count": result["shared_labels"], "href": behind(queue, shared=True)}
    known = {"tasks": result["shared_tasks"], "pairs": measure["percent"][3]}
    said = [_percent(measure, result, more, known), _alpha(measure, more)]
    if measure["kappa"][0] is not None:
        said.append(_kappa(measure, more))
    if is_chief(result, measure) and result["agreed"].get("looked_at"):
        said.append(_unanimous(result["agreed"], more))
    return said


def is_chief(result: Told, measure: Told) -> bool:
    """Whether it is the measure that tasks are told of (`agreed`): what is asked first."""
    return bool(measure["name"] == result["measures"][0]["name"])


def too_little(tasks: int, fewest: int = FEWEST_TASKS) -> str:
    """What is missing, and how much is needed. `tasks`: how many there are on which two can be compared."""
    if tasks >= fewest:
        return _("All answers are the same, or nearly all: how far people agree beyond chance can't be told from them.")
    needed = ngettext(
        "It needs at least %(n)s task with labels of two people that can differ;",
        "It needs at least %(n)s tasks with labels of two people that can differ;",
        fewest,
    )
    there = ngettext("there is %(n)s.", "there are %(n)s.", tasks)
    return f"{needed % {'n': fewest}} {there % {'n': tasks}}"


def _percent(measure: Told, result: Told, more: dict[str, Any], known: dict[str, Any]) -> Figure:
    value = measure["percent"][0]
    texts = measure["level"] == Level.DISTANCE
    title = _("Likeness of the texts") if texts else _("Agreement")
    if value is None:
        sentence, worry = too_little(measure["compared"]), ""
    elif texts:
        sentence = _(
            "How alike two people's texts for one task are on average, word by word. Good texts may well differ."
        )
        worry = ""
    else:
        sentence, worry = _agreeing(value, measure)
    if value is not None and (first := result.get("first")):
        sentence += " " + _of_first(first)
    if value is not None and texts and measure["compared"] < result["shared_tasks"]:
        sentence += " " + _of_sample(measure["compared"], result["shared_tasks"])
    chance = {"chance": measure["chance"]}
    return figure(
        "percent", title, measure["percent"], unit="%", sentence=sentence, worry=worry, known=known | chance, **more
    )


def _of_first(first: int) -> str:
    said = ngettext(
        "Of each task only the first %(n)s label counts for agreement and alpha: further ones are asked for where "
        "people disagree, until they agree.",
        "Of each task only the first %(n)s labels count for agreement and alpha: further ones are asked for where "
        "people disagree, until they agree.",
        first,
    )
    return said % {"n": first}


def _of_sample(compared: int, shared: int) -> str:
    said = _(
        "Texts are dear to compare, so it is made of %(compared)s tasks drawn by chance from the %(shared)s that have "
        "labels of several people; alpha, too. The list has the labels of all of them."
    )
    return said % {"compared": localize(compared), "shared": localize(shared)}


def _agreeing(value: float, measure: Told) -> tuple[str, str]:
    same = _("Two people who judge the same say the same in %(share)s of cases.") % {"share": percent(value)}
    if measure["chance"] is not None:
        by_chance = percent(measure["chance"])
        same += " " + _("Answers given by chance would in %(share)s.") % {"share": by_chance}
    beyond, surely_beyond, *_rest = measure["alpha"]
    if measure["chance"] is not None and value <= measure["chance"] and (beyond is None or surely_beyond <= 0):
        return same + " " + _("So it is no more than by chance."), ""
    if measure["name"] not in {"preference", "order"}:
        return same, ""
    if value < USUAL_LOW:
        return same + " " + _(
            "Published sets of open preferences have 63 to 77 %: read the most split tasks, then the guidelines."
        ), "look"
    if value <= USUAL_HIGH:
        return same + " " + _("That is normal: published sets of open preferences have 63 to 77 %."), "fine"
    return same + " " + _("That is high: published sets of open preferences have 63 to 77 %."), "fine"


def alpha_says(found: Sequence[Any], tasks: int, fewest: int = FEWEST_BEYOND_CHANCE) -> tuple[str, str]:
    """What Krippendorff's alpha means, and whether to worry: what is surely reached, the lower end, is relied on.

    `tasks`: on how many two can be compared; `fewest`: how many it takes.
    """
    value, low, high, _n = found
    if value is None:
        return too_little(tasks, fewest), ""
    if low >= RELIABLE:
        return _("Agreement beyond chance, 1 at most. From 0.8 on single labels can be relied on."), "fine"
    if low >= TENTATIVE:
        return _(
            "Agreement beyond chance, 1 at most. From 0.667 on conclusions are tentative, from 0.8 on reliable."
        ), "fine"
    if value >= TENTATIVE:
        return _(
            "Agreement beyond chance, 1 at most. It may be good enough, but the interval reaches below 0.667, from "
            "where on conclusions are tentative: more tasks with labels of two people would tell."
        ), "look"
    if high < 0:
        return _(
            "Agreement beyond chance. It is below chance (0): people say the opposite of one another, as if they "
            "understood the question differently. Read the most split tasks together, then the guidelines."
        ), "worry"
    if low <= 0:
        return _(
            "Agreement beyond chance. It can't be told from chance (0): is the question clear, do people read?"
        ), "worry"
    return _(
        "Agreement beyond chance. Below 0.667 a single label can't be relied on; matters of taste seldom get there, "
        "and several labels a task still tell what most prefer."
    ), "look"


def _alpha(measure: Told, more: dict[str, Any]) -> Figure:
    # What chance makes of texts is learned from each two tasks that follow on one another: one fewer than tasks.
    fewest = FEWEST_BEYOND_CHANCE + (measure["level"] == Level.DISTANCE)
    sentence, worry = alpha_says(measure["alpha"], measure["compared"], fewest)
    known = {"level": measure["level"], "opinions": measure["alpha"][3]}
    return figure(
        "alpha", _("Krippendorff's alpha"), measure["alpha"], sentence=sentence, worry=worry, known=known, **more
    )


def _kappa(measure: Told, more: dict[str, Any]) -> Figure:
    titles = {
        Level.NOMINAL: ("kappa", _("Cohen's kappa of two people")),
        Level.ORDER: ("tau_b", _("Kendall's tau-b of two orders")),
    }
    sentences = {
        Level.NOMINAL: _("As alpha, for comparing with papers that give kappa."),
        Level.ORDER: _(
            "1: the same order, 0: no relation, -1: reversed; ties count as ties. The mean over pairs of labels."
        ),
    }
    name, title = titles.get(measure["level"], ("weighted_kappa", _("Quadratic weighted kappa")))
    weighted = _(
        "Near misses count less than far ones. HelpSteer2 began at 0.47; better guidelines and QA brought 0.79."
    )
    return figure(name, title, measure["kappa"], sentence=sentences.get(measure["level"], weighted), **more)


def _unanimous(tasks: Told, more: dict[str, Any]) -> Figure:
    share = wilson(tasks["spread"]["all"], tasks["looked_at"])
    sentence = _("Tasks on which everybody says the same, of those with several labels. The others are worth a look.")
    return figure(
        "unanimous", _("All agree"), share, unit="%", sentence=sentence, known={"tasks": tasks["looked_at"]}, **more
    )


# --- One annotator ---------------------------------------------------------------------------------------------------


def of_annotator(queue: Queue, person: Told, against: Told | None, overall: Told) -> list[Figure]:
    """What is known of one annotator. `against`: with everybody who labelled the same; `overall`: the measure's."""
    own = {"count": person["labels"], "href": behind(queue, by=person["who"])}
    found = [
        _with_the_rest(queue, person, against, overall),
        _checked("gold", _("Checks answered right"), person["gold"], link(queue, by=person["who"], role="gold")),
        _checked(
            "attention",
            _("Attention checks answered right"),
            person["attention"],
            link(queue, by=person["who"], role="attention"),
        ),
        _repeated(queue, person),
        _accepted(queue, person),
        _speed(person, own) if person["total_seconds"] else None,
    ]
    return [one for one in found if one is not None]


def _with_the_rest(queue: Queue, person: Told, against: Told | None, overall: Told) -> Figure:
    title = _("Agreement with the others")
    everybody = overall["percent"][0]
    if against is None or against["percent"][0] is None:
        tasks = against.get("compared", 0) if against else 0  # reports of before don't say it
        return Figure("percent", title, None, unit="%", sentence=too_little(tasks))
    high = against["percent"][2]
    far = everybody is not None and high is not None and high < everybody
    if far:
        sentence = _("Less than all together (%(all)s), by more than chance explains: look at their labels.")
    else:
        sentence = _("All together: %(all)s.")
    more = {"count": against["labels"], "href": behind(queue, by=person["who"], shared=True)}
    said = sentence % {"all": percent(everybody or 0)}
    return figure(
        "percent", title, against["percent"], unit="%", sentence=said, worry="look" if far else "fine", **more
    )


def _checked(name: str, title: str, found: Sequence[Any], href: str) -> Figure | None:
    value, _low, _high, n = found
    if value is None:
        return None
    worry = checked_worry(found)
    sentence = {
        "fine": _("%(good)s and more is good."),
        "worry": _("Surely below %(good)s: talk to them, or pause them and let others label again."),
        "": _("Too few to say more; %(good)s is good."),
    }[worry]
    return figure(
        name, title, found, unit="%", sentence=sentence % {"good": percent(GOOD)}, worry=worry, count=n, href=href
    )


def checked_worry(found: Sequence[Any]) -> str:
    """Whether to worry about a share of checks that were answered right."""
    value, low, high, _n = found
    return "fine" if low >= POOR and value >= GOOD else "worry" if high < GOOD else ""


def accepted_worry(found: Sequence[Any]) -> str:
    """Whether to worry about a share of labels that reviewers accepted."""
    return "look" if found[2] < GOOD else "fine"


def _repeated(queue: Queue, person: Told) -> Figure | None:
    if person["same"][0] is None:
        return None
    sentence = _(
        "How often they answered a task as they did before. Nobody agrees with others more than with themselves."
    )
    href = link(queue, by=person["who"], role="repeat")
    return figure(
        "same",
        _("The same answer again"),
        person["same"],
        unit="%",
        sentence=sentence,
        count=person["same"][3],
        href=href,
    )


def _accepted(queue: Queue, person: Told) -> Figure | None:
    if person["accepted"][0] is None:
        return None
    sentence = _(
        "Of their labels that were reviewed. Which labels are reviewed is not by chance unless the rules say so."
    )
    href = link(queue, by=person["who"], verdict=REVIEWED, every=True)
    more = {"count": person["accepted"][3], "href": href, "worry": accepted_worry(person["accepted"])}
    return figure("accepted", _("Accepted by reviewers"), person["accepted"], unit="%", sentence=sentence, **more)


def _speed(person: Told, own: dict[str, Any]) -> Figure:
    low, middle, high = person["seconds"]
    sentence = _("Half of their labels took between %(low)s and %(high)s seconds of active time.")
    said = sentence % {"low": round(low), "high": round(high)}
    return Figure("seconds", _("Median active time"), middle, unit=_("seconds"), decimals=0, sentence=said, **own)

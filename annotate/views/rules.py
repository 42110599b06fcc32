"""A queue's rules: further labels, checks, qualification, pausing, reviews, cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from annotate import access, adapting, checking, counting, running
from annotate.models import KnownVerdict, Queue, Role, Task
from annotate.models.queues import MAX_OVERLAP
from annotate.quality import rules as quality_rules
from annotate.quality.rules import Rules
from annotate.scoring.sequential import expected_length
from annotate.views.doors import Request, see_other, signed_in
from annotate.views.frames import around, names

#: With fewer gold tasks people soon have met them all.
ENOUGH_GOLD = 10
#: The test's length is told for shares of right answers that differ by this at least: others take many hundreds.
TELLABLE = 0.1


class PercentField(forms.FloatField):
    """A share from 0 to 1, shown and entered in percent."""

    def prepare_value(self, value: Any) -> Any:
        return f"{round(value * 100, 4):g}" if isinstance(value, float | int) else value

    def to_python(self, value: Any) -> Any:
        found = super().to_python(value)
        return None if found is None else round(found / 100, 6)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {"step": "any", "min": 0, "max": 100, "inputmode": "decimal"}


def _percent(label: Any, help_text: Any, required: bool = True) -> PercentField:
    return PercentField(label=label, help_text=help_text, required=required)


class RulesForm(forms.Form):
    """All rules. Shares are in percent."""

    most_labels = forms.IntegerField(
        label=gettext_lazy("Most labels per task"),
        min_value=0,
        max_value=MAX_OVERLAP,
        help_text=gettext_lazy("0: no further labels. Tasks that got theirs already are looked at too."),
    )
    enough_agreement = _percent(
        gettext_lazy("Enough agreement, in percent"),
        gettext_lazy("A task gets one more label while its labels agree less than this, one at a time."),
    )
    extra_budget = forms.IntegerField(
        label=gettext_lazy("Most further labels in all"),
        min_value=0,
        required=False,
        help_text=gettext_lazy("Empty: no limit. Labels already asked for stay, also if the limit is lowered."),
    )
    gold_rate = _percent(
        gettext_lazy("Gold tasks, percent of tasks given"),
        gettext_lazy("Their answer is known. Annotators can't tell them from others; nobody gets one twice."),
    )
    attention_rate = _percent(
        gettext_lazy("Attention checks, percent of tasks given"),
        gettext_lazy(
            "Whoever reads them can't miss the answer. With 2 percent of errors allowed two wrong of the first six "
            "pause, where pausing is on."
        ),
    )
    repeat_rate = _percent(
        gettext_lazy("Repeats, percent of tasks given"),
        gettext_lazy("A task that the same person labelled some while ago comes again: do they say the same?"),
    )
    gold_tolerance = _percent(
        gettext_lazy("How far a right answer may be off, in percent"),
        gettext_lazy("0: the very same answer; 100: anything. Answers to checks already given are judged anew by it."),
    )
    screen_tasks = forms.IntegerField(
        label=gettext_lazy("Qualification tasks before real work"),
        min_value=0,
        max_value=quality_rules.MOST_SCREEN,
        help_text=gettext_lazy(
            "0: none. Who has not qualified gets them first, people who worked here before as well. Tasks in hand stay."
        ),
    )
    screen_pass = _percent(
        gettext_lazy("Right answers it takes to pass, in percent"),
        gettext_lazy("Who gets fewer right is paused and may appeal. Who has passed stays in."),
    )
    pause = forms.BooleanField(
        label=gettext_lazy("Pause people whose answers to checks are wrong too often"),
        required=False,
        help_text=gettext_lazy(
            "They read why and may appeal; labels stay until you re-open them. Off: pauses in force stay."
        ),
    )
    pause_good = _percent(
        gettext_lazy("A good annotator gets this much gold right, in percent"),
        gettext_lazy("Who is as good as this is paused in error only as seldom as you say below."),
    )
    pause_bad = _percent(
        gettext_lazy("A bad annotator gets this much right, in percent"),
        gettext_lazy("Who is no better than this is paused; somebody between the two, perhaps."),
    )
    pause_error = _percent(
        gettext_lazy("Errors allowed, in percent of people"),
        gettext_lazy("Good ones paused, and bad ones passed, at most. Fewer errors take more gold tasks and checks."),
    )
    review_rate = _percent(
        gettext_lazy("Reviewed by chance, percent of labels"),
        gettext_lazy("Labels already given are drawn too. What waits for reviewers stays there."),
    )
    review_disagreement = _percent(
        gettext_lazy("Review all labels of tasks that agree less than, in percent"),
        gettext_lazy("Empty: no reviews for disagreement. Looked at once a task has all its labels."),
        required=False,
    )
    review_checks = forms.BooleanField(
        label=gettext_lazy("Review wrong answers to checks"),
        required=False,
        help_text=gettext_lazy("They come first: the known answer may be what is wrong."),
    )
    review_annotators = forms.MultipleChoiceField(
        label=gettext_lazy("Review all labels of"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Of these people every label, those already given too, unless it was reviewed."),
    )
    second_review_rate = _percent(
        gettext_lazy("Second reviews, percent of reviews"),
        gettext_lazy("Another reviewer judges the same label without knowing of the first: this grades reviewers."),
    )
    known_rate = _percent(
        gettext_lazy("Labels whose right verdict is known, percent of reviews"),
        gettext_lazy("Mixed in unseen where there are any; they grade reviewers and change no label."),
    )
    hourly_rate = forms.FloatField(
        label=gettext_lazy("Cost of an hour of active time"),
        min_value=0,
        max_value=1_000_000,
        required=False,
        help_text=gettext_lazy("For the page of costs alone; past work is counted at the same rate."),
    )
    currency = forms.RegexField(
        "^[A-Z]{3}$",
        label=gettext_lazy("Currency"),
        max_length=3,
        help_text=gettext_lazy("Its code of three capitals, such as EUR."),
        error_messages={"invalid": gettext_lazy("Must be a currency's code of three capitals, such as EUR.")},
    )

    def __init__(self, *args: Any, people: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["review_annotators"].choices = people  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Say in percent what a share must be."""
        for name, (low, high) in quality_rules.NUMBERS.items():
            value = self.cleaned_data.get(name)
            if isinstance(self.fields[name], PercentField) and value is not None and not low <= value <= high:
                bounds = {"low": 100 * low, "high": 100 * high}
                self.add_error(name, _("Must be from %(low)g to %(high)g %%.") % bounds)
        return self.cleaned_data


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that belong together, and what they are for, in a sentence."""

    title: str | Promise
    about: str | Promise
    names: tuple[str, ...]


GROUPS = (
    Group(
        gettext_lazy("Further labels"),
        gettext_lazy("Ask more people where the first disagree, and nobody more where they agree."),
        ("most_labels", "enough_agreement", "extra_budget"),
    ),
    Group(
        gettext_lazy("Checks among the work"),
        gettext_lazy("Tasks whose answer is known tell who is right. They come with a file, or from a label."),
        ("gold_rate", "attention_rate", "repeat_rate", "gold_tolerance"),
    ),
    Group(
        gettext_lazy("Qualification"),
        gettext_lazy("A set of tasks with known answers that everybody does before real work."),
        ("screen_tasks", "screen_pass"),
    ),
    Group(
        gettext_lazy("Pausing"),
        gettext_lazy("Gold answers are counted until it is clear, with few errors, whether somebody is good or bad."),
        ("pause", "pause_good", "pause_bad", "pause_error"),
    ),
    Group(
        gettext_lazy("Reviews"),
        gettext_lazy("Which labels a reviewer looks at, and how reviewers are looked at themselves."),
        (
            *("review_rate", "review_disagreement", "review_checks", "review_annotators"),
            *("second_review_rate", "known_rate"),
        ),
    ),
    Group(gettext_lazy("Cost"), gettext_lazy("What an hour of work costs you."), ("hourly_rate", "currency")),
)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def rules(request: Request, pk: int) -> HttpResponse:
    """The rules, what of them there is to work with, and what changing each does to work already done."""
    queue = access.queue(request.user, pk, Role.MANAGER)
    asked = quality_rules.of(queue)
    initial = {name: getattr(asked, name) for name in RulesForm.base_fields}
    form = RulesForm(request.POST or None, people=_people(queue, asked), initial=initial)
    if request.method == "POST" and form.is_valid() and _change(queue, form):
        messages.success(request, _("Saved."))
        return see_other("queue-rules", pk)
    context = {
        "form": form,
        "groups": [(group, [form[name] for name in group.names]) for group in GROUPS],
        "counts": checking.counts(queue),
        "warnings": list(_warnings(queue, asked)),
        "standing": adapting.standing(queue),
        "lengths": _lengths(asked),
    }
    context |= around(request, queue.project, queue, tab="rules")
    return render(request, "queues/rules.html", context, status=422 if form.errors else 200)


def _people(queue: Queue, asked: Rules) -> list[tuple[str, str]]:
    """Pseudonyms and names of all who work here or are to, and of all who are reviewed already."""
    annotators = queue.project.members.filter(role=Role.ANNOTATOR).values_list("user", flat=True)
    ids = {*counting.seats(queue).values_list("user", flat=True), *annotators}
    found = {queue.project.pseudonym(pk): name for pk, name in names(queue.project, ids, runs=True).items()}
    found |= {one: one for one in asked.review_annotators if one not in found}
    return sorted(found.items(), key=lambda one: one[1])


def _change(queue: Queue, form: RulesForm) -> bool:
    """Whether they were changed; if not, the form says why."""
    try:
        running.change_queue(queue, rules=form.cleaned_data)
    except ValidationError as error:
        for name, complaints in error.message_dict.items():
            name = name.removeprefix("rules.")
            form.add_error(name if name in form.fields else None, complaints)
        return False
    return True


def _warnings(queue: Queue, asked: Rules) -> Iterator[str]:
    """What the rules ask for and the queue has not got."""
    counts = checking.counts(queue)
    gold, attention, screen = (counts.get(one, 0) for one in (Task.Role.GOLD, Task.Role.ATTENTION, Task.Role.SCREEN))
    if asked.gold_rate and gold < ENOUGH_GOLD:
        yield _("There are %d gold tasks here. With fewer than 10 people have soon met them all.") % gold
    if asked.attention_rate and not attention:
        yield _("There are no attention checks here, so none are given.")
    if asked.screen_tasks > screen:
        words = _("There are %(there)d qualification tasks here for the %(asked)d asked for: people do what there is.")
        yield words % {"there": screen, "asked": asked.screen_tasks}
    if asked.known_rate and not KnownVerdict.objects.filter(label__queue=queue).exists():
        yield _("Of no label the right verdict is known, so none comes to reviewers: say it on a label's page.")
    if asked.second_review_rate and queue.project.members.filter(role__in=Role.at_least(Role.REVIEWER)).count() < 2:
        yield _("There is one reviewer, so nobody can give a second opinion.")
    if asked.pause and not (asked.gold_rate or asked.attention_rate):
        yield _("Pausing is on, but no gold tasks or attention checks are mixed in: nobody is ever paused.")


def _lengths(asked: Rules) -> list[tuple[int, int]]:
    """After how many gold tasks it is clear on average, by the percentage that somebody gets right."""
    if not asked.pause or asked.pause_good - asked.pause_bad < TELLABLE:
        return []
    values = (asked.pause_good, asked.pause_bad, asked.pause_error)
    shares = sorted({asked.pause_good, asked.pause_bad, 0.5}, reverse=True)
    return [(round(100 * share), round(expected_length(share, *values))) for share in shares]

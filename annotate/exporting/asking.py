"""What is asked of an export, checked: the format with its options, and what all formats can be asked for alike.

The common options choose labels (reviewed only, category, tag, language, time, annotator), combine several raters
(each, majority, consensus), shape rows (system folded into the first user turn), bound their length in tokens, split
them by prompt, and leave out what meets an evaluation set.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from annotate import consensus, horizons
from annotate.exporting import decontamination, registry, roles, splits, templates
from annotate.exporting.base import Format
from annotate.exporting.combining import EACH
from annotate.exporting.fields import MomentField, SeveralField
from annotate.exporting.splits import Splits
from annotate.models import Asset, Project, Queue


def _raters() -> list[tuple[str, Any]]:
    return [(EACH, _("each by itself")), *((one.name, one.title) for one in consensus.methods())]


class CommonOptions(forms.Form):
    """What every format can be asked for; fields are optional, and left out they are as at first.

    `pinned`: SHA-256 by `Asset.pin`, of files to be used that may be offered no more (a release made again).
    """

    reviewed = forms.ChoiceField(
        label=_("Reviews"),
        choices=[
            ("usual", _("as usual: all but rejected ones; in provenance files all")),
            ("any", _("all labels, reviewed or not")),
            ("accepted", _("accepted ones alone")),
            ("not_rejected", _("all but rejected ones")),
        ],
        initial="usual",
        required=False,
        help_text=_("The newest review of a label counts."),
    )
    category = SeveralField(label=_("Task categories"), required=False, help_text=_("Commas between them."))
    tag = SeveralField(label=_("Tags"), required=False, help_text=_("Prompts that have one of them."))
    language = SeveralField(label=_("Languages"), required=False)
    annotator = SeveralField(
        label=_("Annotators"), required=False, help_text=_("By their pseudonyms, as in annotator-1f0c9a6b2d.")
    )
    after = MomentField(label=_("Labelled from"), required=False, help_text=_("This moment included."))
    before = MomentField(label=_("Labelled before"), required=False)
    raters = forms.ChoiceField(
        label=_("Several labels of a task"),
        choices=_raters,
        initial=EACH,
        required=False,
        help_text=_("One row a task says how sure it is in a column “certainty”. What each way does: docs/quality.md."),
    )
    agreement = forms.BooleanField(
        label=_("With columns “raters” and “agreement”"),
        required=False,
        initial=False,
        help_text=_(
            "How many people answered the task, and how far they agree. Most formats have them; for the others only on "
            "request, because some trainers mind columns they don't know."
        ),
    )
    checks = forms.ChoiceField(
        label=_("Labels of tasks that check people"),
        choices=[("left_out", _("are left out")), ("included", _("are there like all others"))],
        initial="left_out",
        required=False,
        help_text=_("Tasks with a known answer, attention checks and repeats. Provenance files always have them."),
    )
    fold_system = forms.BooleanField(
        label=_("System text into the first user turn"),
        required=False,
        help_text=_("For models without a system turn, such as Gemma and Mistral."),
    )
    max_tokens = forms.IntegerField(
        label=_("At most so many tokens"),
        required=False,
        min_value=1,
        max_value=100_000_000,
        help_text=_("The prompt with the longest response of the row, and 4 for each turn. Longer rows are left out."),
    )
    tokenizer = forms.ChoiceField(
        label=_("Counted by"),
        required=False,
        help_text=_("Without a tokenizer of yours the number is an estimate: 4 characters a token."),
    )
    splits = forms.CharField(
        label=_("Splits"),
        required=False,
        max_length=500,
        help_text=_("As in train=0.9,validation=0.05,test=0.05. By prompt: never one prompt in two splits."),
    )
    split_seed = forms.IntegerField(
        label=_("Seed of the splits"), required=False, initial=0, min_value=0, max_value=2**31 - 1
    )
    held_out = SeveralField(
        label=_("Task categories held out"), required=False, help_text=_("They become the split “held_out”.")
    )
    benchmarks = SeveralField(
        label=_("Evaluation sets"),
        required=False,
        help_text=_("Rows that share a run of words with one of them are left out and listed."),
    )
    ngram = forms.IntegerField(
        label=_("Words in a run"),
        required=False,
        initial=decontamination.RUN,
        min_value=3,
        max_value=50,
        help_text=_("13, as GPT-3 took, is usual."),
    )
    split = forms.CharField(
        label=_("One split"), required=False, max_length=40, help_text=_("Empty: the rows of all splits.")
    )

    def __init__(self, *args: Any, project: Project, pinned: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.assets = _assets(project, pinned)
        names = [(one.name, one.name) for one in self.assets.values() if one.sort == Asset.Sort.TOKENIZER]
        self.fields["tokenizer"].choices = [("", _("an estimate")), *names]  # type: ignore[attr-defined]

    def clean_splits(self) -> str:
        shares = splits.parsed(self.cleaned_data["splits"])
        return ",".join(f"{name}={share}" for name, share in shares.items())

    def clean_benchmarks(self) -> list[str]:
        known = [one.name for one in self.assets.values() if one.sort == Asset.Sort.BENCHMARK]
        for name in self.cleaned_data["benchmarks"]:
            if name not in known:
                raise ValidationError(_unknown(name, known))
        names = list(dict.fromkeys(self.cleaned_data["benchmarks"]))
        try:
            decontamination.check([self.assets[f"{Asset.Sort.BENCHMARK}/{name}"] for name in names])
        except decontamination.Unfit as error:
            raise ValidationError(str(error)) from error
        return names

    def clean(self) -> dict[str, Any]:
        """What is left empty is as it is at first."""
        given = self.cleaned_data
        for name, one in self.fields.items():
            if one.initial is not None and given.get(name) in (None, "") and name not in self.errors:
                given[name] = one.initial
        if not self.errors and given["split"] not in ["", *_splits(given).names]:
            self.add_error("split", _unknown(given["split"], _splits(given).names))
        return given


def _assets(project: Project, pinned: Mapping[str, str] | None) -> dict[str, Asset]:
    """By `Asset.pin`: what is offered, but of what is pinned the very file."""
    found = {one.pin: one for one in Asset.objects.offered(project)}
    fixed = Asset.objects.pinned(project, list((pinned or {}).values())) if pinned else []
    return found | {one.pin: one for one in fixed if (pinned or {}).get(one.pin) == one.sha256}


def _unknown(name: str, known: Any) -> str:
    if not known:
        return gettext("“%s” is not known.") % name
    return gettext("“%(name)s” is not known. Known are: %(known)s.") % {"name": name, "known": ", ".join(known)}


def _splits(common: Mapping[str, Any]) -> Splits:
    return Splits(splits.parsed(common["splits"]), common["split_seed"], frozenset(common["held_out"]))


@dataclass(frozen=True, slots=True)
class Ask:
    """A checked request: everything that decides which rows a file holds. Two equal ones give equal files."""

    queue: Queue
    #: configured by its options
    format: Format[Any]
    options: Mapping[str, Any]
    common: Mapping[str, Any]
    since: int
    label_horizon: int
    review_horizon: int
    #: the project's own files that are needed, by `Asset.pin`
    assets: Mapping[str, Asset]
    #: the tasks that are checks, by id, with their roles; repeats, which are always such, are not among them
    checks: Mapping[int, str]
    #: whether there may be labels of these and of repeats, and they are not wanted
    leaves_out_checks: bool
    #: whether there may be labels that were rejected, and they are not wanted
    leaves_out_rejected: bool
    #: what was counted of it, by name: it is the same however often it is counted
    counted: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def reviewed(self) -> str:
        """Which labels are wanted by their reviews: any, accepted or not_rejected."""
        asked = str(self.common["reviewed"])
        usual = "not_rejected" if self.leaves_out_rejected else "any"
        return usual if asked == "usual" else asked

    @property
    def pins(self) -> dict[str, str]:
        """SHA-256 by `Asset.pin`, to be kept and asked with again."""
        return {name: one.sha256 for name, one in self.assets.items()}

    @property
    def benchmarks(self) -> list[Asset]:
        return [self.assets[f"{Asset.Sort.BENCHMARK}/{name}"] for name in self.common["benchmarks"]]

    @property
    def tokenizer(self) -> Asset | None:
        """What tokens are counted by; None: an estimate."""
        return self.assets.get(f"{Asset.Sort.TOKENIZER}/{self.common['tokenizer']}")

    @property
    def is_split(self) -> bool:
        """Whether splits are asked for, or one of them."""
        return bool(self.common["splits"] or self.common["held_out"] or self.common["split"])

    @property
    def splits(self) -> Splits:
        """Without what its held-out prompts ask: see `streams`."""
        return _splits(self.common)


def ask(
    queue: Queue,
    format_name: str,
    options: Mapping[str, Any] | None = None,
    since: int = 0,
    label_horizon: int | None = None,
    review_horizon: int | None = None,
    pinned: Mapping[str, str] | None = None,
    checks: Mapping[int, str] | None = None,
) -> Ask:
    """Check what is asked; `options` holds those of the format and the common ones side by side.

    Horizons and checks are taken now unless given; `pinned` is another ask's `pins`, for the very same files.
    Raises ValidationError by option; an unknown one is refused by name.
    """
    form, given = _format(queue, format_name), dict(options or {})
    own = {name: given.pop(name) for name in form.options_form.base_fields if name in given}
    if unknown := sorted(given.keys() - CommonOptions.base_fields.keys()):
        raise ValidationError({name: [gettext("This format has no such option.")] for name in unknown})
    common = CommonOptions(_with_initial(CommonOptions, given), project=queue.project, pinned=pinned)
    checked, chosen = _checked(form.options_form(_with_initial(form.options_form, own))), _checked(common)
    _check_raters(queue, form, checked, chosen["raters"])
    if since and chosen["reviewed"] not in {"usual", "any"}:
        raise ValidationError({"since": [_since_is_of_labels()]})
    sources = _sources(form, checked, common.assets)
    configured = form.configured(checked).with_sources({name: one.content().decode() for name, one in sources.items()})
    found = roles.checks(queue) if checks is None else checks
    review_horizon = horizons.of_reviews() if review_horizon is None else review_horizon
    return Ask(
        queue,
        configured.with_more(_more(configured, chosen)),
        checked,
        chosen,
        since,
        horizons.of_labels(queue) if label_horizon is None else label_horizon,
        review_horizon,
        {one.pin: one for one in [*_needed(chosen, common.assets), *sources.values()]},
        found,
        chosen["checks"] == "left_out" and not form.keeps_checks and (bool(found) or roles.has_repeats(queue)),
        chosen["reviewed"] == "usual" and not form.keeps_rejected and roles.has_rejected(queue),
    )


def _check_raters(queue: Queue, form: Format[Any], options: Mapping[str, Any], raters: str) -> None:
    if raters == EACH:
        return
    if form.wants_amended(options):
        raise ValidationError({"raters": [gettext("Labels that were amended can't be combined with others.")]})
    fitting = [one.name for one in consensus.for_kind(queue.way)]
    if raters not in fitting:
        words = ", ".join([EACH, *fitting])
        raise ValidationError({"raters": [gettext("This queue's labels can be combined by: %s.") % words]})


def _more(form: Format[Any], chosen: Mapping[str, Any]) -> list[str]:
    """The columns that are asked for and that the format does not have of itself."""
    has = "agreement" in form.schema.names
    asked = ["raters", "agreement"] if chosen["agreement"] and not has else []
    return [*asked, "certainty"] if chosen["raters"] != EACH and (has or asked) else asked


def _since_is_of_labels() -> str:
    return gettext(
        "It can't be asked for together with reviews: labels given before and accepted since would be missing."
    )


def _needed(chosen: Mapping[str, Any], assets: Mapping[str, Asset]) -> list[Asset]:
    tokenizer = (
        [f"{Asset.Sort.TOKENIZER}/{chosen['tokenizer']}"] if chosen["max_tokens"] and chosen["tokenizer"] else []
    )
    return [assets[pin] for pin in [*tokenizer, *(f"{Asset.Sort.BENCHMARK}/{name}" for name in chosen["benchmarks"])]]


def _sources(form: Format[Any], options: Mapping[str, Any], assets: Mapping[str, Asset]) -> dict[str, Asset]:
    """By name, the team's own templates among those that a format's options ask for."""
    own = {one.name: one for one in assets.values() if one.sort == Asset.Sort.TEMPLATE}
    names = [name for name in form.templates(options) if name not in templates.BUILT_IN]
    for name in names:
        if name not in own:
            raise ValidationError({"template": [_unknown(name, [*templates.BUILT_IN, *own])]})
    return {name: own[name] for name in names}


def _format(queue: Queue, name: str) -> Format[Any]:
    fitting = {form.name: form for form in registry.for_kind(queue.way)}
    if name not in fitting:
        raise ValidationError({"format": [gettext("This queue's labels can be written as: %s.") % ", ".join(fitting)]})
    return fitting[name]


def _with_initial(form: type[forms.Form], given: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: field.initial for name, field in form.base_fields.items()}, **given}


def _checked(form: forms.Form) -> dict[str, Any]:
    """Options with the defaults for those left out. Raises ValidationError by option."""
    if not form.is_valid():
        raise ValidationError({name: list(messages) for name, messages in form.errors.items()})
    return form.cleaned_data


def plain(given: Mapping[str, Any]) -> dict[str, Any]:
    """Checked options as JSON takes them, to be kept in a release's row and asked with again."""
    return {name: _plain(value) for name, value in given.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return list(value) if isinstance(value, tuple | set | frozenset) else value

"""Running queues: making them, changing them, and who works in them.

Each setting says in `AFTERWARDS` what changing it does to work already done.
Raises ValidationError by field; an option of the kind is the field `options.<name>`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from annotate import adapting, kinds, presets, queue, reviewing
from annotate.checking import results
from annotate.models import Project, Queue, Seat, User
from annotate.projects import Conflict, lock, publish_guideline
from annotate.quality import rules

#: What a queue is made of, and what changing it later does to what is there.
AFTERWARDS = {
    "name": _("Only the name changes."),
    "options": _("Holds for answers from now on. Labels already given stay as they are."),
    "overlap": _(
        "More: finished tasks are opened again for the missing labels. Fewer: places nobody has taken go; labels stay."
    ),
    "order": _(
        "Holds for tasks imported from now on; those already here keep their order. “What tells most about the models”"
        " holds for all, from the first labels on: as labels come in, what is open is put in order anew."
    ),
    "lease_seconds": _("Counts from the next task given out or draft saved. Tasks in hand keep their time."),
    "assigned_only": _("Who is not assigned gets no new task, but may finish the one in hand. Labels stay."),
    "confirm_guidelines": _(
        "On: whoever has not said to have read the newest version gets no new task. Tasks in hand and labels stay."
    ),
    "rules": _(
        "Labels already given stay as they are. Further labels, reviews, how far a right answer may be off and"
        " qualification look at earlier work and people too; all else holds from now on."
    ),
    "state": _("Paused: nobody gets a new task. Closed: tasks in hand go back as well. Drafts and labels stay."),
}
FIXED = {"kind", "preset"}


def create_queue(project: Project, user: User, guidelines: str | None = None, **settings: Any) -> tuple[Queue, bool]:
    """A queue, and whether it is new: asking again for the same gives it back, in whatever state it is by now.

    `settings`: `name`, `kind`, and what else of `AFTERWARDS` and `FIXED` is not to be as by default. With a `preset`
    the defaults are its own, and so are the `guidelines` where none are given.
    Raises Conflict if the name is that of a queue with other settings.
    """
    _refuse_unknown(settings, AFTERWARDS.keys() | FIXED)
    if chosen := _preset(settings.get("preset", "")):
        settings = _with_preset(chosen, settings)
        guidelines = chosen.skeleton() if guidelines is None else guidelines
    fresh = Queue(project=project, created_by=user, **settings)
    _check(fresh)
    with transaction.atomic():
        lock(project)
        there = Queue.objects.filter(project=project, name=fresh.name).first()
        if there is None:
            fresh.save()
            if guidelines and guidelines.strip():
                publish_guideline(project, user, guidelines, fresh)
            return fresh, True
    if any(getattr(there, name) != getattr(fresh, name) for name in (AFTERWARDS.keys() | FIXED) - {"state"}):
        raise Conflict({"name": [_("A queue of this name exists with other settings.")]})
    return there, False


def _preset(name: str) -> presets.Preset | None:
    try:
        return presets.get(name) if name else None
    except KeyError:
        known = ", ".join(one.name for one in presets.all_presets())
        raise ValidationError({"preset": [_("There is no preset of this name. There are: %s") % known]}) from None


def _with_preset(preset: presets.Preset, settings: Mapping[str, Any]) -> dict[str, Any]:
    if settings.get("kind", preset.kind) != preset.kind:
        raise ValidationError({"kind": [_("The preset %(preset)s is of the kind %(kind)s.") % _names(preset)]})
    given = settings.get("options", {})
    both = isinstance(given, Mapping)
    return {**preset.settings(), **settings, "options": {**preset.options, **given} if both else given}


def _names(preset: presets.Preset) -> dict[str, str]:
    return {"preset": preset.name, "kind": preset.kind}


def change_queue(work: Queue, **changes: Any) -> Queue:
    """Change some settings; `options` and `rules` may name some of them, the others stay. All or nothing."""
    for name in changes.keys() & FIXED:
        if changes[name] != getattr(work, name):
            raise ValidationError({name: [_("This can't be changed. Make another queue.")]})
    changes = {name: value for name, value in changes.items() if name not in FIXED}
    _refuse_unknown(changes, AFTERWARDS)
    with transaction.atomic():
        lock(work.project)
        stored = Queue.objects.select_related("project").get(pk=work.pk)
        overlap, state, before = stored.overlap, stored.state, rules.of(stored)
        if isinstance(changes.get("options"), Mapping):
            changes["options"] = {**stored.options, **changes["options"]}
        if isinstance(changes.get("rules"), Mapping):
            changes["rules"] = {**stored.rules, **changes["rules"]}
        for name, value in changes.items():
            setattr(stored, name, value)
        _check(stored)
        _must_be_free(stored)
        _store(stored, changes, overlap, state)
        if rules.of(stored).reviews != before.reviews:
            reviewing.begin_anew(stored)
    return stored


def _store(changed: Queue, changes: Mapping[str, Any], overlap: int, state: str) -> None:
    plain = changes.keys() - {"overlap", "state"}
    if (changed.overlap, changed.state) != (overlap, state):
        queue.lock_seats(changed)
    if plain:
        changed.save(update_fields=plain)
    if "rules" in plain:
        results.judge_again(changed)
    if changes.keys() & {"rules", "overlap"}:
        adapting.begin_anew(changed)
    new_overlap, new_state = changed.overlap, changed.state
    changed.overlap, changed.state = overlap, state
    if new_overlap != overlap:
        queue.change_overlap(changed, new_overlap)
    if new_state != state:
        queue.change_state(changed, new_state)


def _refuse_unknown(settings: Mapping[str, Any], known: Iterable[str]) -> None:
    if unknown := sorted(settings.keys() - set(known)):
        raise ValidationError({name: [_("A queue has no such setting.")] for name in unknown})


def _check(work: Queue) -> None:
    """Give every setting its checked, canonical form."""
    work.name = str(work.name).strip()
    theirs = ["project", "created_by", "options", "rules"]
    work.full_clean(exclude=theirs, validate_unique=False, validate_constraints=False)
    work.options = checked_options(work.kind, work.options)
    work.rules = _checked_rules(work)
    if work.order not in dict(orders(work.way)):
        raise ValidationError({"order": [_("A queue of this kind compares no responses: it tells nothing of models.")]})


def _checked_rules(work: Queue) -> dict[str, Any]:
    if not isinstance(work.rules, Mapping):
        raise ValidationError({"rules": [_("Rules must be an object.")]})
    try:
        return rules.stored(rules.checked(work.rules, work.overlap))
    except ValidationError as error:
        raise ValidationError({f"rules.{name}": found for name, found in error.message_dict.items()}) from error


def orders(kind: kinds.Kind) -> list[tuple[str, Any]]:
    """The orders that a queue of this kind can have, each with its name in words."""
    compares = kind.has("comparisons") and kind.responses[1] > 1
    return [one for one in Queue.Order.choices if compares or one[0] != Queue.Order.NEXT_PAIR]


def checked_options(kind: str, options: Any) -> dict[str, Any]:
    """The options of a queue of this kind, with the defaults for those left out. Raises ValidationError."""
    form_class = kinds.get(kind).options_form
    if not isinstance(options, Mapping):
        raise ValidationError({"options": [_("Options must be an object.")]})
    if unknown := sorted(options.keys() - form_class.base_fields.keys()):
        raise ValidationError({f"options.{name}": [_("This kind has no such option.")] for name in unknown})
    defaults = {name: field.initial for name, field in form_class.base_fields.items() if field.initial is not None}
    form = form_class(data={**defaults, **options})
    errors = {name: list(messages) for name, messages in form.errors.items()} | kinds.wrong_types(form)
    if errors:
        raise ValidationError({f"options.{name}": messages for name, messages in errors.items()})
    return form.cleaned_data


def _must_be_free(work: Queue) -> None:
    if Queue.objects.filter(project=work.project_id, name=work.name).exclude(pk=work.pk).exists():
        raise Conflict({"name": [_("Another queue of this project has this name.")]})


# --- Who works in a queue ----------------------------------------------------------------------------------------


def assign(work: Queue, users: Iterable[User]) -> None:
    """Say who works in a queue that is for assigned people only: these people and nobody else."""
    chosen = {user.pk for user in users}
    members = set(work.project.members.filter(user__in=chosen).values_list("user", flat=True))
    if chosen != members:
        raise ValidationError({"users": [_("Only members of the project can be assigned.")]})
    with transaction.atomic():
        queue.lock_seats(work)
        fresh = [Seat(queue=work, user_id=pk, assigned=True) for pk in sorted(chosen)]
        Seat.objects.bulk_create(fresh, ignore_conflicts=True)
        Seat.objects.filter(queue=work, user__in=chosen, assigned=False).update(assigned=True)
        Seat.objects.filter(queue=work, assigned=True).exclude(user__in=chosen).update(assigned=False)

"""What a release fixes when it is asked for: everything that its files tell and that may change later."""

import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from annotate import VERSION
from annotate.exporting import CONTAINERS, asking
from annotate.exporting.asking import Ask, CommonOptions
from annotate.models import Label, Queue, Release

#: As the Hugging Face hub writes licences, "other" where nothing was said.
LICENSE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,39}")
MOST_FORMATS = 30


@dataclass(frozen=True, slots=True)
class Part:
    """One format of a release and the folder below `data/` that holds it, which is also its name for loaders."""

    folder: str
    ask: Ask


def checked(
    queue: Queue,
    formats: Sequence[Mapping[str, Any]],
    container: str,
    options: Mapping[str, Any],
    license: str,  # noqa: A002
) -> list[Ask]:
    """What is asked, one for each format, all up to one horizon. Raises ValidationError by field."""
    wrong: dict[str, list[Any]] = {}
    if container not in CONTAINERS:
        wrong["container"] = [_("Choose one of: %s.") % ", ".join(CONTAINERS)]
    if not LICENSE.fullmatch(license):
        wrong["license"] = [_("Write its identifier, such as cc-by-4.0 or other.")]
    if not 0 < len(formats) <= MOST_FORMATS:
        wrong["formats"] = [_("Choose between 1 and %d formats.") % MOST_FORMATS]
    if wrong:
        raise ValidationError(wrong)
    asks: list[Ask] = []
    for nth, one in enumerate(formats):
        first = asks[0] if asks else None
        try:
            name, own = _well_formed(one)
            _check_own(own)
            asks.append(_asked(queue, name, {**options, **own}, first))
        except ValidationError as error:
            wrong |= {_place(nth, name, one, options): texts for name, texts in error.message_dict.items()}
    if wrong:
        raise ValidationError(wrong)
    return asks


def _well_formed(one: Any) -> tuple[str, Mapping[str, Any]]:
    if not isinstance(one, Mapping) or not isinstance(one.get("format"), str):
        raise ValidationError({"format": [_("Name a format.")]})
    own = one.get("options", {})
    if not isinstance(own, Mapping) or one.keys() - {"format", "options"}:
        raise ValidationError({"format": [_("A format has its name and its options, an object.")]})
    return one["format"], own


def _check_own(own: Mapping[str, Any]) -> None:
    """An option that all formats share is asked once: one format can't have it otherwise than the others."""
    if shared := own.keys() & CommonOptions.base_fields.keys():
        there = _("All formats have this option in common: put it into the “options” beside “formats”.")
        raise ValidationError({name: [there] for name in shared})


def _asked(queue: Queue, name: str, options: Mapping[str, Any], first: Ask | None) -> Ask:
    if first is None:
        return asking.ask(queue, name, options)
    horizons = first.label_horizon, first.review_horizon
    return asking.ask(queue, name, options, 0, *horizons, checks=first.checks)


def _place(nth: int, name: str, one: Any, common: Mapping[str, Any]) -> str:
    """Which field of the request an option's mistake is about."""
    if name == "format":
        return f"formats[{nth}].format"
    is_common = name in common and name not in one.get("options", {})
    return f"options.{name}" if is_common else f"formats[{nth}].options.{name}"


def folders(names: Sequence[str]) -> list[str]:
    """A folder for each format: its name, and a number where one comes twice."""
    return [name if (nth := names[: at + 1].count(name)) == 1 else f"{name}-{nth}" for at, name in enumerate(names)]


def frozen(queue: Queue, asks: Sequence[Ask], license: str) -> dict[str, Any]:  # noqa: A002
    """What is kept in `Release.frozen`; `assets`: SHA-256 by `Asset.pin`, `people`: names by pseudonym if asked for.

    `checks`: the roles of tasks that check people, by id.
    """
    guideline = queue.guideline()
    return {
        "project": {"slug": queue.project.slug, "name": queue.project.name},
        "queue": {"name": queue.name, "kind": queue.kind, "options": queue.options, "overlap": queue.overlap},
        "guideline": {"version": guideline.version, "text": guideline.text} if guideline else None,
        "license": license,
        "assets": {pin: sha256 for one in asks for pin, sha256 in one.pins.items()},
        "checks": {str(task): role for task, role in asks[0].checks.items()},
        "people": _people(queue, asks[0].label_horizon) if any(one.format.names_people for one in asks) else {},
        "code": {"preceptor": VERSION, "pyarrow": pa.__version__},
    }


def _people(queue: Queue, horizon: int) -> dict[str, str]:
    labels = Label.objects.filter(queue=queue, pk__lte=horizon).order_by()
    found = labels.values_list("annotator", "annotator__name").distinct()
    return {queue.project.pseudonym(pk): name for pk, name in found}


def queue_of(release: Release) -> Queue:
    """The release's queue as it was."""
    queue = copy(release.queue)
    was = release.frozen["queue"]
    queue.name, queue.kind, queue.options, queue.overlap = was["name"], was["kind"], was["options"], was["overlap"]
    return queue


def checks(release: Release) -> dict[int, str]:
    """The tasks that were checks when the release was asked for; before there were any, none was."""
    return {int(task): role for task, role in release.frozen.get("checks", {}).items()}


def parts(release: Release) -> list[Part]:
    """What is to be written, asked again as it was asked first."""
    queue, names = queue_of(release), [one["format"] for one in release.formats]
    return [
        Part(folder, _again(release, queue, one)) for folder, one in zip(folders(names), release.formats, strict=True)
    ]


def _again(release: Release, queue: Queue, one: Mapping[str, Any]) -> Ask:
    asked = asking.ask(
        queue,
        one["format"],
        {**release.options, **one["options"]},
        label_horizon=release.label_horizon,
        review_horizon=release.review_horizon,
        pinned=release.frozen["assets"],
        checks=checks(release),
    )
    return replace(asked, format=asked.format.with_people(release.frozen.get("people", {})))

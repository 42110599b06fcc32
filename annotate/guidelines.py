"""What annotators are asked to do, and that they have read it.

A queue may ask that each new version is confirmed before the next task is given out; see `queue.next_place`.
"""

import re
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from annotate import differences, queue, rendering
from annotate.models import Guideline, Label, Queue, Seat, User

#: Headings under which the good and the bad examples stand.
EXAMPLES = ("examples", "good and bad examples", "beispiele", "gute und schlechte beispiele", "أمثلة")

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t#]*$")
_FENCE = re.compile(r" {0,3}(```|~~~)")


@dataclass(frozen=True, slots=True)
class Reading:
    """A version as its readers get it: the text, its examples, and what changed since the version they read last.

    `asked`: the queue waits for a word that they have read this version.
    """

    guideline: Guideline
    html: SafeString
    examples: SafeString | None
    since: Guideline | None
    changes: SafeString | None
    asked: bool


def reading(user: User, work: Queue) -> Reading | None:
    """The guidelines in force in a queue for one of its annotators; None where there are none."""
    now = work.guideline()
    if now is None:
        return None
    seat = Seat.objects.filter(queue=work, user=user).select_related("read_guideline").first()
    read = seat.read_guideline if seat else None
    since = (read or _last_met(seat)) if seat else None
    if since is not None and since.pk == now.pk:
        since = None
    main, examples = split(now.text)
    html = rendering.rendered([main, examples])
    return Reading(
        now,
        html[main],
        html[examples] if examples else None,
        since,
        differences.as_html(since.text, now.text) if since else None,
        work.confirm_guidelines and (read is None or read.pk != now.pk),
    )


def _last_met(seat: Seat) -> Guideline | None:
    """The version that the person's newest label in the queue was made under."""
    if not seat.done:
        return None
    own = Label.objects.filter(annotator=seat.user_id, queue=seat.queue_id)
    newest = own.order_by("-pk").select_related("guideline").first()
    return newest.guideline if newest else None


def confirm(user: User, work: Queue, version: Any) -> Guideline:
    """The person says to have read this version. Raises ValidationError if it is not the one in force."""
    now = work.guideline()
    if now is None or version != now.version:
        message = _("Another version is in force by now: read that one.") if now else _("There are no guidelines.")
        raise ValidationError({"version": [message]})
    with transaction.atomic():
        seat = queue.lock_seat(user, work)
        Seat.objects.filter(pk=seat.pk).update(read_guideline=now)
    return now


def split(text: str) -> tuple[str, str]:
    """A Markdown text without its section of examples, and that section without its heading; "" where there is none."""
    lines = text.splitlines(keepends=True)
    start, end = _section(lines)
    return "".join(lines[:start] + lines[end:]), "".join(lines[start + 1 : end]).strip()


def _section(lines: list[str]) -> tuple[int, int]:
    """Where the section of examples begins and ends: at the next heading of its level or above."""
    start, level, fence = len(lines), 0, ""
    for at, line in enumerate(lines):
        if found := _FENCE.match(line):
            fence = "" if fence == found[1] else fence or found[1]
        heading = None if fence else _HEADING.match(line.rstrip("\n"))
        if heading is None:
            continue
        if level and len(heading[1]) <= level:
            return start, at
        if not level and heading[2].rstrip(":").casefold() in EXAMPLES:
            start, level = at, len(heading[1])
    return start, len(lines)

"""How the pages look to a person, and which keys act for them. Kept in `User.preferences`, checked in and out.

Every act has one canonical key for all kinds; a person may put it on another. What was stored is never trusted:
a value that would be refused today is read as if it had not been set.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from annotate import kinds
from annotate.models import User

THEMES = {"system": _("as the device"), "light": _("light"), "dark": _("dark")}
TEXT_SIZES = {"small": _("small"), "normal": _("normal"), "large": _("large"), "larger": _("larger")}
LAYOUTS = {"side": _("side by side"), "stacked": _("one below the other")}

#: What acts in every kind of work, and what it does.
COMMON: list[tuple[str, str | Promise]] = [
    ("s", _("Skip")),
    ("d", _("Decline")),
    ("f", _("Flag")),
    ("c", _("Write a comment")),
    ("z", _("Undo the last submit")),
    ("g", _("Guidelines")),
    ("?", _("List of keys")),
    ("l", _("Side by side or stacked")),
    ("y", _("Scroll together")),
    ("x", _("Differences")),
    ("a", _("Accept, when reviewing")),
    ("f", _("Fix, when reviewing")),
    ("c", _("Ask for changes, when reviewing")),
    ("r", _("Reject, when reviewing")),
    ("u", _("Use this answer, when reviewing several")),
]

#: Keys that are no character, by the sign that stands for them.
NAMED = {"←": "ArrowLeft", "→": "ArrowRight", "↑": "ArrowUp", "↓": "ArrowDown", "Backspace": "Backspace"}
SIGNS = {name: sign for sign, name in NAMED.items()}
MODIFIERS = {"Shift", "Ctrl", "Alt", "Meta"}

#: Signs an act may be put on. Not among them: what opens a browser's search (/ and '), what HTML is made of.
ALLOWED_SIGNS = frozenset("=-+*#.,;:!?[]()_~^|@%$")


@dataclass(frozen=True, slots=True)
class Shortcut:
    """`key`: the canonical key, as a browser names it; `sign`: as it is written; `words`: what it does, by kind."""

    key: str
    sign: str
    words: tuple[str | Promise, ...]

    def __str__(self) -> str:
        return " / ".join(map(str, self.words))


@dataclass(frozen=True, slots=True)
class Preferences:
    """`keys`: canonical key -> own key, of those that were moved. `time_zone`: where this person's days begin."""

    theme: str = "system"
    text_size: str = "normal"
    layout: str = "side"
    single_keys: bool = True
    time_zone: str = "UTC"
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def keys_json(self) -> str:
        """The map for the page's scripts; goes into an attribute, escaped as everything else."""
        return json.dumps(dict(self.keys), ensure_ascii=False)


CHOICES: dict[str, Mapping[str, Any]] = {"theme": THEMES, "text_size": TEXT_SIZES, "layout": LAYOUTS}
DEFAULTS = Preferences()


def of(user: User) -> Preferences:
    """A person's preferences; the default for whatever is not set, or not right."""
    stored = user.preferences if isinstance(user.preferences, dict) else {}
    known = {one.name: stored[one.name] for one in fields(Preferences) if one.name in stored}
    if isinstance(known.get("keys"), dict):
        known["keys"] = _right_keys(known["keys"])
    return Preferences(**{name: value for name, value in known.items() if not problems(name, value)})


def _right_keys(stored: Mapping[str, Any]) -> Mapping[str, Any]:
    """What of a map of keys still holds: a kind may have lost a key since, or got one."""
    while wrong := _problems_of_keys(stored):
        stored = {key: own for key, own in stored.items() if f"keys.{key}" not in wrong}
    return stored


def change(user: User, **changes: Any) -> Preferences:
    """Change some preferences. Raises ValidationError by field; a key's field is `keys.<canonical key>`."""
    found: dict[str, Any] = {}
    for name, value in changes.items():
        found |= problems(name, value)
    if found:
        raise ValidationError(found)
    with transaction.atomic():
        stored = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        whole = asdict(of(stored)) | changes
        moved = {key: own for key, own in whole["keys"].items() if own != key}
        chosen = Preferences(**whole | {"keys": moved})
        kept = {name: value for name, value in asdict(chosen).items() if value != getattr(DEFAULTS, name)}
        User.objects.filter(pk=user.pk).update(preferences=kept)
    user.preferences = kept
    return chosen


def problems(name: str, value: object) -> dict[str, list[Any]]:
    """What is wrong with a preference, by field."""
    if name == "keys":
        return _problems_of_keys(value)
    if name in CHOICES:
        right = isinstance(value, str) and value in CHOICES[name]
    elif name == "single_keys":
        right = isinstance(value, bool)
    elif name == "time_zone":
        right = isinstance(value, str) and value in time_zones()
    else:
        return {name: [_("There is no such setting.")]}
    return {} if right else {name: [_("Choose one of those there are.")]}


@cache
def time_zones() -> list[str]:
    """Names of time zones, UTC first."""
    places = {name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/"))}
    return ["UTC", *sorted(places)]


# --- Keys ------------------------------------------------------------------------------------------------------------


@cache
def shortcuts() -> dict[str, Shortcut]:
    """Every key that can be moved, by canonical key: those common to all kinds, then each kind's."""
    words: dict[str, list[str | Promise]] = {}
    listed: Iterable[tuple[str, str | Promise]] = chain(COMMON, *(kind.keys for kind in kinds.all_kinds()))
    for written, meaning in listed:
        for key in _keys_in(written):
            there = words.setdefault(key, [])
            if str(meaning) not in map(str, there):
                there.append(meaning)
    return {key: Shortcut(key, SIGNS.get(key, key), tuple(there)) for key, there in words.items()}


def _keys_in(written: str) -> Iterator[str]:
    """Canonical keys in "1 … 9", "← →" or "u"; none of a combination such as "Shift ↑"."""
    parts = written.split()
    if MODIFIERS.intersection(parts):
        return
    for at, part in enumerate(parts):
        if part in NAMED:
            yield NAMED[part]
        elif part == "…" and 0 < at < len(parts) - 1:
            yield from map(chr, range(ord(parts[at - 1][-1]) + 1, ord(parts[at + 1][0])))
        elif may_be_key(part):
            yield part


def may_be_key(text: object) -> bool:
    """Whether an act can be put on it: one letter of any script in its small form, a digit, or one of a few signs."""
    if not isinstance(text, str) or len(text) != 1 or ord(text) > 0xFFFF:
        return False
    return text in ALLOWED_SIGNS or text in "0123456789" or (text.isalpha() and text == text.lower())


def _problems_of_keys(moved: object) -> dict[str, list[Any]]:
    if not isinstance(moved, Mapping):
        return {"keys": [_("Must be an object.")]}
    known = shortcuts()
    found: dict[str, list[Any]] = {}
    for key, own in moved.items():
        if key not in known:
            found[f"keys.{key}"] = [_("There is no such key.")]
        elif own != key and not may_be_key(own):
            found[f"keys.{key}"] = [_("Use one small letter, digit or sign. Some are needed by browsers: / ' space.")]
        elif other := _also_on(own, key, moved):
            found[f"keys.{key}"] = [_("This key is taken: %s.") % other]
    return found


def _also_on(own: str, key: str, moved: Mapping[str, str]) -> Shortcut | None:
    """Another act that would be on the same key."""
    others = (one for one in shortcuts().values() if one.key != key and moved.get(one.key, one.key) == own)
    return next(others, None)

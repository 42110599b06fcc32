"""Preferences: what may be stored, and what becomes of anything else that is found there."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from annotate import kinds, preferences
from annotate.models import User
from tests.factories import a_user

EVIL = ["<", ">", '"', "'", "&", "/", "`", " ", "\t", "\0", "\u202e", "\u200b", "ab", "", "A", "💥", 1, None, ["s"]]


@pytest.mark.django_db
def test_what_is_chosen_is_stored_and_nothing_else() -> None:
    kim = a_user()
    preferences.change(kim, theme="dark", text_size="large", keys={"s": "k", "d": "d"})
    stored = User.objects.get(pk=kim.pk)
    assert stored.preferences == {"theme": "dark", "text_size": "large", "keys": {"s": "k"}}
    assert preferences.of(stored).keys == {"s": "k"}
    assert preferences.of(stored).layout == "side"


@pytest.mark.django_db
def test_one_change_leaves_the_others() -> None:
    kim = a_user()
    preferences.change(kim, theme="dark")
    preferences.change(User.objects.get(pk=kim.pk), single_keys=False, time_zone="Asia/Tokyo")
    found = preferences.of(User.objects.get(pk=kim.pk))
    assert (found.theme, found.single_keys, str(found.zone)) == ("dark", False, "Asia/Tokyo")


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "value"), [
    ("theme", "pink"), ("theme", ["dark"]), ("text_size", 3), ("layout", "<script>"), ("single_keys", "yes"),
    ("time_zone", "../etc/passwd"), ("keys", "s"), ("colour", "red"),
])  # fmt: skip
def test_anything_else_is_refused_by_name_and_changes_nothing(name: str, value: Any) -> None:
    kim = a_user()
    with pytest.raises(ValidationError) as refused:
        preferences.change(kim, **{"theme": "dark", name: value})
    assert list(refused.value.message_dict) == [name]
    assert User.objects.get(pk=kim.pk).preferences == {}


@pytest.mark.parametrize("own", EVIL)
def test_a_key_is_one_small_letter_digit_or_harmless_sign(own: Any) -> None:
    assert list(preferences.problems("keys", {"s": own})) == ["keys.s"]


@pytest.mark.parametrize("own", ["ü", "ñ", "س", "ы", "あ", "7", ";", "."])
def test_letters_of_any_script_can_be_keys(own: str) -> None:
    taken = preferences.shortcuts()
    assert preferences.problems("keys", {"s": own} | ({own: "ö"} if own in taken else {})) == {}


def test_two_acts_are_never_on_one_key() -> None:
    assert list(preferences.problems("keys", {"s": "d"})) == ["keys.s"]
    assert list(preferences.problems("keys", {"s": "ö", "d": "ö"})) == ["keys.s", "keys.d"]
    assert preferences.problems("keys", {"s": "d", "d": "s"}) == {}


def test_a_key_that_there_is_not_is_refused() -> None:
    assert list(preferences.problems("keys", {"Enter": "k"})) == ["keys.Enter"]
    assert list(preferences.problems("keys", {"__proto__": "k"})) == ["keys.__proto__"]


def test_what_was_stored_wrongly_is_read_as_if_it_were_not_there() -> None:
    user = User(preferences={"theme": "</style>", "layout": "stacked", "keys": {"s": "ö", "d": "<", "§": "p"}})
    found = preferences.of(user)
    assert (found.theme, found.layout, found.keys) == ("system", "stacked", {"s": "ö"})
    assert preferences.of(User(preferences=["x"])) == preferences.DEFAULTS


def test_a_stored_swap_of_which_one_half_is_wrong_leaves_no_clash() -> None:
    """A kind may get a key since that somebody had put another act on."""
    found = preferences.of(User(preferences={"keys": {"s": "d", "d": "<"}}))
    assert found.keys == {}


def test_every_single_key_of_every_kind_can_be_moved() -> None:
    known = preferences.shortcuts()
    for kind in kinds.all_kinds():
        for written, _words in kind.keys:
            parts = written.split()
            single = [part for part in parts if preferences.may_be_key(part)]
            assert set(single) <= known.keys(), (kind.name, written)
    assert {"s", "1", "5", "9", "ArrowLeft", "Backspace", "?"} <= known.keys()
    assert not {"Enter", "Escape", "…"} & known.keys()


def test_the_map_for_scripts_is_json() -> None:
    assert preferences.Preferences(keys={"s": "ö"}).keys_json == '{"s": "ö"}'

"""The settings page: what it stores, refuses and shows; with scripts at once, without them by a button."""

import json
import re
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from annotate import preferences
from annotate.models import User
from tests import factories
from tests.pages.desk import HTMX, client_of, let_in

ADDRESS = "/you/settings/"
LOOK = {"part": "look", "theme": "dark", "text_size": "larger", "layout": "stacked"}


@pytest.fixture
def kim(db: None) -> User:
    return factories.a_user(name="Kim")


def stored(user: User) -> preferences.Preferences:
    return preferences.of(User.objects.get(pk=user.pk))


def post(user: User, sent: dict[str, str], headers: dict[str, str] | None = None) -> Any:
    return client_of(user).post(reverse("you-settings"), sent, headers=headers)


def test_how_it_looks_stands_in_the_html_of_every_page(kim: User) -> None:
    assert post(kim, LOOK).status_code == 303
    for name in ("home", "you", "tokens", "you-settings"):
        page = client_of(kim).get(reverse(name)).text
        assert '<html lang="en" dir="ltr" data-theme="dark" data-text-size="larger" data-layout="stacked">' in page


def test_the_theme_of_the_device_is_no_theme(kim: User) -> None:
    assert "data-theme" not in client_of(kim).get(reverse("home")).text


def test_nobody_signed_in_has_no_settings() -> None:
    from django.test import Client

    page = Client().get(reverse("sign-in")).text
    assert "<body>" in page
    assert "data-text-size" not in page


def test_preferences_cost_no_statement(kim: User, django_assert_num_queries: Any) -> None:
    client = client_of(kim)
    with django_assert_num_queries(3):  # the session, the person, their new feedback
        client.get(reverse("you-settings"))


def test_moved_keys_are_stored_and_stand_escaped_in_the_page(kim: User) -> None:
    answer = post(kim, {"part": "keys", "single_keys": "on", "keys.s": "ö", "keys.ArrowLeft": "Q", "keys.d": ""})
    assert answer.status_code == 303
    assert stored(kim).keys == {"s": "ö", "ArrowLeft": "q"}
    page = client_of(kim).get(reverse("home")).text
    found = re.search(r'data-keys="([^"]*)"', page)
    assert found and json.loads(found[1].replace("&quot;", '"')) == {"s": "ö", "ArrowLeft": "q"}


@pytest.mark.parametrize(("field", "own", "words"), [
    ("keys.s", "d", "taken: Decline"), ("keys.s", "/", "Some are needed by browsers"),
    ("keys.s", "<", "Some are needed"), ("keys.?", '"', "Some are needed"),
])  # fmt: skip
def test_what_is_wrong_with_a_key_is_said_beside_it_and_nothing_is_changed(
    kim: User, field: str, own: str, words: str
) -> None:
    answer = post(kim, {"part": "keys", field: own, "keys.c": "k"})
    assert answer.status_code == 422
    at = answer.text.index(f'id="id_{field}_error"')
    assert words in answer.text[at : at + 300]
    assert stored(kim) == preferences.DEFAULTS


@pytest.mark.parametrize("sent", [
    {"part": "look", "theme": "pink", "text_size": "normal", "layout": "side"},
    {"part": "time", "time_zone": "Mars/Olympus"},
    {"part": "keys", "single_keys": "on", "keys.s": "too long"},
    {"part": "nonsense"}, {},
])  # fmt: skip
def test_anything_else_is_refused(kim: User, sent: dict[str, str]) -> None:
    assert post(kim, sent).status_code == 422
    assert stored(kim) == preferences.DEFAULTS


def test_keys_that_nobody_knows_are_not_stored(kim: User) -> None:
    post(kim, {"part": "keys", "single_keys": "on", "keys.constructor": "k", "keys.s": "ö"})
    assert stored(kim).keys == {"s": "ö"}


def test_all_keys_can_be_put_back(kim: User) -> None:
    preferences.change(kim, keys={"s": "ö"}, theme="dark")
    client_of(kim).post(reverse("you-settings"), {"part": ["keys", "reset"], "keys.s": "ä"})
    assert stored(kim).keys == {}
    assert stored(kim).theme == "dark"


def test_what_somebody_else_wrote_into_the_row_never_reaches_the_page(kim: User) -> None:
    evil = '"><script>alert(1)</script>'
    bad = {"theme": evil, "text_size": evil, "layout": evil, "time_zone": evil, "keys": {"s": evil, evil: "k"}}
    User.objects.filter(pk=kim.pk).update(preferences=bad)
    for name in ("home", "you", "you-settings"):
        assert "<script>alert" not in client_of(kim).get(reverse(name)).text


def test_a_script_is_answered_without_a_page(kim: User) -> None:
    assert post(kim, {"part": "single-keys"}, HTMX).status_code == 204
    assert stored(kim).single_keys is False


# --- In a browser ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_choice_shows_at_once_and_is_kept(page: Page, live_server: object) -> None:
    kim = factories.a_user()
    let_in(page.context, kim, str(live_server))
    page.goto(ADDRESS)
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    with page.expect_response(lambda one: one.request.method == "POST"):
        page.get_by_label("dark", exact=True).check()
    assert page.evaluate(colour) != light
    expect(page.locator("#said")).to_have_text("Saved.")
    with page.expect_response(lambda one: one.request.method == "POST"):
        page.get_by_label("larger", exact=True).check()
    page.goto("/")
    assert page.evaluate(colour) != light
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "21px"
    assert (stored(kim).theme, stored(kim).text_size) == ("dark", "larger")


@pytest.mark.django_db(transaction=True)
def test_without_scripts_the_buttons_do_it(browser: Browser, live_server: object) -> None:
    kim = factories.a_user()
    context = browser.new_context(base_url=str(live_server), java_script_enabled=False)
    let_in(context, kim, str(live_server))
    page = context.new_page()
    page.goto(ADDRESS)
    page.get_by_label("dark", exact=True).check()
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.locator('[name="keys.s"]').fill("k")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.locator('[name="keys.s"]')).to_have_value("k")
    context.close()


@pytest.mark.django_db(transaction=True)
def test_this_devices_time_zone_is_offered(browser: Browser, live_server: object) -> None:
    kim = factories.a_user()
    context = browser.new_context(base_url=str(live_server), timezone_id="Asia/Tokyo", locale="en-GB")
    let_in(context, kim, str(live_server))
    page = context.new_page()
    page.goto("/you/")
    page.get_by_role("button", name="Use Asia/Tokyo, as this device").click()
    expect(page.get_by_text("Days begin at midnight in Asia/Tokyo.")).to_be_visible()
    expect(page.get_by_role("button", name="Use Asia/Tokyo")).to_have_count(0)
    context.close()

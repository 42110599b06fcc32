"""The words of the pages in other languages: complete, fitting, and shown to whom they are for."""

from __future__ import annotations

import gettext
import re
from pathlib import Path
from typing import TYPE_CHECKING

import django
import pytest
from babel.messages.catalog import Catalog, Message
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation
from playwright.sync_api import expect

from annotate.models import User
from config import messages
from tests import factories
from tests.house.literals import literals
from tests.pages.desk import client_of, let_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

LANGUAGES = [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
NAMED = re.compile(r"%\(\w+\)[sd]|\{\w+\}")
BY_PLACE = re.compile(r"%[sd]")
TEMPLATES = sorted((messages.ROOT / "templates").rglob("*.html"))

every_language = pytest.mark.parametrize("language", LANGUAGES)


def catalog(language: str) -> Catalog:
    return messages.read(messages.LOCALE / language / "LC_MESSAGES" / "django.po")


# --- What is in the catalogues ---------------------------------------------------------------------------------------


@every_language
def test_every_text_in_the_code_is_translated(language: str) -> None:
    missing = messages.untranslated(messages.merged(catalog(language), messages.words()))
    assert [one.id for one in missing] == []


@every_language
def test_translations_have_the_placeholders_of_the_original(language: str) -> None:
    assert [one.id for one in catalog(language) if one.id and not fits(one)] == []


def fits(message: Message) -> bool:
    """Nothing made up, nothing left out; but "one" and "two" may say their number in words instead of %(n)s."""
    asked = message.id if isinstance(message.id, str) else message.id[-1]
    given = [message.string] if isinstance(message.string, str) else list(message.string or ())
    if not any(given):
        return True
    named = set(NAMED.findall(asked))
    alike = all(BY_PLACE.findall(one) == BY_PLACE.findall(asked) for one in given)
    return alike and named == set(NAMED.findall(given[-1])) and all(named >= set(NAMED.findall(one)) for one in given)


@every_language
def test_plural_forms_are_those_that_django_has(language: str) -> None:
    """Were they others, Django would keep two catalogues for the language and ask both for each text."""
    compiled = gettext.find("django", str(Path(django.__file__).parent / "conf" / "locale"), [language])
    assert compiled is not None
    with Path(compiled).open("rb") as file:
        theirs = gettext.GNUTranslations(file).info()["plural-forms"]
    ours = catalog(language).plural_forms
    assert [ours.replace(" ", "").rstrip(";")] == [theirs.replace(" ", "").rstrip(";")]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(messages.ROOT).as_posix())
def test_a_template_has_no_words_that_cannot_be_translated(path: Path) -> None:
    assert literals(path) == []


# --- How they are made -----------------------------------------------------------------------------------------------

PYTHON = """
from django.utils.translation import gettext_lazy as _, ngettext, pgettext
LABEL = _("Rank "
          "them")
def say(n): return ngettext("%s label", "%s labels", n) % n, pgettext("a month", "May")
"""
TEMPLATE = """
    {% load i18n %}<p title="don't mind">{% translate "Skip" %}</p>
  {% blocktranslate count n=n trimmed %}
    {{ n }} seat
  {% plural %}
    {{ n }} seats
  {% endblocktranslate %}
"""


def test_texts_are_found_in_python_and_in_templates(tmp_path: Path) -> None:
    (tmp_path / "annotate").mkdir()
    (tmp_path / "annotate" / "some.py").write_text(PYTHON)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "some.html").write_text(TEMPLATE)
    found = {(one.id, one.context) for one in messages.words(tmp_path) if one.id}
    assert found == {
        ("Rank them", None),
        (("%s label", "%s labels"), None),
        ("May", "a month"),
        ("Skip", None),
        (("%(n)s seat", "%(n)s seats"), None),
    }


def a_catalog(*texts: str, **translations: str) -> Catalog:
    made = Catalog(locale="de")
    for text in texts or translations:
        made.add(text, translations.get(text))
    return made


def test_gathering_again_keeps_what_is_translated_even_what_is_gone_for_a_while(tmp_path: Path) -> None:
    path = tmp_path / "de" / "LC_MESSAGES" / "django.po"
    messages.write(path, messages.merged(a_catalog(Skip="Auslassen", Rank="Rang"), a_catalog("Skip", "New")))
    between = messages.read(path)
    assert {one.id: one.string for one in between if one.id} == {"Skip": "Auslassen", "New": ""}
    assert [one.id for one in messages.untranslated(between)] == ["New"]
    messages.write(path, messages.merged(between, a_catalog("Skip", "Rank")))
    assert {one.id: one.string for one in messages.read(path) if one.id} == {"Skip": "Auslassen", "Rank": "Rang"}


def test_what_is_written_has_no_dates_and_no_line_numbers(tmp_path: Path) -> None:
    path = tmp_path / "de" / "LC_MESSAGES" / "django.po"
    found = Catalog()
    found.add("Skip", locations=[("annotate/some.py", 17)])
    messages.write(path, messages.merged(Catalog(locale="de"), found))
    assert not re.search(r"\d\d:\d\d|Date|some\.py:", path.read_text())
    assert "#: annotate/some.py\n" in path.read_text()


def test_catalogues_are_compiled_from_their_sources_alone_and_once(tmp_path: Path) -> None:
    source = tmp_path / "de" / "LC_MESSAGES" / "django.po"
    messages.write(source, a_catalog(Skip="Auslassen"))
    assert messages.compile_stale(tmp_path) == [source]
    assert messages.compile_stale(tmp_path) == []
    assert gettext.translation("django", tmp_path, ["de"]).gettext("Skip") == "Auslassen"
    assert sorted(path.name for path in source.parent.iterdir()) == ["django.mo", "django.po"]


# --- Who reads what --------------------------------------------------------------------------------------------------


def language_of(client: Client, path: str = "", **headers: str) -> str:
    page = client.get(path or reverse("sign-in"), headers=headers).text
    found = re.search(r'<html lang="([\w-]+)" dir="(\w+)"', page)
    assert found is not None
    assert found[2] == ("rtl" if found[1] == "ar" else "ltr")
    return found[1]


@pytest.mark.django_db
class TestReading:
    @pytest.mark.parametrize(
        ("asked", "given"),
        [("", "en"), ("de-AT,en;q=0.5", "de"), ("ar", "ar"), ("tlh", "en"), ("tlh, ar;q=0.3", "ar"), ("%%;q=x", "en")],
    )
    def test_the_browser_is_asked_and_an_unknown_language_is_english(self, asked: str, given: str) -> None:
        assert language_of(Client(), accept_language=asked) == given

    @every_language
    def test_a_page_speaks_the_language_it_says(self, language: str) -> None:
        page = Client(headers={"accept-language": language}).get(reverse("sign-in"))
        with translation.override(language):
            word = translation.gettext("Sign in")
        assert word != "Sign in"
        assert f"<h1>{word}</h1>" in page.text
        assert page["Content-Language"] == language

    @pytest.mark.parametrize(("own", "given"), [("ar", "ar"), ("", "de"), ("xx", "de")])
    def test_ones_own_setting_goes_before_the_browser(self, own: str, given: str) -> None:
        client = client_of(factories.a_user(language=own))
        assert language_of(client, reverse("home"), accept_language="de") == given

    def test_ones_own_setting_is_read_with_the_person(self) -> None:
        client = client_of(factories.a_user(language="ar"))
        with CaptureQueriesContext(connection) as asked:
            client.get(reverse("tokens"))
        assert len([one for one in asked.captured_queries if 'FROM "annotate_user"' in one["sql"]]) == 1

    def test_who_is_not_signed_in_chooses_by_a_press(self) -> None:
        client = Client()
        there = client.post(reverse("language"), {"language": "ar", "next": reverse("sign-in") + "?next=/tokens/"})
        assert (there.status_code, there["Location"]) == (303, reverse("sign-in") + "?next=/tokens/")
        assert language_of(client, accept_language="de") == "ar"

    def test_a_choice_is_kept_with_the_person_and_can_be_left_to_the_browser(self) -> None:
        kim = factories.a_user()
        client = client_of(kim)
        for chosen, shown in (("ar", "ar"), ("", "de")):
            client.post(reverse("language"), {"language": chosen})
            assert User.objects.get(pk=kim.pk).language == chosen
            assert language_of(client, reverse("home"), accept_language="de") == shown

    @pytest.mark.parametrize(
        "back", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:1", ""]
    )
    def test_choosing_never_leads_to_another_site(self, back: str) -> None:
        answer = Client().post(reverse("language"), {"language": "de", "next": back})
        assert answer["Location"] == reverse("home")

    def test_a_language_that_there_is_not_is_refused_and_looking_changes_nothing(self) -> None:
        client = Client()
        assert client.post(reverse("language"), {"language": "tlh"}).status_code == 400
        assert client.get(reverse("language"), {"language": "de"}).status_code == 405
        assert settings.LANGUAGE_COOKIE_NAME not in client.cookies

    def test_a_database_that_is_away_is_told_as_such(self, monkeypatch: pytest.MonkeyPatch) -> None:
        client = client_of(factories.a_user())

        def away(*_args: object) -> None:
            raise OperationalError("away")

        monkeypatch.setattr("django.contrib.auth.middleware.get_user", away)
        assert client.get(reverse("home")).status_code == 503
        assert client.get(reverse("healthz")).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_reading_from_right_to_left_the_keys_follow_the_eye(page: Page, live_server: object) -> None:
    """The response after the first one stands to its left: so the left key goes there, and the help says so."""
    work = factories.a_queue(kind="rank")
    factories.a_task(work)
    kim = factories.a_member(work.project, factories.a_user(language="ar"))
    let_in(page.context, kim, str(live_server))
    page.goto(reverse("work", args=[work.pk]))
    page.locator("main button.primary").click()
    page.wait_for_selector("#panel")
    page.wait_for_load_state()  # the keys' scripts are in
    first, second = (page.locator(f"#response-{letter}") for letter in "ab")
    first.focus()
    page.keyboard.press("ArrowLeft")
    expect(second).to_be_focused()
    assert page.evaluate("document.dir") == "rtl"
    page.keyboard.press("ArrowRight")
    expect(first).to_be_focused()
    with translation.override("ar"):
        words = translation.gettext("Response before, response after")
    line = page.locator("#keys div", has_text=words).locator("kbd")
    assert line.all_text_contents() == ["→", "←"]

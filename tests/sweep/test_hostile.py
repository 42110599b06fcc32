"""Two hundred payloads in every word that people and files give, on every page, in every role: nothing runs."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from tests.pages.desk import let_in
from tests.pages.payloads import PAYLOADS
from tests.sweep.stage import a_stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Dialog, Page

pytestmark = pytest.mark.django_db(transaction=True)
#: Names are short and hold one; where there is room, that many stand together.
TOGETHER = 25


def hostile() -> Callable[[str], str]:
    """Instead of any word: payloads, each time begun one further on, for a short field holds but the first."""
    payloads = [one.replace("\0", "") for one in PAYLOADS]
    start = count()

    def say(_ordinary: str) -> str:
        first = next(start)
        return "\n\n".join(payloads[(first + nth) % len(payloads)] for nth in range(TOGETHER))

    return say


def test_there_are_two_hundred() -> None:
    assert len(set(PAYLOADS)) >= 200


@pytest.mark.parametrize("who", ["anonymous", "annotator", "reviewer", "manager", "owner"])
def test_nothing_runs_on_any_page(page: Page, live_server: object, who: str) -> None:
    """The `page` fixture fails the test on a script error, a CSP complaint or a request to another host."""
    here = a_stage(hostile())
    if who != "anonymous":
        let_in(page.context, here.people[who], str(live_server))
    opened: list[str] = []

    def note(dialog: Dialog) -> None:
        opened.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    for address in here.addresses(who):
        answer = page.goto(address)
        assert answer is not None and answer.status < 500, address
        assert page.evaluate("() => document.querySelectorAll('main script, main iframe, main base').length") == 0
    assert opened == []

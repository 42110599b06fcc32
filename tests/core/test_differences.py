"""What changed between two texts: nothing is lost, words are words, and it never takes long."""

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.differences import Run, as_html, sides_as_html, words

TEXTS = st.text(st.sampled_from("ab ,.\n你好é\u0301"), max_size=40) | st.text(max_size=40)


@given(TEXTS, TEXTS)
def test_both_texts_can_be_read_off(old, new):
    runs = words(old, new)
    assert "".join(run.text for run in runs if run.how != "added") == old
    assert "".join(run.text for run in runs if run.how != "removed") == new
    assert all(run.text for run in runs)
    assert all(one.how != other.how for one, other in pairwise(runs))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", []),
        ("same", "same", [("kept", "same")]),
        ("", "new", [("added", "new")]),
        ("old", "", [("removed", "old")]),
        ("The cat sat.", "The dog sat.", [("kept", "The "), ("removed", "cat "), ("added", "dog "), ("kept", "sat.")]),
        ("A cat.", "A cat, too.", [("kept", "A cat"), ("added", ", too"), ("kept", ".")]),
        ("one\ntwo", "one two", [("kept", "one"), ("removed", "\n"), ("added", " "), ("kept", "two")]),
        ("今天很好", "今天不好", [("kept", "今天"), ("removed", "很"), ("added", "不"), ("kept", "好")]),
    ],
)  # fmt: skip
def test_words_are_compared_and_not_letters(old, new, expected):
    assert words(old, new) == [Run(how, text) for how, text in expected]


def test_a_lone_comma_between_large_changes_goes_with_them():
    runs = words("Begin. Green apples, and pears. End.", "Begin. Other things, but stones. End.")
    assert [run.how for run in runs] == ["kept", "removed", "added", "kept"]


LONG = " ".join(f"word{number % 700}" for number in range(2_600))
PAIRS = {
    "the same but one": (LONG, LONG.replace("word300", "other", 1)),
    "every second word": (" ".join(f"a{n} c{n}" for n in range(2_000)), " ".join(f"b{n} c{n}" for n in range(2_000))),
    "nothing in common": (LONG, LONG.upper()),
    "one word": ("the " * 5_000, "the " * 4_000 + "end"),
    "turned around": (LONG, " ".join(reversed(LONG.split()))),
    "signs": ("(){};" * 4_000, "{}();" * 4_000),
    "one long word": ("a" * 20_000, "b" * 20_000),
    "Chinese": ("你好、世界。" * 1_100, "世界、你好。" * 1_100),
    "lines": ("a\nb\n" * 5_000, "b\na\n" * 5_000),
}


@pytest.mark.parametrize("name", PAIRS)
def test_twenty_thousand_characters_never_blow_up(name):
    """A fifth of a second is usual; a search gone quadratic would take minutes."""
    old, new = PAIRS[name]
    before = time.thread_time()
    runs = words(old, new)
    assert time.thread_time() - before < 10
    assert "".join(run.text for run in runs if run.how != "added") == old


def test_very_long_texts_are_compared_by_line():
    old = "\n".join(f"line {number} of many words, all the same in each of them" for number in range(3_000))
    runs = words(old, old.replace("line 7 of", "row 7 of"))
    assert Run("removed", "line 7 of many words, all the same in each of them\n") in runs


def test_html_is_escaped_and_tells_of_both_ends_in_hidden_words():
    html = as_html("a <b>bold</b> move", "a <script>bad</script> move")
    assert html.startswith("a &lt;") and html.endswith(" move")
    assert "<b>" not in html and "<script>" not in html
    assert re.search(r'<del><span class="visually-hidden">removed: </span>b', html)
    assert re.search(r'<ins><span class="visually-hidden">added: </span>script', html)
    assert html.count("end of") == html.count("<del>") + html.count("<ins>")
    assert re.sub(r"<ins>.*?</ins>|<span.*?</span>|</?del>", "", html) == "a &lt;b&gt;bold&lt;/b&gt; move"


def test_two_peers_are_marked_alike():
    left, right = sides_as_html("The <cat> sat", "The dog sat")
    assert re.sub("<span.*?</span>", "", left) == "The <mark>&lt;cat&gt;</mark> sat"
    assert re.sub("<span.*?</span>", "", right) == "The <mark>dog</mark> sat"


def test_a_change_of_white_space_alone_is_not_marked():
    assert as_html("one two", "one\n\ntwo") == "one\n\ntwo"

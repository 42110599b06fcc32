"""Hostile text in, safe HTML out; and each text rendered once."""

import re
import threading
import time

import pytest

from annotate import rendering
from annotate.models import Rendering
from annotate.rendering import maths
from annotate.rendering.cleaning import MATH, TAGS, cleaner
from annotate.rendering.colours import coloured
from tests.pages.payloads import PAYLOADS

ELEMENT = re.compile(r"<(/?[^\s<>/]+)([^<>]*)>")
ATTRIBUTE = re.compile(r"([\w-]+)=")
ATTRIBUTES = {
    *("href", "rel", "target", "class", "start", "dir", "display", "mathvariant", "stretchy", "symmetric", "largeop"),
    *("movablelimits", "fence", "separator", "lspace", "rspace", "minsize", "maxsize", "form", "width", "displaystyle"),
    *("scriptlevel", "linethickness", "accent", "accentunder", "columnalign", "columnlines", "rowlines", "notation"),
}


@pytest.mark.parametrize("text", PAYLOADS)
def test_nothing_hostile_passes(text):
    html = rendering.to_html(text)
    for name, attributes in ELEMENT.findall(html):
        assert name.lstrip("/") in TAGS | MATH
        assert {*ATTRIBUTE.findall(re.sub(r'"[^"]*"', "", attributes))} <= ATTRIBUTES
    assert not re.search(r'href="(?!https?://|mailto:)', html, re.IGNORECASE)
    assert html.startswith('<pre class="plain">') or cleaner().clean(html) == html


def test_what_people_need_renders():
    html = rendering.to_html("# Head\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- one\n\n```python\nx = 'y'\n```\n\n~~no~~")
    assert '<h3 dir="auto">Head</h3>' in html and "<li>one</li>" in html
    assert "<td>1</td>" in html and "<s>no</s>" in html
    assert '<span class="s1">' in html and 'class="language-python"' in html
    assert "[image: a cat]" in rendering.to_html("![a cat](https://x.example/cat.png)")
    tasks = rendering.to_html("- [ ] buy\n- [x] *cook*")
    assert "<li>☐ buy</li>" in tasks and "<li>☑ <em>cook</em></li>" in tasks


def test_links_lead_out_in_a_tab_of_their_own_and_never_into_these_pages():
    html = rendering.to_html("[x](https://x.example) [y](/sign-out/) [z](//x.example)")
    assert '<a href="https://x.example" target="_blank" rel="noopener noreferrer nofollow">x</a>' in html
    assert html.count("href") == 1


# --- Formulas --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "$x^2$",
        "the $n$th",
        "設$x$為",
        "$$x$$",
        r"\(x\)",
        r"\[x\]",
        "so\n$$\nx\n= 1\n- 2\n$$\nand",
        "$$\n\nx\n\n$$",
        "\\begin{align}\nx &= 1 \\\\\ny &= 2\n\\end{align}",
        "> $$\n> x\n> $$",
        "1. so\n   \\[\n   x\n   \\]",
        "| $x$ |\n|-|\n| 1 |",
        "**$x$**",
        "[$x$](https://x.example)",
    ],
)
def test_formulas_are_found_where_people_write_them(text):
    html = rendering.to_html(text)
    assert html.count("<math") == html.count("</math>") == 1
    assert "<mi>x</mi>" in html or "<msup><mi>x</mi>" in html or "<mi>n</mi>" in html
    assert "$" not in html and "\\" not in html


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and $10.",
        "$5-$10",
        "US$5 or A$6",
        "$5 for one and 6$ for two",
        "from $ 5 to $ 6",
        r"\$x\$",
        "`$x$`",
        "```\n$x$\n```",
        "    $$\n    x\n    $$",
        "$HOME/bin:$PATH",
        "a $$\nb\n\nc $$ d",
        "$5k",
        "100$",
        r"\\(x\\)",
    ],
)
def test_prices_and_code_are_no_formulas(text):
    assert "<math" not in rendering.to_html(text)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (r"$\ce{H2O}$", r'<p dir="auto">$\ce{H2O}$</p>'),
        (r"\(\frac{<b>}\)", r'<p dir="auto">\(\frac{&lt;b&gt;}\)</p>'),
        ("$$\n\\nope{<script>}\n$$", "<pre><code>$$\n\\nope{&lt;script&gt;}\n$$</code></pre>"),
        (r"$\def\x{1}\x$", r'<p dir="auto">$\def\x{1}\x$</p>'),
    ],
)
def test_a_formula_that_can_not_be_shown_is_shown_as_it_was_written(source, shown):
    assert rendering.to_html(source).strip() == shown


@pytest.mark.parametrize(
    "latex",
    [
        r"\frac{-b \pm \sqrt{b^2 - 4ac}}{2a}",
        r"\int_0^\infty e^{-x^2}\,dx = \frac{\sqrt{\pi}}{2}",
        r"\mathbb{E}_{x\sim D}\left[\log\sigma\left(r_\theta(x)\right)\right]",
        r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}",
        r"\begin{cases} x & \text{if $x > 0$} \\ -x & \text{otherwise} \end{cases}",
        r"\begin{align} x &= 1 \tag{2} \\ y &= 2 \label{eq} \nonumber \end{align}",
        r"\begin{split} a &= b \\ &= c \end{split}",
        r"\sum_{\substack{i<n \\ j<m}} x_{ij} \qed",
        r"\boxed{\text{yes}} \quad \cancel{x} \quad \overline{AB} \quad \operatorname*{arg\,max}_x",
        r"\begin{array}{c|c} 1 & 2 \\ \hline 3 & 4 \end{array}",
        r"\xrightarrow{f} \binom{n}{k} \pmod{n} \hat{y} 50\% \$5",
    ],
)
def test_what_models_write_most_comes_out_whole_and_the_second_lock_agrees(latex):
    mathml = maths.to_mathml(latex, display=True)
    assert mathml is not None
    cleaned = cleaner().clean(mathml)
    elements = re.compile(r"<(\w+)")
    assert elements.findall(cleaned) == elements.findall(mathml)
    assert cleaner().clean(cleaned) == cleaned
    assert " style=" not in mathml and " class=" not in mathml


def test_no_formula_is_numbered_or_coloured():
    equations, red = maths.to_mathml(r"\begin{align} x &= 2 \\ y &= 3 \end{align}"), maths.to_mathml(r"\color{red} x")
    assert equations and "(1)" not in equations
    assert red and "FF0000" not in red


def test_markup_in_a_formula_is_text():
    html = rendering.to_html(r"$\text{<img src=x onerror=alert(1)>}$")
    assert "<mtext>&lt;img" in html and "<img" not in html


# --- Bounds ----------------------------------------------------------------------------------------------------------

FULL = rendering.LONGEST - 1


def full_of(text: str) -> str:
    return (text * (FULL // len(text) + 1))[:FULL]


SLOW = {
    "brackets": full_of("["),
    "images": full_of("!["),
    "references": full_of("[a]["),
    "links": full_of("[a](b "),
    "emphasis": full_of("*a_ "),
    "code": "".join("`" * length + " " for length in range(1, 440)),
    "quotes": full_of("> "),
    "nested quotes": "\n".join("> " * depth + "a" for depth in range(300)),
    "nested lists": "\n".join("  " * depth + "- a" for depth in range(430)),
    "list": full_of("- a\n"),
    "missing cells": "|a" * 900 + "|\n" + "|-" * 900 + "|\n" + "|\n" * 40_000,
    "rows": "|a|b|\n|-|-|\n" + full_of("|x|y|\n")[:-20],
    "definitions": "".join(f"[a{number}]: b\n" for number in range(8_000)),
    "fences": full_of("```\n"),
    "headings": full_of("a\n=\n"),
    "entities": full_of("&#1;"),
    "dollars": full_of("$"),
    "openings": full_of("$a "),
    "almost": full_of("$a$1"),
    "lines of dollars": full_of("$$a\n\n"),
    "brackets of formulas": full_of("\\[a\n"),
    "round brackets": full_of("\\(a "),
    "environments": full_of("\\begin{align}\n\n"),
    "quoted environments": full_of("> \\begin{align}\n"),
    "primes": full_of("$" + "'" * 3_990 + "$ "),
    "cells": full_of("$$\\begin{matrix}" + "&" * 3_900 + "\\end{matrix}$$ "),
    "many formulas": full_of("$\\alpha$ "),
    "deep formulas": full_of("$" + "x^{" * 19 + "y" + "}" * 19 + "$ "),
    "python": "```python\n" + ("'''" * 6_000) + "\n```\n```html\n" + "<a " * 6_000 + "\n```",
}


@pytest.mark.parametrize("name", SLOW)
def test_no_text_takes_out_of_all_proportion(name):
    """A second at most on a quiet machine; what grows with the square would take a minute."""
    before = time.thread_time()
    html = rendering.to_html(SLOW[name])
    assert time.thread_time() - before < 5
    assert len(html) < 3_000_000


@pytest.mark.parametrize(
    "formula",
    [
        *(f"{opening}{{" * 600 + "x" + "}" * 600 for opening in (r"\sqrt", r"\frac{1}", r"\mathbb", "x^", r"\text")),
        r"\sqrt" * 790 + "x",
        r"\frac1" * 660 + "x",
        r"\hat " * 790 + "x",
        r"\left(" * 300 + r"\right)" * 300,
        r"\begin{matrix}" * 120 + "x" + r"\end{matrix}" * 120,
        r"\newcommand{\a}{\sqrt{\sqrt{\sqrt{\sqrt{x}}}}}" + r"\a" * 100,
        r"\gdef\a#1{\sqrt{#1}}" + r"\a" * 300 + "x",
        r"\textcolor{red}" * 250 + "x",
        r"a\over" * 500,
    ],
)
def test_no_formula_runs_out_of_stack(formula):
    """It would end the process: the converter recurses in native code. 512 kB is the smallest stack threads get."""
    found = []
    size = threading.stack_size(512 * 1024)
    try:
        thread = threading.Thread(target=lambda: found.append(maths.to_mathml(formula)))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
    assert len(found) == 1


@pytest.mark.parametrize("language", ["kotlin", "makefile", "javascript", "tsx", "go", "r"])  # the slowest listed
@pytest.mark.parametrize("code", ["(" * 20_000, "'" * 20_000, "a.b<" * 5_000, '\\"/*' * 5_000, " \t" * 9_000 + "x"])
def test_no_code_takes_long_to_colour(language, code):
    before = time.thread_time()
    coloured(code, language, before + 0.3)
    assert time.thread_time() - before < 5


def test_a_language_nobody_listed_stays_black():
    assert "<span" not in rendering.to_html("```brainfuck\n+++\n```")


@pytest.mark.parametrize(
    "text", ["", "\n", "[" * 20_000, "*" * 30_000, "> " * 5_000, "a" * 10_000, "\u202eevil", "```" * 9_000, "|" * 9_999]
)
def test_odd_texts_never_fail(text):
    assert isinstance(rendering.to_html(text), str)


def test_a_very_long_text_is_shown_as_it_is():
    html = rendering.to_html("<b>" + "x" * rendering.LONGEST)
    assert html.startswith('<pre class="plain">&lt;b&gt;x')


# --- Once ------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_each_text_is_rendered_once_and_again_under_new_rules(monkeypatch):
    first = rendering.rendered(["*a*", "*b*"])
    assert first["*a*"] == '<p dir="auto"><em>a</em></p>\n'
    monkeypatch.setattr(rendering, "to_html", lambda text: pytest.fail("rendered twice"))
    assert rendering.rendered(["*a*", "*b*"]) == first
    monkeypatch.undo()
    Rendering.objects.update(rules=rendering.RULES + 1, html="other rules")
    assert rendering.rendered(["*a*"])["*a*"] == first["*a*"]
    assert Rendering.objects.get(digest=rendering.digest_of("*a*")).rules == rendering.RULES

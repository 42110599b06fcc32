"""Hostile text in, safe HTML out; and each text rendered once."""

import re

import nh3
import pytest

from annotate import rendering
from annotate.models import Rendering

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x></svg>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<form action=//evil><button>x</button></form>",
    "<base href=//evil/>",
    "<meta http-equiv=refresh content='0;url=//evil'>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:msgbox(1))",
    "![x](https://evil.example/pixel.png)",
    "![x](data:image/svg+xml,<svg onload=alert(1)>)",
    "![x][r]\n\n[r]: https://evil.example/pixel.png",
    "<div hx-get=/x hx-trigger=load>x</div>",
    "<div data-hx-get=/x style='background:url(//evil)' id=main name=key>x</div>",
    '```html" onmouseover=alert(1)\n<script>alert(1)</script>\n```',
    "```python\n'<img src=x onerror=alert(1)>'\n```",
    "`<script>alert(1)</script>`",
    "<!-- --><script>alert(1)</script>",
    "<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)></style></mglyph></math>",
    '[x](https://ok.example/"onmouseover="alert(1))',
    '<https://ok.example/"onclick=alert(1)>',
    "[a]: javascript:alert(1)\n\n[a]",
    "{{ 7*7 }} {% include 'x' %} ${7*7}",
    "| a | b |\n|---|---|\n| <script>alert(1)</script> | ![](//evil/x) |",
]

FORBIDDEN_TAGS = re.compile(
    r"<(script|img|svg|math|iframe|form|base|meta|style|link|object|embed|button|input)\b", re.IGNORECASE
)
FORBIDDEN_ATTRIBUTES = re.compile(r"\s(on\w+|style|id|name|src|srcset|hx-[\w-]+|data-[\w-]+)\s*=", re.IGNORECASE)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_passes(text):
    html = rendering.to_html(text)
    tags = " ".join(re.findall(r"<[^>]*>", html))
    assert not FORBIDDEN_TAGS.search(html)
    assert not FORBIDDEN_ATTRIBUTES.search(tags)
    assert not re.search(r'href="(?!https?:|mailto:)', html, re.IGNORECASE)
    allowed = nh3.clean(
        html, tags=rendering.TAGS, attributes=rendering.ATTRIBUTES, url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )  # fmt: skip
    assert allowed == html


def test_what_people_need_renders():
    html = rendering.to_html("# Head\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- one\n\n```python\nx = 'y'\n```\n\n~~no~~")
    assert "<h3>Head</h3>" in html and "<td>1</td>" in html and "<li>one</li>" in html and "<s>no</s>" in html
    assert '<span class="s1">' in html and 'class="language-python"' in html
    assert "[image: a cat]" in rendering.to_html("![a cat](https://x.example/cat.png)")


@pytest.mark.parametrize(
    "text", ["", "\n", "[" * 20_000, "*" * 30_000, "> " * 5_000, "a" * 10_000, "\u202eevil", "```" * 9_000, "|" * 9_999]
)
def test_odd_texts_never_fail(text):
    assert isinstance(rendering.to_html(text), str)


def test_a_very_long_text_is_shown_as_it_is():
    html = rendering.to_html("<b>" + "x" * rendering.LONGEST)
    assert html.startswith('<pre class="plain">&lt;b&gt;x')


@pytest.mark.django_db
def test_each_text_is_rendered_once_and_again_under_new_rules(monkeypatch):
    first = rendering.rendered(["*a*", "*b*"])
    assert first["*a*"] == "<p><em>a</em></p>\n"
    monkeypatch.setattr(rendering, "to_html", lambda text: pytest.fail("rendered twice"))
    assert rendering.rendered(["*a*", "*b*"]) == first
    monkeypatch.undo()
    Rendering.objects.update(rules=rendering.RULES + 1, html="other rules")
    assert rendering.rendered(["*a*"])["*a*"] == first["*a*"]
    assert Rendering.objects.get(digest=rendering.digest_of("*a*")).rules == rendering.RULES

"""What may be in rendered text, and nothing else: the second lock behind the Markdown parser."""

from functools import cache

import nh3

TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "em", "strong", "s", "blockquote", "a"),
    *("ul", "ol", "li", "pre", "code", "span", "div"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
#: The presentation elements of MathML Core that formulas are made of, and `menclose` for boxes and strokes.
#: Left out: annotation-xml, which may hold HTML, and maction, which acts.
MATH = {
    *("math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "ms", "mphantom", "mpadded", "merror", "mstyle"),
    *("mfrac", "msqrt", "mroot", "msub", "msup", "msubsup", "munder", "mover", "munderover", "mmultiscripts"),
    *("mprescripts", "mtable", "mtr", "mtd", "menclose"),
}
# `class` is only what the colouring of code writes; ids, styles, data-* and hx-* never pass ("*": nh3's own extras).
ATTRIBUTES = {"*": set(), "a": {"href"}, "ol": {"start"}, "span": {"class"}, "code": {"class"}}

_TRUTH = {"true", "false"}
_SPACES = {"0", "0.1667em", "0.2222em", "0.2778em"}
_SIZES = {"1.2em", "1.623em", "2.047em", "2.470em"}
_WIDTHS = {
    *("0.16666667em", "0.1667em", "0.22222222em", "0.2222em", "0.2777778em", "0.2778em", "0.33333334em", "0.4286em"),
    *("0.44444445em", "0.5em", "0.6666667em", "1em", "2em", "3.5em"),
}
_OPERATOR = {
    **dict.fromkeys(["stretchy", "symmetric", "largeop", "movablelimits", "fence", "separator"], _TRUTH),
    **dict.fromkeys(["lspace", "rspace"], _SPACES),
    **dict.fromkeys(["minsize", "maxsize"], _SIZES),
    "form": {"prefix", "infix", "postfix"},
}
_STYLE = {"displaystyle": _TRUTH, "scriptlevel": {"0", "1", "2"}}
#: Attributes of which only these values pass; a formula can ask for no size that would leave its place.
VALUES: dict[str, dict[str, set[str]]] = {
    **{tag: {"dir": {"auto"}} for tag in ("p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "table")},
    "pre": {"class": {"plain"}},
    "math": {"display": {"block"}},
    "mi": {"mathvariant": {"normal"}},
    "mo": _OPERATOR,
    "mspace": {"width": _WIDTHS},
    "mrow": _STYLE,
    "mstyle": _STYLE,
    "mtable": _STYLE,
    "mfrac": _STYLE | {"linethickness": {"0"}},
    "mover": {"accent": _TRUTH},
    "munder": {"accentunder": _TRUTH},
    "munderover": {"accent": _TRUTH, "accentunder": _TRUTH},
    "mtd": {"columnalign": {"left", "right"}, "columnlines": {"solid"}, "rowlines": {"solid"}},
    "menclose": {"notation": {"box", "updiagonalstrike", "downdiagonalstrike", "horizontalstrike"}},
}


@cache
def cleaner() -> nh3.Cleaner:
    """Keeps the above. Links lead elsewhere, in a tab of their own, and don't say whence."""
    return nh3.Cleaner(
        tags=TAGS | MATH,
        attributes=ATTRIBUTES,
        tag_attribute_values=VALUES,
        set_tag_attribute_values={"a": {"target": "_blank"}},
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )

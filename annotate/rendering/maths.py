"""LaTeX formulas as MathML, by math-core: strict, so that a formula is either right or shown as it was written.

Everything is bounded first. The converter recurses in native code, where running out of stack ends the process.
"""

import re
from functools import cache

from math_core import LatexError, LatexToMathML

#: Characters of one formula. A page of aligned steps has about 1,500.
LONGEST = 4_000
#: Braces within braces, and commands; together they bound the converter's recursion (it holds 400 in 512 kB of stack).
DEEPEST = 20
MOST_COMMANDS = 400
#: A formula may grow this much: x is "<mi>x</mi>".
MOST_OUTPUT = 100_000

#: Definitions could make a small formula a deep one.
_DEFINITION = re.compile(r"\\(?:[egx]?def|let|futurelet|csname|\w*newcommand|\w*renewcommand|\w*DeclareMathOperator)\b")
_COMMAND = re.compile(r"\\[A-Za-z]")
_BRACES = re.compile(r"\\.|[{}]", re.DOTALL)


def to_mathml(latex: str, *, display: bool = False) -> str | None:
    """A formula as a `<math>` element; None for one that is wrong, unknown or too much to convert."""
    if not latex.strip() or not _is_bounded(latex):
        return None
    try:
        mathml = _converter().convert_with_local_state(_simplified(latex), displaystyle=display)
    except LatexError:
        return None
    return _plain(mathml) if len(mathml) <= MOST_OUTPUT else None


def _is_bounded(latex: str) -> bool:
    if len(latex) > LONGEST or len(_COMMAND.findall(latex)) > MOST_COMMANDS or _DEFINITION.search(latex):
        return False
    depth = deepest = 0
    for brace in _BRACES.findall(latex):
        depth += (brace == "{") - (brace == "}")
        deepest = max(deepest, depth)
    return deepest <= DEEPEST


@cache
def _converter() -> LatexToMathML:
    return LatexToMathML(fancy_error=False, max_expansions=MOST_COMMANDS, allow_unreliable_rendering=True, macros=_MORE)


# --- What people write and the converter does not know ---------------------------------------------------------------

_MORE = {
    "substack": r"\begin{matrix}#1\end{matrix}",
    "mbox": r"\text{#1}",
    "qed": r"\blacksquare",
    "sgn": r"\operatorname{sgn}",
    "tr": r"\operatorname{tr}",
    "Var": r"\operatorname{Var}",
    "Cov": r"\operatorname{Cov}",
    "softmax": r"\operatorname{softmax}",
    "euro": "€",
    "degree": r"^\circ",
}
_GONE = re.compile(r"\\(?:label\s*\{[^{}]*\}|(?:nonumber|notag)(?![A-Za-z])|require\s*\{[^{}]*\})")
_TAG = re.compile(r"\\tag\*?\s*\{([^{}]*)\}")
#: Equations aren't numbered: each formula stands alone, and a number of ours would mislead.
_NUMBERED = re.compile(r"\\(begin|end)\s*\{(align|alignat|equation|gather|multline)\}")
_OTHER_NAMES = {"split": "aligned", "eqnarray": "aligned", "eqnarray*": "aligned", "smallmatrix": "matrix"}
_RENAMED = re.compile(r"\\(begin|end)\s*\{(split|eqnarray\*?|smallmatrix)\}")
_MATH_IN_TEXT = re.compile(r"\\text\s*\{([^{}$]*)\$([^{}$]*)\$([^{}$]*)\}")


def _simplified(latex: str) -> str:
    if "\\" not in latex:
        return latex
    latex = _GONE.sub("", latex)
    latex = _TAG.sub(r"\\qquad\\text{(\1)}", latex)
    latex = _NUMBERED.sub(r"\\\1{\2*}", latex)
    latex = _RENAMED.sub(lambda found: f"\\{found[1]}{{{_OTHER_NAMES[found[2]]}}}", latex)
    return _MATH_IN_TEXT.sub(r"\\text{\1}{\2}\\text{\3}", latex)


# --- Only elements and attributes that pass: styles as attributes that our stylesheet knows --------------------------

_STYLE = re.compile(r' style="([^"]*)"')
_HTML_OR_CLASS = re.compile(r"</?(?:a|b|i|u|em|strong|code|span)\b[^>]*>| class=\"[^\"]*\"")
_LOOKS = [
    ("text-align: right", ' columnalign="right"'),
    ("text-align: left", ' columnalign="left"'),
    ("border-right", ' columnlines="solid"'),
    ("border-top", ' rowlines="solid"'),
]


def _plain(mathml: str) -> str:
    # Colours go: no response is to stand out by them.
    mathml = _STYLE.sub(lambda found: "".join(look for style, look in _LOOKS if style in found[1]), mathml)
    return _HTML_OR_CLASS.sub("", mathml)

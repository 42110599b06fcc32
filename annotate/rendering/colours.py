"""Code with its words marked by what they are, for the stylesheet to colour."""

from collections.abc import Iterator
from functools import cache, lru_cache
from io import StringIO
from time import thread_time
from typing import Any

from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

LONGEST = 20_000
#: Seconds of processor time for all the code of one text. Much of Pygments is quadratic in what is made for that.
TOO_SLOW = 0.3
#: What people ask models about. Others of Pygments' 500 stay black.
LANGUAGES = {
    *("python", "py", "python3", "pycon", "javascript", "js", "jsx", "typescript", "ts", "tsx", "java", "kotlin", "kt"),
    *("c", "cpp", "c++", "csharp", "c#", "cs", "go", "golang", "rust", "rs", "swift", "dart", "scala", "ruby", "rb"),
    *("php", "r", "julia", "lua", "haskell", "hs", "elixir", "clojure", "matlab", "fortran", "sql", "mysql"),
    *("postgresql", "sqlite3", "bash", "sh", "shell", "zsh", "console", "powershell", "html", "xml", "css", "scss"),
    *("json", "yaml", "yml", "toml", "ini", "diff", "docker", "dockerfile", "make", "makefile", "graphql", "nginx"),
}


class _TooSlow(Exception):
    """Code that was made to take long."""


def coloured(code: str, language: str, until: float) -> str | None:
    """Code as HTML with classes; None where it stays as it is. `until`: when the thread's clock ends the work."""
    lexer = _lexer(language.lower()) if len(code) <= LONGEST else None
    if lexer is None:
        return None
    html = StringIO()
    try:
        _formatter().format(_watched(lexer, code, until), html)
    except _TooSlow:
        return None
    return html.getvalue()


def _watched(lexer: Lexer, code: str, until: float) -> Iterator[tuple[Any, str]]:
    for token in lexer.get_tokens(code):
        if thread_time() > until:
            raise _TooSlow
        yield token


@lru_cache(maxsize=128)
def _lexer(language: str) -> Lexer | None:
    try:
        return get_lexer_by_name(language) if language in LANGUAGES else None
    except ClassNotFound:
        return None


@cache
def _formatter() -> HtmlFormatter[str]:
    return HtmlFormatter(nowrap=True)

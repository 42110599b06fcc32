"""The words of the pages in other languages.

`python -m config.messages extract` gathers every text from Python and templates into the catalogues,
`python -m config.messages compile` makes of them what Django reads.

The sources are locale/<language>/LC_MESSAGES/django.po. What is compiled lies beside them and is never committed.
Babel does both, so no GNU gettext is needed. For a new language: a folder in locale/, a line in settings.LANGUAGES, and
`extract`.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "locale"
ROOMS = ("annotate", "config", "rankings", "templates")  # where there are words
KEYWORDS = DEFAULT_KEYWORDS | {f"{name}_lazy": DEFAULT_KEYWORDS[name] for name in DEFAULT_KEYWORDS if "gettext" in name}


def main(arguments: list[str]) -> int:
    """Do what is asked, and say what became of it; 2 for a wrong call."""
    if arguments == ["compile"]:
        said = [f"{path.relative_to(LOCALE)}: compiled" for path in compile_stale()]
    elif arguments == ["extract"]:
        said = update()
    else:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    sys.stdout.writelines(f"{line}\n" for line in said)
    return 0


# --- Compiling -------------------------------------------------------------------------------------------------------


def compile_stale(locale: Path = LOCALE) -> list[Path]:
    """Compile each catalogue that is newer than what was made of it; these are returned.

    Raises `babel.messages.pofile.PoFileError` for a file that can't be read.
    """
    stale = [path for path in sorted(locale.glob("*/LC_MESSAGES/django.po")) if _is_stale(path)]
    for path in stale:
        _compile(path)
    return stale


def _is_stale(source: Path) -> bool:
    made = source.with_suffix(".mo")
    return not made.exists() or made.stat().st_mtime < source.stat().st_mtime


def _compile(source: Path) -> None:
    """Whole or not at all: several processes may do it at once, while others read."""
    with NamedTemporaryFile(dir=source.parent, suffix=".new", delete=False) as file:
        write_mo(file, read(source))
    written = Path(file.name)
    written.chmod(0o644)
    written.replace(source.with_suffix(".mo"))


# --- Extracting ------------------------------------------------------------------------------------------------------


def update(locale: Path = LOCALE) -> list[str]:
    """Bring every catalogue up to date with the code; one line on each."""
    found = words()
    said = []
    for folder in sorted(path for path in locale.iterdir() if path.is_dir()):
        source = folder / "LC_MESSAGES" / "django.po"
        catalog = merged(read(source) if source.exists() else Catalog(locale=folder.name), found)
        write(source, catalog)
        said.append(f"{folder.name}: {len(catalog)} messages, {len(untranslated(catalog))} without a translation")
    return said


def words(root: Path = ROOT) -> Catalog:
    """Every text in the code that is marked as to be translated."""
    found = Catalog()
    for path in _files(root):
        place = path.relative_to(root).as_posix()
        for _line, message, comments, context in extract("python", _code(path), KEYWORDS, ["Translators:"]):
            found.add(message, locations=[(place, 0)], auto_comments=comments, context=context)
    return found


def _files(root: Path) -> Iterator[Path]:
    for room in ROOMS:
        for path in sorted((root / room).rglob("*")):
            if path.suffix in {".py", ".html", ".txt"} and "migrations" not in path.parts:
                yield path


def _code(path: Path) -> io.BytesIO:
    """A file as Python that can be searched for calls of gettext."""
    from django.utils.translation.template import templatize  # compiling, at set-up, needs nothing but Babel

    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        text = f"(\n{templatize(text, origin=path.name)}\n)"  # within brackets the template's indentation is no matter
    return io.BytesIO(text.encode())


def merged(old: Catalog, found: Catalog) -> Catalog:
    """`found` with the translations of `old`.

    A text that is no longer in the code is kept at the foot of the file, and comes back with its translation.
    """
    fresh = Catalog(locale=old.locale, header_comment=old.header_comment, fuzzy=False)
    fresh.mime_headers = old.mime_headers
    known = {_key(one): one for one in [*old.obsolete.values(), *old] if one.id and any(_forms(one))}
    for message in found:
        if message.id:
            _add(fresh, message, known.pop(_key(message), None))
    fresh.obsolete.update((repr(key), message) for key, message in known.items())
    return fresh


def _key(message: Message) -> tuple[object, str | None]:
    return message.id, message.context


def _forms(message: Message) -> tuple[str, ...]:
    """The translation: one text, or one for each plural form of the language."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def _add(catalog: Catalog, message: Message, translated: Message | None) -> None:
    catalog.add(
        message.id,
        translated.string if translated else None,
        locations=message.locations,
        auto_comments=message.auto_comments,
        user_comments=translated.user_comments if translated else (),
        flags=translated.flags if translated else (),
        context=message.context,
    )


def untranslated(catalog: Catalog) -> list[Message]:
    """The messages of which any form is missing, or which are marked as doubtful."""
    return [one for one in catalog if one.id and not _is_done(one, catalog.num_plurals if one.pluralizable else 1)]


def _is_done(message: Message, count: int) -> bool:
    forms = _forms(message)
    return len(forms) == count and all(forms) and not message.fuzzy


# --- Files -----------------------------------------------------------------------------------------------------------


def read(path: Path) -> Catalog:
    """A catalogue from its file; the folder's name is its language."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name, abort_invalid=True)


def write(path: Path, catalog: Catalog) -> None:
    """Sorted, without dates and line numbers: a change of the file is a change of the words."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(_head(catalog).encode())
        write_po(file, catalog, width=120, omit_header=True, sort_output=True, include_lineno=False)


def _head(catalog: Catalog) -> str:
    lines = [
        f"Language: {catalog.locale_identifier}",
        f"Plural-Forms: {catalog.plural_forms}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
    ]
    fields = "".join(f'"{line}\\n"\n' for line in lines)
    return f'{catalog.header_comment}\nmsgid ""\nmsgstr ""\n{fields}\n'


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

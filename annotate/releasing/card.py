"""README.md: the dataset card, as the Hugging Face hub and `datasets.load_dataset(DIR, FORMAT)` read it.

Front matter: huggingface/hub-docs, datasetcard.md; the features as `datasets` 2 to 5 read them.
"""

from typing import Any

import pyarrow as pa
import yaml

from annotate.exporting import snippets
from annotate.releasing.facts import Facts
from annotate.releasing.told import Told, Whole, short

SIZES = [(1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")]
LARGER = [(10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M"), (1_000_000_000, "100M<n<1B")]
#: What a row of the file says of a label in words, where the count is not nought.
LEFT_OUT = {
    "labels_without_rows": "labels that give no row",
    "ties_dropped": "ties",
    "identical_dropped": "pairs of two equal texts",
    "empty_dropped": "rows with a response that says nothing",
    "undecided": "tasks whose labels say nothing together",
    "checks_left_out": "labels of tasks that check people",
    "rejected_left_out": "labels that a reviewer rejected",
    "too_long": "rows longer than the limit",
    "contaminated": "rows that meet an evaluation set",
    "unrenderable": "rows that a template refuses",
}


def text(told: Told) -> str:
    front = yaml.safe_dump(_front(told), sort_keys=False, allow_unicode=True, width=120)
    return f"---\n{front}---\n\n" + "\n\n".join(_body(told)) + "\n"


# --- Front matter ----------------------------------------------------------------------------------------------------


def _front(told: Told) -> dict[str, Any]:
    wholes = [one for one in told.wholes if one.files]
    return {
        "license": told.frozen["license"],
        "language": told.facts.languages or ["und"],
        "pretty_name": told.title,
        "size_categories": [size(told.rows)],
        "task_categories": ["text-generation"],
        "tags": sorted(
            {*_whose(told.facts), told.frozen["queue"]["kind"], *(one.part.ask.format.name for one in wholes)}
        ),
        "configs": [_config(one, first=one is wholes[0]) for one in wholes],
        "dataset_info": [_info(one) for one in wholes],
    }


def _whose(facts: Facts) -> list[str]:
    """Not of labels that came with files: nobody knows who gave them."""
    return [] if facts.outside else ["human-annotation"]


def size(rows: int) -> str:
    return next((name for limit, name in [*SIZES, *LARGER] if rows < limit), "n>1B")


def _config(one: Whole, first: bool) -> dict[str, Any]:
    files = [{"split": split.name, "path": f"data/{one.folder}/{split.name}-*"} for split in one.splits]
    return {"config_name": one.folder, **({"default": True} if first else {}), "data_files": files}


def _info(one: Whole) -> dict[str, Any]:
    splits = [{"name": split.name, "num_bytes": split.size, "num_examples": split.rows} for split in one.splits]
    total = sum(split.size for split in one.splits)
    features = [{"name": column.name, **feature(column.type)} for column in one.part.ask.format.schema]
    return {
        "config_name": one.folder,
        "features": features,
        "splits": splits,
        "download_size": total,
        "dataset_size": total,
    }


def feature(kind: pa.DataType) -> dict[str, Any]:
    """A column's type as the card's YAML has it. `sequence` for lists of plain values: older versions know no other."""
    if pa.types.is_struct(kind):
        return {"struct": _members(kind)}
    if not pa.types.is_list(kind):
        return {"dtype": str(kind).replace("double", "float64")}
    of = kind.value_type
    if pa.types.is_struct(of):
        return {"list": _members(of)}
    inner = feature(of)
    return {"sequence": inner.get("dtype", inner)}


def _members(kind: pa.DataType) -> list[dict[str, Any]]:
    return [{"name": one.name, **feature(one.type)} for one in kind]


# --- Text ------------------------------------------------------------------------------------------------------------


def _body(told: Told) -> list[str]:
    frozen, release = told.frozen, told.release
    parts = [f"# {_line(told.title)}"]
    parts += [release.note] if release.note else []
    parts += [
        f"Made with Preceptor {frozen['code']['preceptor']}, from {told.facts.labels:,} labels of a queue of "
        f"the kind “{frozen['queue']['kind']}”, as they stood on {release.created_at:%Y-%m-%d %H:%M} UTC. "
        f"{whose(told.facts)}".rstrip(),
        "What is told here and more is in `manifest.json`; `SHA256SUMS` checks every file (`sha256sum -c SHA256SUMS`).",
    ]
    for one in told.wholes:
        parts += _of_format(told, one)
    return [*parts, *_labels(told), *_guideline(told)]


def _of_format(told: Told, one: Whole) -> list[str]:
    form = one.part.ask.format
    parts = [f"## {one.folder}", f"{form.title}. {form.description}"]
    if not one.files:
        return [*parts, "No label gives a row of this format: there is no file."]
    table = "\n".join(
        f"| {split.name} | {split.rows:,} | {len(split.files)} | {split.size:,} |" for split in one.splits
    )
    parts.append(f"| split | rows | files | bytes |\n|---|---|---|---|\n{table}")
    left = [f"{number:,} {words}" for name, words in LEFT_OUT.items() if (number := getattr(one.counts, name))]
    parts += [f"Not in it: {', '.join(left)}."] if left else []
    first = one.splits[0]
    load = f'from datasets import load_dataset\n\ndata = load_dataset("DIR", "{one.folder}", split="{first.name}")'
    parts.append(_code("python", load))
    found = _snippets(one, told.release.container)
    return [*parts, *(f"**{trainer}**\n\n{_code('', snippet)}" for trainer, snippet in found.items())]


def _snippets(one: Whole, container: str) -> dict[str, str]:
    """How trainers load all files of the first split."""
    split, form = one.splits[0].name, one.part.ask.format
    found = form.snippets(f"data/{one.folder}/{split}-*.{container}", one.part.ask.options)
    if "LLaMA-Factory" in found:
        names = (f"{form.name}-{short(file, one.files)}" for file in one.files if file.split == split)
        found["LLaMA-Factory"] = snippets.llama_factory_release(one.folder, ",".join(names))
    return found


def _labels(told: Told) -> list[str]:
    facts = told.facts
    people = "\n".join(
        f"| {name} | {'a file' if name in facts.outside else 'here'} | {count:,} |"
        for name, count in facts.annotators.items()
    )
    versions = ", ".join(f"{count:,} under version {version}" for version, count in facts.guidelines.items())
    parts = ["## Labels", f"By the guidelines in force: {versions}." if versions else "There are none."]
    if (value := facts.agreement.value) is not None:
        parts.append(
            f"Agreement {value:.3f} (1 is full), over {facts.agreement.tasks:,} tasks with several labels: the mean of "
            "1 - distance of each two labels of a task, by the distance of this kind of work."
        )
    return [*parts, f"| annotator | labels from | labels |\n|---|---|---|\n{people}"] if people else parts


def _guideline(told: Told) -> list[str]:
    guideline = told.frozen["guideline"]
    if not guideline:
        return []
    return [f"## Guidelines, version {guideline['version']}", _code("markdown", guideline["text"])]


def _code(language: str, code: str) -> str:
    """A block that no line of the code ends."""
    fence = "`" * max([3, *(len(run) + 1 for run in _runs(code))])
    return f"{fence}{language}\n{code.rstrip()}\n{fence}"


def _runs(code: str) -> list[str]:
    return [run for run in "".join(one if one == "`" else " " for one in code).split() if run]


def whose(facts: Facts) -> str:
    """Who gave the labels, as far as is known."""
    here, outside = len(facts.annotators) - len(facts.outside), len(facts.outside)
    said = [f"{facts.labels_here:,} labels were given in Preceptor, by {here:,} annotators of the project."] * bool(
        here
    )
    if outside:
        theirs = f"{facts.labels_outside:,} labels came with files, from {outside:,} annotators outside"
        said.append(f"{theirs}, who may be people or models.")
    return " ".join(said)


def _line(words: str) -> str:
    return " ".join(words.split())

"""`manage.py load_research_data DIR --owner EMAIL`: a project of published data, ready to be worked on.

DIR holds `self-instruct/` (github.com/yizhongw/self-instruct: `seed_tasks.jsonl`, `user_oriented_instructions.jsonl`,
`predictions_<model>.jsonl`) and `pandalm/` (github.com/WeOpenML/PandaLM: `votes_500.json`), both under Apache-2.0.
The project gets three queues: four models' answers to rank, tasks to write answers for, and pairs to compare.
Run again, it adds nothing. Prompts can be found again by their `external_id`: `user_oriented_task_<n>`,
`seed_task_<n>`, `pandalm-<idx>`.
"""

import io
import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from annotate import importing, projects, running
from annotate.models import Import, Project, User

type Row = dict[str, Any]

SELF_INSTRUCT = "self-instruct (yizhongw/self-instruct, Apache-2.0)"
PANDALM = "PandaLM test set (WeOpenML/PandaLM, Apache-2.0)"
DESCRIPTION = (
    "Published research data. Instructions, seed tasks and four models' answers: Self-Instruct, Wang et al. 2023, "
    "github.com/yizhongw/self-instruct, Apache License 2.0. Pairs of answers: PandaLM, Wang et al. 2023, "
    "github.com/WeOpenML/PandaLM, Apache License 2.0. Each prompt names its source; keep it with what you export."
)


class Command(BaseCommand):
    help = "Make a project of published data: answers to rank, tasks to write for, pairs to compare."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="holds self-instruct/ and pandalm/")
        parser.add_argument("--owner", required=True, metavar="EMAIL", help="who owns the project")
        parser.add_argument("--slug", default="research-data", help="the project's short name (default: %(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = User.objects.filter(email=options["owner"].lower()).first()
        if owner is None:
            raise CommandError(f"Nobody has the address {options['owner']}.")
        folder = options["folder"]
        try:
            rows = [[*rows_of(folder)] for rows_of, _settings in QUEUES]
        except (OSError, ValueError, KeyError) as error:
            raise CommandError(f"{folder} does not hold the data as expected: {error}") from error
        try:
            project, _new = projects.create_project(owner, options["slug"], "Research data", DESCRIPTION)
            for found, (_rows_of, settings) in zip(rows, QUEUES, strict=True):
                self.load(project, owner, found, **settings)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error

    def load(self, project: Project, owner: User, rows: Iterable[Row], **settings: Any) -> None:
        queue, _new = running.create_queue(project, owner, **settings)
        file = io.BytesIO("".join(json.dumps(row) + "\n" for row in rows).encode())
        job = importing.run_now(queue, owner, file, f"{settings['name']}.jsonl", "native")
        if job.state != Import.State.DONE or job.rows_refused:
            raise CommandError(f"{queue}: {job.rows_refused} rows refused. {job.error}")
        self.stdout.write(f"{queue} (queue {queue.pk}): {job.rows_added} added, {job.rows_unchanged} unchanged")


def ranking_rows(folder: Path) -> Iterator[Row]:
    """The 252 instructions, each with the answers that stand at its place in the models' files."""
    home = folder / "self-instruct"
    paths = sorted(home.glob("predictions_*.jsonl"))
    answers = {path.stem.removeprefix("predictions_"): _lines(path) for path in paths}
    for nth, task in enumerate(_lines(home / "user_oriented_instructions.jsonl")):
        yield _task(task) | {
            "domain": task["motivation_app"],
            "responses": [{"text": _answer(rows[nth]["response"]), "model": model} for model, rows in answers.items()],
        }


def writing_rows(folder: Path) -> Iterator[Row]:
    """The 175 seed tasks, each with its first instance's input."""
    for task in _lines(folder / "self-instruct" / "seed_tasks.jsonl"):
        category = "classification" if task["is_classification"] else "generation"
        yield _task(task) | {"category": category, "meta": {"name": task["name"]}}


def comparing_rows(folder: Path) -> Iterator[Row]:
    """The 500 pairs. `cmp_key` names the models of the first and the second answer.

    One instruction is blank: its input is what was asked.
    """
    for row in json.loads((folder / "pandalm" / "votes_500.json").read_text("utf-8")):
        models = row["cmp_key"].split("_")
        asked = row["instruction"].strip()
        yield {
            "external_id": f"pandalm-{row['idx']}",
            "instruction": row["instruction"] if asked else row["input"],
            "input": row["input"] if asked else "",
            "domain": row["motivation_app"],
            "source": PANDALM,
            # Some answers were “True”, which their file holds as a truth value.
            "responses": [
                {"text": str(row[name]), "model": model}
                for name, model in zip(("response1", "response2"), models, strict=True)
            ],
        }


def _task(task: Row) -> Row:
    return {
        "external_id": task["id"],
        "instruction": task["instruction"],
        "input": task["instances"][0]["input"],
        "source": SELF_INSTRUCT,
    }


def _answer(response: Any) -> str:
    """The text of a model's answer, which may be a completion API's whole answer object."""
    return str(response["choices"][0]["text"] if isinstance(response, dict) else response)


def _lines(path: Path) -> list[Row]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


QUEUES: list[tuple[Callable[[Path], Iterator[Row]], dict[str, Any]]] = [
    (ranking_rows, {"name": "Rank four models", "kind": "rank", "overlap": 3}),
    (writing_rows, {"name": "Write answers", "kind": "write"}),
    (comparing_rows, {"name": "Compare two models", "kind": "compare", "overlap": 3, "options": {"strength": False}}),
]

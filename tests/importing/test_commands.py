"""The commands: a file by hand, and the project of published data."""

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from annotate.models import Import, Project, Prompt, Queue, Response, Task
from tests import factories as make

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def uploads(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def call(path, *rows, work=None, **options):
    """`import_file` on these rows: how it ended and what it said."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    work = work or make.a_queue(kind="write")
    try:
        call_command("import_file", str(work.pk), str(path), **options)
    except CommandError as error:
        return error.returncode, str(error)
    return 0, ""


def test_a_file_by_hand(tmp_path, capsys):
    assert call(tmp_path / "rows.jsonl", {"instruction": "a"}, {"instruction": "b"}) == (0, "")
    assert "2 rows read as native: 2 added, 0 unchanged, 0 refused" in capsys.readouterr().out
    job = Import.objects.get()
    assert (job.name, job.created_by) == ("rows.jsonl", job.queue.created_by)


def test_refused_rows_are_listed_and_end_it_with_1(tmp_path, capsys):
    code, words = call(tmp_path / "x", {"instruction": "a"}, *[{"instruction": n} for n in range(30)])
    assert (code, words) == (1, "Some rows were refused; the others are in.")
    said = capsys.readouterr().out
    assert "line 2: instruction: must be text, not a whole number" in said and "... and 10 more" in said


def test_what_can_t_be_imported_ends_it_with_2(tmp_path):
    work = make.a_queue(kind="write")
    assert call(tmp_path / "x", {"what": "a"})[0] == 2
    assert call(tmp_path / "x") == (2, "The file is empty.")
    assert call(tmp_path / "x", {"instruction": "a"}, user="nobody@example.org")[0] == 2
    with pytest.raises(CommandError) as missing:
        call_command("import_file", str(work.pk), str(tmp_path / "missing"))
    assert missing.value.returncode == 2
    with pytest.raises(CommandError) as unknown:
        call_command("import_file", "999999", str(tmp_path / "x"))
    assert unknown.value.returncode == 2


def test_in_somebody_s_name_and_a_format(tmp_path):
    somebody = make.a_user()
    assert call(tmp_path / "x", {"prompt": "a"}, user=somebody.email, format="messages") == (0, "")
    assert (Import.objects.get().created_by, Import.objects.get().format) == (somebody, "messages")


# --- Published data ------------------------------------------------------------------------------------------------


@pytest.fixture
def published():
    """The folder of published data. Where there is none, on a user's machine, its tests are skipped; never in CI."""
    folder = Path(os.environ.get("PRECEPTOR_RESEARCH_DATA") or ROOT.parent / "shared" / "data")
    if not (folder / "pandalm").is_dir() and not os.environ.get("CI"):
        pytest.skip(f"no research data in {folder}; set PRECEPTOR_RESEARCH_DATA")
    return folder


def load(folder):
    owner = make.a_user("owner@example.org")
    call_command("load_research_data", str(folder), "--owner", "OWNER@example.org")
    return owner


def test_the_research_project(published, capsys):
    owner = load(published)
    project = Project.objects.get()
    assert project.created_by == owner and project.description.count("Apache License 2.0") == 2
    queues = {one.kind: one for one in Queue.objects.all()}
    assert {kind: (one.name, one.overlap, one.tasks.count()) for kind, one in queues.items()} == {
        "rank": ("Rank four models", 3, 252),
        "write": ("Write answers", 1, 175),
        "compare": ("Compare two models", 3, 500),
    }
    assert queues["compare"].options["strength"] is False
    assert "Compare two models" in capsys.readouterr().out
    before = Prompt.objects.count(), Response.objects.count(), Task.objects.count()
    assert before == (252 + 175 + 500, 252 * 4 + 500 * 2, 252 + 175 + 500)


def test_the_research_project_is_made_once(published, capsys):
    load(published)
    call_command("load_research_data", str(published), "--owner", "owner@example.org")
    assert "0 added, 252 unchanged" in capsys.readouterr().out
    assert (Project.objects.count(), Task.objects.count()) == (1, 927)


def test_answers_stand_with_their_prompts_and_models(published):
    load(published)
    home = published / "self-instruct"
    for path in home.glob("predictions_*.jsonl"):
        model = path.stem.removeprefix("predictions_")
        stored = Response.objects.filter(model=model, prompt__external_id__startswith="user_oriented")
        by_prompt = dict(stored.values_list("prompt__external_id", "text"))
        lines = path.read_text("utf-8").splitlines()
        assert by_prompt == {f"user_oriented_task_{n}": json.loads(line)["response"] for n, line in enumerate(lines)}
    instructions = dict(Prompt.objects.filter(category="").values_list("external_id", "instruction"))
    for line in (home / "user_oriented_instructions.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        assert instructions[row["id"]] == row["instruction"]
    assert set(Prompt.objects.values_list("source", flat=True)) == {
        "self-instruct (yizhongw/self-instruct, Apache-2.0)",
        "PandaLM test set (WeOpenML/PandaLM, Apache-2.0)",
    }


def test_pairs_can_be_found_again_with_their_votes(published):
    load(published)
    rows = json.loads((published / "pandalm" / "votes_500.json").read_text("utf-8"))
    tasks = Task.objects.filter(queue__kind="compare").select_related("prompt")
    by_name = {task.prompt.external_id: task for task in tasks}
    responses = Response.objects.in_bulk()
    models: Counter[str] = Counter()
    for row in rows:
        task = by_name[f"pandalm-{row['idx']}"]
        shown = [responses[one] for one in task.response_ids]
        assert [one.text for one in shown] == [str(row["response1"]), str(row["response2"])]
        assert "_".join(one.model for one in shown) == row["cmp_key"]
        models.update(one.model for one in shown)
    assert len(models) == 5


def test_a_folder_without_the_data_changes_nothing(tmp_path):
    owner = make.a_user()
    with pytest.raises(CommandError, match="does not hold the data"):
        call_command("load_research_data", str(tmp_path), "--owner", owner.email)
    with pytest.raises(CommandError, match="Nobody has the address"):
        call_command("load_research_data", str(tmp_path), "--owner", "nobody@example.org")
    assert not Project.objects.exists()

"""What a release holds, that others can load it, and that it is the same whenever it is made."""

import hashlib
import io
import json
import logging
import re
import shlex
from typing import Any

import pytest
import yaml
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from annotate import assets, exporting, labelling, releasing, reviewing
from annotate.exporting import containers
from annotate.models import Label, Queue, Review
from annotate.releasing import limits
from tests import factories as make
from tests.pages.desk import client_of
from tests.releasing.ground import DOWN, PREFERENCE, RAW, UP, a_ranked_queue, a_written_queue, content, downloaded

pytestmark = pytest.mark.django_db


def load_dataset(*given: Any, **options: Any) -> Any:
    import datasets  # here, because other tests need not wait for it

    return datasets.load_dataset(*given, **options)


def released(work, *formats, **asked):
    release = releasing.run_now(work, work.created_by, formats, **asked)
    assert (release.state, release.error) == ("done", "")
    return release


@pytest.mark.parametrize("container", ["parquet", "jsonl"])
def test_datasets_loads_every_format_and_split_by_the_card(container, home, monkeypatch):
    monkeypatch.setattr(limits, "SHARD_ROWS", 20)
    monkeypatch.setattr(containers, "BATCH", 10)
    work, _people = a_ranked_queue(tasks=20)
    split = {"splits": "train=0.6,test=0.4"}
    release = released(work, PREFERENCE, RAW, PREFERENCE, options=split, container=container)
    folder = downloaded(release, home / "got")
    rows = {"preference": 120, "raw": 40, "preference-2": 120}
    for config, expected in rows.items():
        loaded = load_dataset(str(folder), config, cache_dir=str(home / "cache"))
        assert sum(map(len, loaded.values())) == expected
        streamed = [*exporting.rows(work, config.removesuffix("-2"), split)]
        ours = [row for part in sorted(loaded, key=lambda name: name != "train") for row in loaded[part]]
        assert sorted(map(json.dumps, ours)) == sorted(map(json.dumps, streamed))
    assert release.rows == sum(rows.values()) == release.manifest["release"]["rows"]
    assert len({one["prompt_id"] for one in load_dataset(str(folder), cache_dir=str(home / "cache"))["train"]}) > 1
    shards = [one.name for one in release.files.all() if one.name.startswith("data/preference/train")]
    assert len(shards) > 1 and shards[0].endswith(f"train-00000-of-{len(shards):05}.{container}")


@pytest.mark.parametrize(("container", "formats"), [("parquet", ["preference", "raw"]), ("jsonl", ["preference"])])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the libraries that mlcroissant stands on
def test_mlcroissant_finds_no_fault_and_reads_the_records(container, formats, home, caplog):
    """Not `raw` as JSON lines: there mlcroissant 1.1, through pandas, takes texts that hold times for times."""
    import mlcroissant  # here, because other tests need not wait for it

    work, _people = a_ranked_queue(tasks=3)
    asked = [{"format": name, "options": {}} for name in formats]
    folder = downloaded(released(work, *asked, container=container), home / "got")
    with caplog.at_level(logging.WARNING):
        found = mlcroissant.Dataset(jsonld=folder / "croissant.json")
    assert (found.metadata.issues.report().strip(), caplog.text) == ("", "")
    assert found.metadata.data_annotation_protocol and found.metadata.annotations_per_item
    told = {
        one["@id"]: one.get("sha256") for one in json.loads((folder / "croissant.json").read_text())["distribution"]
    }
    file = f"data/{formats[0]}/train-00000-of-00001.{container}"
    assert told[file] == sums(folder)[file]
    for name in formats:
        ours, theirs = [*exporting.rows(work, name)], [*found.records(f"{name}/train")]
        assert len(ours) == len(theirs)
        one = {key.removeprefix(f"{name}/train/"): value for key, value in theirs[0].items()}
        assert one.keys() == ours[0].keys()
        assert one["prompt_id"].decode() == ours[0]["prompt_id"]
    turn = theirs[0].get("preference/train/prompt", [{}])[0]
    assert turn == {} or turn["preference/train/prompt/content"].decode() == ours[0]["prompt"][0]["content"]


# --- The same again --------------------------------------------------------------------------------------------------


def sums(folder):
    """SHA-256 by file name, as SHA256SUMS has it."""
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    return {name: digest for digest, _space, name in (line.partition("  ") for line in lines)}


def test_built_twice_every_file_is_the_same_whatever_happened_since(home):
    work, people = a_ranked_queue()
    options = {"splits": "train=0.5,test=0.5", "reviewed": "not_rejected", "held_out": ["cooking"]}
    owner = work.project.created_by
    label = Label.objects.order_by("pk")[3]
    Review.objects.create(label=label, reviewer=owner, verdict="reject", reason="No.")
    release = released(work, PREFERENCE, RAW, options=options, note="The first.")
    assert releasing.rebuild(release) == []

    for person in people:
        make.a_task(work, responses=["x", "y", "z"])
        make.a_label(person, work, {"ranks": UP})
    first = Label.objects.order_by("pk")[0]
    labelling.amend(first.annotator, first, labelling.Answer(first.payload | {"ranks": DOWN}, first.fence))
    Review.objects.create(label=label, reviewer=owner, verdict="accept")
    Queue.objects.filter(pk=work.pk).update(name="Another name", overlap=9)
    work.project.name = "Another project"
    work.project.save()
    assert releasing.rebuild(release) == []

    again = released(Queue.objects.get(pk=work.pk), PREFERENCE, RAW, options=options, note="The first.")
    assert again.number == 2
    before, after = ({one.name: one.sha256 for one in each.files.all()} for each in (release, again))
    assert all(before[name] != after[name] for name in before if name.startswith("data/raw"))


def test_rejected_labels_are_in_no_training_file_and_their_number_is_told(home):
    work, _people = a_ranked_queue()
    label = Label.objects.order_by("pk")[3]
    all_labels = Label.objects.count()
    # As releases were asked for when all labels were the usual: they keep it.
    before = released(work, PREFERENCE, RAW, options={"reviewed": "any"})
    reviewing.review(work.project.created_by, label, "reject", "No.")
    release = released(work, PREFERENCE, RAW)
    assert releasing.rebuild(before) == releasing.rebuild(release) == []
    manifest = json.loads((downloaded(release, home / "got") / "manifest.json").read_text())
    told = {one["name"]: (one["counts"]["labels"], one["counts"]["rejected_left_out"]) for one in manifest["formats"]}
    assert told == {"preference": (all_labels - 1, 1), "raw": (all_labels, 0)}
    assert "1 labels that a reviewer rejected" in (home / "got" / "README.md").read_text()
    page = client_of(work.project.created_by).get(reverse("one-release", args=[release.pk])).content.decode()
    assert "1 label left out: a reviewer rejected it" in page
    Review.objects.create(label=label, reviewer=work.project.created_by, verdict="accept")
    assert releasing.rebuild(release) == []


def test_names_that_were_asked_for_stay_as_they_were(home):
    work, people = a_ranked_queue(tasks=2)
    named = RAW | {"options": {"people": "names"}}
    release, without = released(work, RAW, named), released(work, RAW)
    before = {one.name for one in people}
    for one in people:
        one.name += " (married)"
        one.save()
    assert releasing.rebuild(release) == []
    rows = load_dataset(str(downloaded(release, home / "got")), "raw-2", cache_dir=str(home / "cache"))["train"]
    assert set(rows["person"]) == before == set(release.frozen["people"].values())
    assert without.frozen["people"] == {}


def test_an_evaluation_set_that_was_removed_is_still_used_to_make_a_release_again(home):
    work = a_written_queue(tasks=2)
    known = "one two three four five six seven eight nine ten eleven twelve thirteen"
    work.project.prompts.filter(instruction="Write 0.").update(instruction=known)
    file = ContentFile(json.dumps({"question": known}).encode(), "known.jsonl")
    asset = assets.add(work.project, work.created_by, "benchmark", "known", file)
    release = released(work, {"format": "sft-messages"}, options={"benchmarks": ["known"]})
    assert (release.rows, release.manifest["formats"][0]["counts"]["contaminated"]) == (1, 1)
    assert release.manifest["assets"] == {"benchmark/known": asset.sha256}
    (left,) = [json.loads(line) for line in content(release, "left-out.jsonl").splitlines()]
    assert left["reason"] == "contaminated" and "known" in left["found"]
    assets.remove(asset)
    assert releasing.rebuild(release) == []


def test_rebuilding_tells_which_files_are_not_the_same(home):
    work = a_written_queue()
    release = released(work, {"format": "sft-messages"})
    said = io.StringIO()
    call_command("rebuild_release", str(release.pk), stdout=said)
    assert said.getvalue() == f"{release.files.count()} files, 6 rows: all the same.\n"
    release.files.filter(name="README.md").update(sha256="0" * 64)
    assert releasing.rebuild(release) == ["README.md"]
    for pk, code in ((release.pk, 1), (987654321, 2)):
        with pytest.raises(CommandError) as refused:
            call_command("rebuild_release", str(pk))
        assert refused.value.returncode == code


# --- What is told ----------------------------------------------------------------------------------------------------


def test_the_manifest_tells_counts_people_guidelines_agreement_and_files(home):
    work, people = a_ranked_queue(tasks=2)
    folder = downloaded(released(work, PREFERENCE, license="cc-by-4.0"), home / "got")
    manifest = json.loads((folder / "manifest.json").read_text())
    newest = Label.objects.latest("pk")
    assert manifest["frozen_at"]["label"] == newest.pk
    assert manifest["labels"]["by_annotator"] == {work.project.pseudonym(one.pk): 2 for one in people}
    assert manifest["labels"]["by_guideline_version"] == {"0": 4}
    assert manifest["formats"][0]["counts"]["rows"] == 12
    assert manifest["formats"][0]["splits"]["train"]["rows"] == 12
    assert manifest["release"]["license"] == "cc-by-4.0"
    # Nothing of the manifest's own: by the kind's distance, of the orders as they were of the responses.
    payloads: dict[int, list[Any]] = {}
    for label in Label.objects.order_by("pk"):
        names = dict(zip("abc", map(str, label.shown), strict=True))
        payloads.setdefault(label.task_id, []).append(work.way.rename(label.payload, names))
    alike = [1 - work.way.distance(one, other) for one, other in payloads.values()]
    assert manifest["agreement"]["value"] == round(sum(alike) / 2, 6)
    assert (manifest["agreement"]["tasks"], manifest["agreement"]["pairs"]) == (2, 2)
    listed = sums(folder)
    assert {one["name"]: one["sha256"] for one in manifest["files"]}.items() <= listed.items()
    assert listed.keys() == {
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS"
    }
    assert all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest for name, digest in listed.items())
    everything = "".join(path.read_text() for path in folder.glob("*.*"))
    assert not [one for one in (*people, work.created_by) if one.name in everything or one.email in everything]


def test_an_empty_split_and_an_empty_format_have_no_file(home):
    work = make.a_queue(kind="rank")
    make.a_task(work, "Which?", ["x", "y", "z"])
    make.a_label(make.a_member(work.project), work, {"ranks": {"a": 1, "b": 1, "c": 1}})  # a tie teaches nothing
    release = released(work, PREFERENCE, RAW, options={"splits": "train=0.5,test=0.5"})
    told = {one["name"]: one for one in release.manifest["formats"]}
    assert (told["preference"]["empty"], told["preference"]["counts"]["ties_dropped"]) == (True, 3)
    ((split, _facts),) = told["raw"]["splits"].items()
    assert told["raw"]["empty_splits"] == sorted({"train", "test"} - {split})
    data = [one.name for one in release.files.all() if one.name.startswith("data/")]
    assert data == [f"data/raw/{split}-00000-of-00001.parquet"]
    loaded = load_dataset(str(downloaded(release, home / "got")), cache_dir=str(home / "cache"))
    assert {name: len(rows) for name, rows in loaded.items()} == {split: 1}


def test_what_is_left_out_is_listed(home):
    work = a_written_queue(tasks=2)
    work.project.prompts.filter(instruction="Write 0.").update(instruction="Write " + "at length " * 100)
    release = released(work, {"format": "sft-messages"}, options={"max_tokens": 50})
    (left,) = [json.loads(line) for line in content(release, "left-out.jsonl").splitlines()]
    assert (left["format"], left["reason"]) == ("sft-messages", "too_long")
    assert release.manifest["left_out"] == {"rows": 1, "listed": 1, "file": "left-out.jsonl"}


def test_llama_factory_is_told_of_every_shard(home, monkeypatch):
    monkeypatch.setattr(limits, "SHARD_ROWS", 2)
    monkeypatch.setattr(containers, "BATCH", 2)
    release = released(a_written_queue(tasks=5), {"format": "sft-messages"})
    info = json.loads(content(release, "data/sft-messages/dataset_info.json"))
    names = {one["file_name"] for one in info.values()}
    assert names == {f"train-{nth:05}-of-00003.parquet" for nth in range(3)}
    assert {f"data/sft-messages/{name}" for name in names} < {one.name for one in release.files.all()}


@pytest.mark.parametrize("shares", ["train=1", "test=1"])
def test_snippets_of_the_card_load_all_shards_of_a_split(home, monkeypatch, shares):
    monkeypatch.setattr(limits, "SHARD_ROWS", 2)
    monkeypatch.setattr(containers, "BATCH", 2)
    split = shares.partition("=")[0]
    release = released(a_written_queue(tasks=5), {"format": "sft-messages"}, options={"splits": shares})
    folder = downloaded(release, home / "got")
    monkeypatch.chdir(folder)
    blocks = dict(re.findall(r"\*\*([^*]+)\*\*\n\n```\n(.*?)\n```", (folder / "README.md").read_text(), re.DOTALL))
    assert set(blocks) == {"TRL", "LLaMA-Factory", "Axolotl", "OpenRLHF"}
    cache = str(home / "cache")
    (call,) = re.findall(r"^data = load_dataset\((.*)\)$", blocks["TRL"], re.MULTILINE)
    reader, asked = eval(f"(lambda reader, **asked: (reader, asked))({call})")
    assert asked["split"] == split and load_dataset(reader, **asked, cache_dir=cache).num_rows == 5
    (one,) = yaml.safe_load(blocks["Axolotl"])["datasets"]
    assert one["split"] == split and one["path"] == "DIR"
    assert load_dataset(str(folder), one["name"], split=one["split"], cache_dir=cache).num_rows == 5
    words = shlex.split(blocks["OpenRLHF"].replace("\\\n", " "))
    files = words[words.index("--data.dataset") + 1]
    assert load_dataset("parquet", data_files=files, cache_dir=cache)["train"].num_rows == 5  # as OpenRLHF does
    factory = yaml.safe_load(blocks["LLaMA-Factory"])
    info = json.loads((folder / factory["dataset_dir"] / "dataset_info.json").read_text())
    assert factory["dataset"].split(",") == list(info) and len(info) == 3


def test_conversations_that_a_template_refuses_do_not_stop_a_release(home):
    work = a_written_queue(tasks=3)
    source = (
        "{% if 'Write 0' in messages[0].content %}{{ raise_exception('never') }}{% endif %}{{ messages[-1].content }}"
    )
    assets.add(work.project, work.created_by, "template", "own", ContentFile(source.encode(), "own.jinja"))
    release = released(work, {"format": "sft-text", "options": {"template": ["own"]}})
    (told,) = release.manifest["formats"]
    assert (told["counts"]["rows"], told["counts"]["unrenderable"]) == (2, 1)
    (left,) = [json.loads(line) for line in content(release, "left-out.jsonl").splitlines()]
    assert left["reason"] == "unrenderable" and "never" in left["found"]
    assert "1 rows that a template refuses" in content(release, "README.md").decode()
    assert release.manifest["left_out"]["rows"] == 1

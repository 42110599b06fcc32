"""What is told of a release: types and sizes in the card, languages and versions, and what a comparison counts."""

import json
from collections import Counter
from datetime import timedelta
from functools import reduce

import pyarrow as pa
import pytest
from django.db.models.functions import Now
from hypothesis import given, settings
from hypothesis import strategies as some

from annotate import exporting, projects, releasing
from annotate.models import Guideline, OutsideAnnotator
from annotate.releasing import card, comparing, facts, limits
from tests import factories as make
from tests.releasing.ground import DOWN, UP, a_ranked_queue, a_written_queue, content


@pytest.mark.parametrize("form", exporting.formats(), ids=lambda form: form.name)
def test_the_cards_features_are_the_files_own(form):
    from datasets import Features  # here, because other tests need not wait for it

    told = [{"name": column.name, **card.feature(column.type)} for column in form.schema]
    assert Features._from_yaml_list(told) == Features.from_arrow_schema(form.schema)


@pytest.mark.parametrize(("rows", "word"), [(0, "n<1K"), (999, "n<1K"), (1_000, "1K<n<10K"), (10**9, "n>1B")])
def test_sizes_are_called_as_the_hub_calls_them(rows, word):
    assert card.size(rows) == word


ROWS = some.lists(some.tuples(some.sampled_from("pqr"), some.integers(0, 3)), max_size=12)


@settings(max_examples=100, deadline=None)
@given(ROWS, ROWS, some.integers(1, 3))
def test_a_comparison_counts_as_one_would_by_hand(before, after, shares):
    def table(rows, nth):
        mine = [{"prompt_id": name, "row": row, "share": nth} for name, row in rows if ord(name) % shares == nth]
        return pa.Table.from_pylist(mine, comparing.SCHEMA)

    found = reduce(
        comparing._added, (comparing._difference("x", table(before, nth), table(after, nth)) for nth in range(shares))
    )
    by_hand = {}
    for prompt in "pqr":
        then = Counter(row for name, row in before if name == prompt)
        now = Counter(row for name, row in after if name == prompt)
        gone, came = (then - now).total(), (now - then).total()
        changed = min(gone, came)
        by_hand[prompt] = (came - changed, changed, gone - changed)
    assert (found.before, found.after) == (len(before), len(after))
    assert (found.added, found.changed, found.removed) == tuple(map(sum, zip(*by_hand.values(), strict=True)))
    assert found.unchanged == (Counter(before) & Counter(after)).total()
    listed = {one.prompt_id: (one.added, one.changed, one.removed) for one in found.prompts}
    assert listed == {prompt: counts for prompt, counts in by_hand.items() if any(counts)}
    assert [one.prompt_id for one in found.prompts] == sorted(listed)


@pytest.mark.django_db
def test_languages_and_versions_are_of_the_labels(home, monkeypatch):
    monkeypatch.setattr(facts, "COUNTED_AT_ONCE", 3)
    monkeypatch.setattr(facts, "TASKS_AT_ONCE", 2)
    work, people = a_ranked_queue(tasks=3)
    work.project.prompts.update(language="de")
    projects.publish_guideline(work.project, work.created_by, "Be fair. ``` Be kind.")
    Guideline.objects.update(created_at=Now() - timedelta(minutes=1))  # before the next task is taken
    task = make.a_task(work, "Neu?", ["x", "y", "z"])
    type(task.prompt).objects.filter(pk=task.prompt_id).update(language="en")
    make.a_task(work, "Nobody's", ["x", "y", "z"])
    for person, ranks in zip(people, (UP, DOWN), strict=True):
        make.a_label(person, work, {"ranks": ranks})
    release = releasing.run_now(work, work.created_by, [{"format": "raw"}])
    manifest = release.manifest
    assert manifest["labels"]["languages"] == ["de", "en"]
    assert manifest["labels"]["by_guideline_version"] == {"0": 6, "1": 2}
    assert (manifest["labels"]["count"], manifest["agreement"]["tasks_looked_at"]) == (8, 4)
    text = content(release, "README.md").decode()
    assert "Be fair. ``` Be kind.\n````\n" in text  # its fence is longer than any of its own


@pytest.mark.django_db
def test_labels_that_came_with_files_are_nobodys_here(home):
    work, people = a_ranked_queue(tasks=3)
    make.a_task(work, "Once?", ["x", "y", "z"])
    make.a_label(people[0], work, {"ranks": UP})
    before = releasing.run_now(work, work.created_by, [{"format": "raw"}])
    told = json.loads(content(before, "croissant.json"))
    assert told["rai:machineAnnotationTools"].startswith("None known")
    assert told["rai:annotationsPerItem"] == "1 to 2, 1.75 on average"
    assert "- human-annotation" in content(before, "README.md").decode()
    OutsideAnnotator.objects.create(project=work.project, name="gpt-4", user=people[1])
    after = releasing.run_now(work, work.created_by, [{"format": "raw"}])
    pseudonym = work.project.pseudonym(people[1].pk)
    assert after.manifest["labels"]["outside"] == {"count": 3, "by_annotator": {pseudonym: 3}}
    told, card = json.loads(content(after, "croissant.json")), content(after, "README.md").decode()
    assert told["rai:machineAnnotationTools"].startswith("3 of 7 labels came with files")
    assert "3 labels came with files, from 1 annotators outside" in told["rai:dataCollection"]
    assert "4 labels were given in Preceptor, by 1 annotators" in card and f"| {pseudonym} | a file | 3 |" in card
    assert "human-annotation" not in card and "gpt-4" not in card + json.dumps(told)


@pytest.mark.django_db
def test_answers_too_long_to_be_compared_are_not(home, monkeypatch):
    work = make.a_queue(kind="write", overlap=2)
    for _ in range(2):
        make.a_task(work)
    for person in (make.a_member(work.project), make.a_member(work.project)):
        for text in ("a b", "long " * 500):
            make.a_label(person, work, {"text": text})
    monkeypatch.setattr(facts.Agreement.__init__, "__defaults__", (0, 0, 0.0, 10_000))
    found = facts.gather(work, work.labels.latest("pk").pk)
    assert (found.agreement.tasks, found.agreement.value, found.sampled) == (1, 1.0, 2)
    monkeypatch.setattr(limits, "SAMPLED_TASKS", 1)
    assert facts.gather(work, work.labels.latest("pk").pk).sampled == 1


@pytest.mark.django_db
def test_nothing_but_demonstrations_has_no_agreement(home):
    release = releasing.run_now(a_written_queue(tasks=1), make.a_user(), [{"format": "sft-messages"}])
    assert release.manifest["agreement"]["value"] is None
    assert "Agreement" not in content(release, "README.md").decode()

"""Responses that name their model are counted on import, their lines told, and their texts left as they are."""

import io
import json

import pytest
from django.core.files import File

from annotate import importing
from annotate.importing.naming import names_itself
from annotate.models import Response
from tests import factories as make


@pytest.mark.parametrize(
    "text",
    [
        "As ChatGPT, I can't do that.",
        "I'm Claude, made by Anthropic.",
        "I am a large language model trained by OpenAI.",
        "Sure! " + "x " * 400 + "I was developed by Google.",
    ],
)
def test_who_says_so_is_found(text: str) -> None:
    assert names_itself(text)


@pytest.mark.parametrize(
    "text",
    ["Google is a search engine.", "The llama is an animal.", "Ask Claude Monet.", "I am a teacher."],
)
def test_who_only_speaks_of_it_is_not(text: str) -> None:
    assert not names_itself(text)


@pytest.mark.django_db(transaction=True)
def test_the_import_counts_them_and_changes_nothing() -> None:
    work = make.a_queue(kind="compare")
    texts = [("Two.", "Three."), ("As ChatGPT, I say two.", "Two."), ("Four.", "I am Claude.")]
    rows = [{"instruction": f"Sum {n}?", "responses": [{"text": t} for t in pair]} for n, pair in enumerate(texts)]
    file = File(io.BytesIO("".join(json.dumps(row) + "\n" for row in rows).encode()))
    job = importing.run_now(work, work.created_by, file, "rows.jsonl")
    assert (job.rows_added, job.rows_self_named, job.self_named_lines) == (3, 2, [2, 3])
    assert Response.objects.filter(text="As ChatGPT, I say two.").exists()

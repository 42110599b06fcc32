"""A project with many annotators and a long queue, made by SQL: what the loop's benchmark walks on."""

from django.db import connection

from annotate.models import Member, Project, Queue, Role, User
from annotate.rendering import digest_of

PASSWORD = "benchmark only: never signed up by anybody"

PROSE = [
    "A good answer begins with the point and gives its reasons after it. Whoever reads it should be able to stop after "
    "the first sentence and still have been helped; the rest is for those who want to know *why* it is so.",
    "There are two ways to look at this. The first is to ask what it costs now, which is easy to say and easy to "
    "compare; the second is to ask what it will cost to change later, which **nobody** can say, and which is larger.",
    "Most people who try this give up in the second week, not because it is hard but because nothing seems to happen. "
    "Something does happen, and the way to see it is to write down each day what you did, in one line, and read it.",
    "If the water is too hot the leaves turn bitter, and if it is too cold they give nothing. Boil it, wait for three "
    "minutes, and pour; `80 °C` is what the books say, and the books are right in this case.",
]
STRUCTURES = [
    "- first, measure what there is\n- then change one thing\n- then measure again, and keep what helped",
    "1. read the question twice\n2. answer the question that was asked\n3. stop",
    "| step | minutes | result |\n|---|---|---|\n| soak | 30 | soft |\n| boil | 12 | done |",
    '```python\ndef mean(values):\n    """The arithmetic mean."""\n    return sum(values) / len(values)\n```',
]


def a_text(seed: int, length: int = 2_000) -> str:
    """An answer in Markdown of `length` characters, another for each seed: prose, with a list, table or code in it."""
    parts = [f"Answer {seed}."]
    while sum(map(len, parts)) < length:
        parts.append(f"In case {seed % 9973}: {PROSE[seed % 4]}")
        if len(parts) % 4 == 0:
            parts.append(STRUCTURES[seed // 4 % 4])
        seed = seed * 31 + 7
    return "\n\n".join(parts)[:length]


def a_crowd(people: int) -> tuple[Project, list[User]]:
    owner = User.objects.create_user("owner@benchmark.test", PASSWORD, name="Owner")
    project = Project.objects.create(slug="benchmark", name="Benchmark", created_by=owner)
    users = [User.objects.create_user(f"ann{n}@benchmark.test", PASSWORD, name=f"Ann {n}") for n in range(people)]
    Member.objects.create(project=project, user=owner, role=Role.OWNER)
    Member.objects.bulk_create(Member(project=project, user=user) for user in users)
    return project, users


def a_queue(project: Project, name: str, tasks: int, overlap: int = 3, prompts: int = 5_000) -> Queue:
    """A rank queue of `tasks` tasks over `prompts` prompts with four 2 kB responses each."""
    queue = Queue.objects.create(
        project=project, name=name, kind="rank", overlap=overlap, created_by=project.created_by, lease_seconds=1800
    )
    prompt_ids = _prompts(project, name, min(prompts, tasks))
    _responses(prompt_ids)
    with connection.cursor() as cursor:
        cursor.execute(_TASKS, {"queue": queue.pk, "prompts": prompt_ids, "tasks": tasks, "overlap": overlap})
        cursor.execute(_PLACES, {"queue": queue.pk})
        cursor.execute("VACUUM ANALYZE")
    return queue


def _prompts(project: Project, name: str, count: int) -> list[int]:
    with connection.cursor() as cursor:
        with cursor.copy("COPY annotate_prompt (project_id, key, digest, instruction) FROM STDIN") as copy:
            for n in range(count):
                copy.write_row((project.pk, f"{name}-{n}", b"", a_text(n, 400)))
        cursor.execute("SELECT id FROM annotate_prompt WHERE key LIKE %s ORDER BY id", [f"{name}-%"])
        return [pk for (pk,) in cursor.fetchall()]


def _responses(prompt_ids: list[int]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY annotate_response (prompt_id, key, text, digest, model) FROM STDIN") as copy,
    ):
        for prompt in prompt_ids:
            for model in "wxyz":
                text = a_text(prompt * 4 + "wxyz".index(model))
                copy.write_row((prompt, model, text, digest_of(text), f"model-{model}"))


_TASKS = """
INSERT INTO annotate_task (queue_id, prompt_id, response_ids, digest, position, places)
SELECT %(queue)s, p.prompt_id, r.ids, sha256(n::text::bytea), n, %(overlap)s
FROM generate_series(0, %(tasks)s - 1) AS n
JOIN (SELECT prompt_id, ordinality - 1 AS nth FROM unnest(%(prompts)s::bigint[]) WITH ORDINALITY AS u(prompt_id)) p
  ON p.nth = n %% cardinality(%(prompts)s::bigint[])
JOIN (SELECT prompt_id, array_agg(id ORDER BY id) AS ids FROM annotate_response GROUP BY prompt_id) r USING (prompt_id)
ORDER BY n
"""

_PLACES = """
INSERT INTO annotate_assignment (task_id, queue_id, slot, position)
SELECT id, queue_id, slot, position FROM annotate_task, generate_series(1, places) AS slot
WHERE queue_id = %(queue)s ORDER BY position, slot
"""

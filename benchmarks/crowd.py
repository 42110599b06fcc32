"""A project with many annotators and a long queue, made by SQL: what the loop's benchmark walks on."""

from django.db import connection

from annotate.models import Member, Project, Queue, Role, User
from annotate.rendering import digest_of

PASSWORD = "benchmark only: never signed up by anybody"  # noqa: S105

PARAGRAPHS = [
    "A good answer begins with the point, and gives its reasons after it.",
    "**Note:** the figures below are rounded; see the table for the exact ones.",
    "- first, measure what there is\n- then change one thing\n- then measure again",
    "1. read the question twice\n2. answer the question\n3. stop",
    "| step | minutes | result |\n|---|---|---|\n| soak | 30 | soft |\n| boil | 12 | done |",
    "```python\ndef mean(values):\n    return sum(values) / len(values)\n```",
    "Use `git bisect` when you know a good commit and a bad one, and nothing in between.",
    "> What is written without effort is in general read without pleasure.",
]


def a_text(seed: int, length: int = 2_000) -> str:
    """Markdown of `length` characters, another for each seed."""
    parts = [f"Answer {seed}."]
    while sum(map(len, parts)) < length:
        seed = (seed * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
        parts.append(f"{PARAGRAPHS[seed >> 61]}\n\nIn case {seed % 997}, look again.")
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

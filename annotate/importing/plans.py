"""What of a batch is new, by what the database holds already. Pure: it asks and writes nothing itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from annotate.importing.items import Candidate, Item, Refusal
from annotate.importing.problems import Refused


@dataclass(slots=True)
class Stored:
    """A prompt's or a response's row; its id is 0 until it has one."""

    digest: bytes
    id: int = 0


@dataclass(slots=True)
class Known:
    """What is stored of what a batch speaks of."""

    prompts: dict[str, Stored] = field(default_factory=dict)
    responses: dict[tuple[str, str], Stored] = field(default_factory=dict)
    tasks: set[bytes] = field(default_factory=set)


@dataclass(slots=True)
class NewResponse:
    row: Stored
    prompt: Stored
    candidate: Candidate


@dataclass(slots=True)
class NewTask:
    item: Item
    prompt: Stored
    responses: list[Stored]
    id: int = 0
    position: int = 0


@dataclass(slots=True)
class Plan:
    prompts: list[tuple[Stored, Item]] = field(default_factory=list)
    responses: list[NewResponse] = field(default_factory=list)
    tasks: list[NewTask] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    added: int = 0
    unchanged: int = 0
    #: lines of the added rows with a response that says which model wrote it
    self_named: list[int] = field(default_factory=list)


def make(items: Sequence[Item], known: Known) -> Plan:
    """The rows to write for `items`, in order. `known` is brought up to date on the way."""
    plan = Plan()
    for item in items:
        try:
            new = _add(plan, item, known)
        except Refused as refusal:
            plan.refused.append(Refusal(item.line, refusal.problem, item.data))
        else:
            plan.added += new
            if new and item.names_itself:
                plan.self_named.append(item.line)
            plan.unchanged += not new
    return plan


def _add(plan: Plan, item: Item, known: Known) -> bool:
    """Whether anything of the item is new. Raises Refused before anything is noted down."""
    _check(item, known)
    before = len(plan.prompts) + len(plan.responses) + len(plan.tasks)
    prompt = known.prompts.get(item.key)
    if prompt is None:
        prompt = known.prompts[item.key] = Stored(item.digest)
        plan.prompts.append((prompt, item))
    responses = [_response(plan, prompt, item.key, one, known.responses) for one in item.candidates]
    if item.task not in known.tasks:
        known.tasks.add(item.task)
        plan.tasks.append(NewTask(item, prompt, responses if item.shown else []))
    return len(plan.prompts) + len(plan.responses) + len(plan.tasks) > before


def _response(
    plan: Plan, prompt: Stored, key: str, candidate: Candidate, known: dict[tuple[str, str], Stored]
) -> Stored:
    there = known.get((key, candidate.key))
    if there is None:
        there = known[key, candidate.key] = Stored(candidate.digest)
        plan.responses.append(NewResponse(there, prompt, candidate))
    return there


def _check(item: Item, known: Known) -> None:
    """The same external_id must stand for the same text."""
    if _differs(known.prompts, item.key, item.digest):
        raise Refused("external_id", _("%s already stands for a different prompt") % item.key)
    for nth, one in enumerate(item.candidates):
        if _differs(known.responses, (item.key, one.key), one.digest):
            reason = _("%s already stands for a different response to this prompt")
            raise Refused(f"responses[{nth}].external_id", reason % one.key)


def _differs[K](known: Mapping[K, Stored], key: K, digest: bytes) -> bool:
    there = known.get(key)
    return there is not None and there.digest != digest

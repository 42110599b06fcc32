"""Labels on their way out: what each format holds, which of the labels are wanted, and the files."""

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header, urlencode
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from annotate import access, counting, exporting
from annotate.exporting import templates
from annotate.models import Asset, Queue, Role
from annotate.views.doors import Request, see_other, signed_in
from annotate.views.frames import around

#: Up to here the rows are counted without being asked: it takes a second for 100,000 labels and format.
COUNTED_AT_ONCE = 5_000
FIRST_ROWS, LONGEST_ROW = 3, 5_000

#: What formats are for, by what they live on; the rest is for something else.
PURPOSES = [
    (_("Demonstrations, to learn from (SFT)"), {"demonstrations"}),
    (_("Preferences, for reward models and DPO"), {"comparisons"}),
    (_("Ratings and verdicts"), {"ratings", "verdicts", "steps"}),
]
OTHER_PURPOSES = _("Everything else")

#: The common options in the order of the page; those not named come last.
PARTS = [
    (_("Which labels"), ["reviewed", "category", "tag", "language", "annotator", "after", "before"]),
    (_("Several labels of a task"), ["raters", "agreement", "checks"]),
    (_("Shape and length"), ["fold_system", "max_tokens", "tokenizer"]),
    (_("Splits and evaluation sets"), ["splits", "split_seed", "held_out", "split", "benchmarks", "ngram"]),
]
OTHER_PARTS = _("More")


@dataclass(frozen=True, slots=True)
class Part:
    """Options that stand together, folded away unless one of them is not as it is at first."""

    title: Any
    fields: list[forms.BoundField]
    open: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What the asked export holds; `wrong` by field where it can't be had."""

    wrong: list[tuple[forms.BoundField | None, list[str]]] = field(default_factory=list)
    counts: exporting.Counts | None = None
    rendered: Mapping[str, str] = field(default_factory=dict)
    rows: list[str] = field(default_factory=list)
    snippets: Mapping[str, str] = field(default_factory=dict)
    programs: list[tuple[str, str]] = field(default_factory=list)


@require_safe
@signed_in
def export(request: Request, pk: int) -> HttpResponse:
    """What the queue's labels can be written as; of `?format=`, its options and what they give.

    What the queue's options don't ask for is not offered; it can still be had, of labels made before. Rows of a long
    queue are counted with `?count=1`.
    """
    queue = access.queue(request.user, pk, Role.MANAGER)
    context = around(request, queue.project, queue, tab="export") | {"labels": counting.of_queue(queue).labels}
    if "format" not in request.GET:
        return render(request, "exports/formats.html", context | {"purposes": _purposes(queue, _offered(queue))})
    chosen = _format(queue, request.GET["format"])
    own, common = _forms(queue, chosen, request.GET)
    at_once = context["labels"] <= COUNTED_AT_ONCE or "count" in request.GET
    found = _found(request, queue, chosen, (own, common), at_once)
    context |= {"format": chosen, "templates": _templates(queue, chosen), "containers": exporting.CONTAINERS.values()}
    context |= {"own": own, "parts": parts(common), "found": found, "query": request.GET.urlencode()}
    template = "exports/export.html" + ("#found" if request.htmx else "")
    return render(request, template, context, status=422 if found.wrong else 200)


def _offered(queue: Queue) -> list[exporting.Format[Any]]:
    return [one for one in exporting.for_kind(queue.way) if one.is_asked_for(queue.way, queue.options)]


def _format(queue: Queue, name: str) -> exporting.Format[Any]:
    fitting = {one.name: one for one in exporting.for_kind(queue.way)}
    if name not in fitting:
        raise Http404
    return fitting[name]


def _purposes(queue: Queue, offered: list[exporting.Format[Any]]) -> list[tuple[Any, list[exporting.Format[Any]]]]:
    """The formats by what they are for; those that a trainer loads come first."""
    named = set[str]().union(*(needs for _title, needs in PURPOSES))
    sought = [
        *((title, needs.__contains__) for title, needs in PURPOSES),
        (OTHER_PURPOSES, lambda need: need not in named),
    ]
    found = ((title, [one for one in offered if of(one.needs)]) for title, of in sought)
    return [(title, sorted(formats, key=lambda one: not one.trainers)) for title, formats in found if formats]


# --- Options -------------------------------------------------------------------------------------------------------


def _forms(queue: Queue, chosen: exporting.Format[Any], given: QueryDict) -> tuple[forms.Form, forms.Form]:
    """The format's own options and those of all formats, with what was given."""
    own = chosen.options_form(_with_initial(chosen.options_form, given))
    return own, exporting.CommonOptions(_with_initial(exporting.CommonOptions, given), project=queue.project)


def _with_initial(form: type[forms.Form], given: QueryDict) -> dict[str, Any]:
    return {name: field.initial for name, field in form.base_fields.items()} | _told(form, given)


def _told(form: type[forms.Form], given: QueryDict) -> dict[str, Any]:
    """What an address or the page's form says: there (`chosen`) an unticked box sends nothing and means no."""
    values = {name: field.widget.value_from_datadict(given, {}, name) for name, field in form.base_fields.items()}
    return {name: value for name, value in values.items() if name in given or ("chosen" in given and value is not None)}


def _templates(queue: Queue, chosen: exporting.Format[Any]) -> list[str]:
    """The names of the templates that a format can take, ours before the team's own."""
    if "template" not in chosen.options_form.base_fields:
        return []
    own = Asset.objects.offered(queue.project).filter(sort=Asset.Sort.TEMPLATE)
    return [*templates.BUILT_IN, *own.values_list("name", flat=True)]


def _options(chosen: exporting.Format[Any], given: QueryDict) -> dict[str, Any]:
    return _told(chosen.options_form, given) | _told(exporting.CommonOptions, given)


def parts(common: forms.Form) -> list[Part]:
    named = [name for _title, names in PARTS for name in names]
    rest = [name for name in common.fields if name not in named]
    sought = [*PARTS, (OTHER_PARTS, rest)]
    found = ((title, [common[name] for name in names if name in common.fields]) for title, names in sought)
    return [Part(title, fields, any(map(_is_chosen, fields))) for title, fields in found if fields]


def _is_chosen(one: forms.BoundField) -> bool:
    return bool(one.errors) or one.field.has_changed(one.initial, one.data)


# --- What they give ------------------------------------------------------------------------------------------------


def _found(
    request: Request, queue: Queue, chosen: exporting.Format[Any], both: tuple[forms.Form, forms.Form], at_once: bool
) -> Found:
    options = _options(chosen, request.GET)
    try:
        asked = exporting.ask(queue, chosen.name, options)
        rendered = _rendered(queue, chosen, asked.options)
        counts = exporting.count(queue, chosen.name, options) if at_once else None
        rows = exporting.rows(queue, chosen.name, options) if at_once or not options else iter(())
        first = list(islice(rows, FIRST_ROWS))
    except ValidationError as error:
        return Found(_beside(error, both))
    snippets = asked.format.snippets(_file_name(queue, chosen.name, "parquet"), asked.options)
    return Found([], counts, rendered, list(map(_shown, first)), snippets, _programs(request, queue, asked))


def _rendered(queue: Queue, chosen: exporting.Format[Any], options: Mapping[str, Any]) -> dict[str, str]:
    """The queue's first prompt by each template that is asked for; there need be no labels yet."""
    names, eos = chosen.templates(options), options.get("eos", "")
    return {name: text for name in names for text in exporting.preview(queue, name, 1, eos)}


def _beside(
    error: ValidationError, both: tuple[forms.Form, forms.Form]
) -> list[tuple[forms.BoundField | None, list[str]]]:
    """Each complaint with the field it is about, and in that field's form."""
    wrong: list[tuple[forms.BoundField | None, list[str]]] = []
    for name, complaints in error.message_dict.items():
        form = next((one for one in both if name in one.fields), None)
        if form is not None and name not in form.errors:
            form.add_error(name, complaints)
        wrong.append((form[name] if form else None, complaints))
    return wrong


def _shown(row: Mapping[str, Any]) -> str:
    text = json.dumps(row, ensure_ascii=False, indent=2)
    return text if len(text) <= LONGEST_ROW else f"{text[:LONGEST_ROW]} …"


def _programs(request: Request, queue: Queue, asked: exporting.Ask) -> list[tuple[str, str]]:
    """The same export asked for by a shell, the client's command line, and Python."""
    name, options = asked.format.name, _changed(asked)
    api = request.build_absolute_uri(reverse("api-export", args=[queue.pk]))
    query = urlencode({"format": name, "container": "parquet", **options}, doseq=True)
    chosen = "".join(f" -O {shlex.quote(f'{key}={_word(value)}')}" for key, value in options.items())
    named = "".join(f", {key}={value!r}" for key, value in options.items())
    return [
        ("curl", f'curl -fH "Authorization: Bearer $TOKEN" {shlex.quote(f"{api}?{query}")} -o {name}.parquet'),
        ("preceptor", f"preceptor export {queue.pk} {name} -o {name}.parquet{chosen}"),
        (
            "Python",
            "from preceptor_client import Preceptor\n\n"
            f'preceptor = Preceptor("{request.build_absolute_uri("/")}", token)\n'
            f'for row in preceptor.export({queue.pk}, "{name}"{named}):\n    ...',
        ),
    ]


def _changed(asked: exporting.Ask) -> dict[str, Any]:
    """The options that are not as they are at first."""
    first = exporting.ask(asked.queue, asked.format.name, {}, 0, asked.label_horizon, asked.review_horizon)
    usual = exporting.plain({**first.options, **first.common})
    return {
        name: value
        for name, value in exporting.plain({**asked.options, **asked.common}).items()
        if value != usual[name]
    }


def _word(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


# --- Files ---------------------------------------------------------------------------------------------------------


@require_safe
@signed_in
def download(request: Request, pk: int, name: str, ending: str) -> HttpResponseBase:
    """The labels as they stand now, as a file. It streams: it begins at once, whatever there is.

    Options that are not right lead back to the page, which says why.
    """
    queue = access.queue(request.user, pk, Role.MANAGER)
    chosen, container = _format(queue, name), exporting.CONTAINERS.get(ending)
    if container is None:
        raise Http404
    try:
        pieces = exporting.stream(queue, name, _options(chosen, request.GET), ending)
    except ValidationError:
        asked = request.GET.copy()
        asked["format"] = name
        return see_other(f"{reverse('export', args=[pk])}?{asked.urlencode()}")
    response = StreamingHttpResponse(_begun(pieces), content_type=container.content_type)
    file_name = _file_name(queue, name, ending)
    response["Content-Disposition"] = content_disposition_header(True, file_name) or "attachment"
    return response


def _file_name(queue: Queue, name: str, ending: str) -> str:
    return f"{slugify(queue.name) or queue.pk}-{name}.{ending}"


def _begun(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same, its first piece made already: what is wrong from the start is an error page, not a broken file."""
    return chain([next(pieces, b"")], pieces)

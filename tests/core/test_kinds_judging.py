"""Kinds that judge each response by itself, and edits: what they take, what they refuse, what their numbers mean."""

import json

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import QueryDict

from annotate import kinds, labelling, running
from annotate.kinds import Shown
from annotate.models import Label, Prompt
from rankings.kinds import axes, checklists
from rankings.kinds.scales import AxesField, FlagsField
from rankings.kinds.steps import split
from tests import factories as make


def the_form(name, payload, responses=None, facts=None, **options):
    """The kind's form over a JSON payload; the example's task and options unless others are given."""
    kind = kinds.get(name)
    shown = kind.example().shown()
    if responses is not None:
        letters = kinds.letters_for(len(responses))
        shown = Shown(letters, dict(zip(letters, responses, strict=True)), facts or {})
    flat = kind.label_form.flatten(payload)
    return kind.label_form(flat, shown=shown, options=kind.example().options | options)


def errors_of(form):
    assert not form.is_valid()
    return {name: [str(one) for one in messages] for name, messages in form.errors.items()}


def agreed(name, payloads):
    """What several answers say together."""
    found = kinds.get(name).consensus(payloads)
    assert found is not None
    return found


# --- The options axes and flags ------------------------------------------------------------------------------------

HELP = {"name": "helpfulness", "low": 0, "points": ["useless", "poor", "fair", "good", "excellent"]}
SEVEN = {"name": "overall", "low": 1, "points": [""] * 7}
SIGNED = {"name": "worse or better", "low": -1, "points": ["", "", ""]}


@pytest.mark.parametrize(
    ("line", "axis"),
    [
        ("helpfulness: 0 useless | 1 poor | 2 fair | 3 good | 4 excellent", HELP),
        ("overall: 1-7", SEVEN),
        ("worse or better: -1 to 1", SIGNED),
    ],
)
def test_an_axis_is_the_same_as_a_line_and_as_json(line, axis):
    field = AxesField()
    assert field.clean(f"\n  {line}  \r\n\n") == field.clean([axis]) == field.clean([line]) == [axis]
    assert field.prepare_value([axis]) == line


@pytest.mark.parametrize(
    ("value", "line", "reason"),
    [
        ("a: 1-5\nb", 2, "a colon"),
        ("a: 1-5\n\nb:", 3, "a colon"),
        ("a: 1 bad | 3 good", 1, "without gaps"),
        ("a: bad | good", 1, "without gaps"),
        ("a: 1 only", 1, "2 to 10"),
        ("a: 0-10", 1, "2 to 10"),
        ("a: 5-1", 1, "2 to 10"),
        ("a.b: 1-5", 1, "a name"),
        ("a: 1-5\nA: 1-7", 2, "above"),
        ([HELP, HELP | {"low": True}], 2, "whole number"),
        ([HELP | {"high": 4}], 1, "name, low and points"),
        ([HELP | {"points": ["a", 1]}], 1, "list of texts"),
        ([HELP | {"name": "a\0b"}], 1, "a name"),
        ([7], 1, "name, low and points"),
    ],
)
def test_a_bad_axis_is_refused_with_its_line(value, line, reason):
    with pytest.raises(ValidationError) as refused:
        AxesField().clean(value)
    (message,) = refused.value.messages
    assert message.startswith(f"Line {line}: ") and reason in message


def test_an_option_must_be_a_list_and_have_its_limits():
    for value in ({"a": 1}, 7, True):
        with pytest.raises(ValidationError):
            AxesField().clean(value)
    with pytest.raises(ValidationError):
        FlagsField().clean([f"flag {nth}" for nth in range(31)])
    with pytest.raises(ValidationError):
        FlagsField().clean(["a", 1])
    assert FlagsField(required=False).clean("made up\n\n too long \n") == ["made up", "too long"]


def test_a_queues_options_are_canonical_from_the_page_and_from_the_api():
    by_page = running.checked_options("rate", {"axes": "overall: 1-7", "flags": "rude"})
    by_api = running.checked_options("rate", {"axes": [SEVEN], "flags": ["rude"]})
    assert by_page == by_api == {"axes": [SEVEN], "flags": ["rude"]}
    assert running.checked_options("rate", by_api) == by_api
    with pytest.raises(ValidationError) as refused:
        running.checked_options("rate", {"axes": ["overall"]})
    assert list(refused.value.message_dict) == ["options.axes"]


def test_a_rating_is_never_asked_without_an_axis_nor_steps_without_a_way_to_cut():
    (axis,) = running.checked_options("rate", {"axes": []})["axes"]
    assert (axis["name"], len(axis["points"])) == ("overall", 5)
    assert running.checked_options("steps", {"split": ""})["split"] == "paragraphs"


# --- Rate ----------------------------------------------------------------------------------------------------------


def scored(scores, flags=None):
    return {"scores": {"a": {"overall": scores[0]}, "b": {"overall": scores[1]}}, "flags": flags or {}, "comment": ""}


def test_rate_asks_for_every_score_and_writes_the_scale_down():
    form = the_form("rate", {"scores": {"a": {"overall": 3}}}, ["A", "B"], axes=[SEVEN], flags=[])
    assert errors_of(form) == {"scores.b.overall": ["Response B has no score yet: overall."]}
    assert form.payload() == {"scores": {"a": {"overall": 3}}, "scales": {"overall": [1, 7]}, "comment": ""}


@pytest.mark.parametrize("score", [0, 8, "x", 2.5])
def test_rate_refuses_what_is_not_on_the_scale(score):
    form = the_form("rate", {"scores": {"a": {"overall": score}}}, ["A"], axes=[SEVEN], flags=[])
    assert list(errors_of(form)) == ["scores.a.overall"]


@pytest.mark.parametrize(
    ("payload", "unknown"),
    [
        ({"scores": {"z": {"overall": 1}}}, "scores.z.overall"),
        ({"scores": {"a": {"other": 1}}}, "scores.a.other"),
        ({"scores": {"a": 1}}, "scores.a"),
        ({"scores": 1}, "scores"),
        ({"flags": {"a": ["rude"]}}, "flags.a"),
        ({"thumbs": {"a": True}}, "thumbs"),
    ],
)
def test_rate_refuses_by_name_what_is_not_asked(payload, unknown):
    assert the_form("rate", payload, ["A"], axes=[SEVEN], flags=[]).unknown_fields() == [unknown]


def test_rate_without_options_asks_for_one_overall_score():
    form = kinds.get("rate").label_form({"scores.a.overall": 5}, shown=Shown(["a"]), options={})
    assert form.is_valid() and form.payload()["scores"] == {"a": {"overall": 5}}


def test_flags_are_kept_once_in_the_queues_order():
    payload = scored((1, 5), {"a": ["rude", "long", "rude"], "b": []})
    form = the_form("rate", payload, ["A", "B"], axes=[SEVEN], flags=["long", "rude"])
    assert form.is_valid() and form.payload()["flags"] == {"a": ["long", "rude"]}
    assert "flags.a" in errors_of(the_form("rate", scored((1, 5), {"a": ["x"]}), ["A", "B"], flags=["long"]))


def test_rate_distance_is_the_mean_share_of_the_scale():
    rate, scale = kinds.get("rate"), {"scales": {"overall": [1, 5]}}
    assert rate.distance(scored((1, 5)) | scale, scored((5, 1)) | scale) == 1
    assert rate.distance(scored((1, 5)) | scale, scored((2, 5)) | scale) == pytest.approx(1 / 8)
    apart = scored((1, 5), {"a": ["rude", "long"]}) | scale, scored((1, 5), {"a": ["rude"]}) | scale
    assert rate.distance(*apart) == pytest.approx(0.5 / 3)


def test_rate_consensus_is_the_median_and_what_most_flag():
    votes = [scored((1, 5), {"a": ["rude"]}), scored((2, 5), {"a": ["rude"]}), scored((5, 4), {"b": ["rude"]})]
    found = agreed("rate", [one | {"scales": {"overall": [1, 5]}} for one in votes])
    assert (found["scores"], found["flags"]) == ({"a": {"overall": 2}, "b": {"overall": 5}}, {"a": ["rude"]})


def test_scores_make_no_preferences():
    assert list(kinds.get("rate").comparisons(kinds.get("rate").example().payload)) == []


def test_some_responses_can_be_let_off():
    class Lenient(axes.AxesForm):
        def clean(self):
            self.excuse(["b"])
            return self.cleaned_data

    form = Lenient({"scores.a.overall": 1}, shown=Shown(["a", "b"]), options={"axes": [SEVEN]})
    assert form.is_valid() and form.judged()["scores"] == {"a": {"overall": 1}}


# --- Thumbs --------------------------------------------------------------------------------------------------------


def test_thumbs_want_a_word_on_every_response():
    form = the_form("thumbs", {"thumbs": {"b": False}}, ["A", "B"])
    assert list(errors_of(form)) == ["thumbs.a"]
    assert form.payload()["thumbs"] == {"b": False}
    assert the_form("thumbs", {"thumbs": {"a": True, "b": False}}, ["A", "B"]).is_valid()


def test_thumbs_over_the_api_are_booleans():
    form = the_form("thumbs", {"thumbs": {"a": "true"}})
    assert list(kinds.wrong_types(form)) == ["thumbs.a"]


def test_thumbs_distance_and_consensus_go_by_response():
    thumbs = kinds.get("thumbs")
    votes = [
        {"thumbs": {"a": one, "b": other}} for one, other in ((True, True), (True, False), (False, True), (True, False))
    ]
    assert thumbs.distance(votes[0], votes[1]) == 0.5
    assert agreed("thumbs", votes)["thumbs"] == {"a": True}  # two for and two against say nothing of b
    assert thumbs.consensus([{"thumbs": {"a": True}}, {"thumbs": {"a": False}}]) is None


# --- Criteria ------------------------------------------------------------------------------------------------------

CLEAR, CAPITAL = {"text": "Is clear", "weight": 1}, {"text": "Names the capital", "weight": 2.5}
LIE = {"text": "Names another city", "weight": -3}


def judged(verdicts, **more):
    return {"verdicts": {"a": verdicts}} | more


def criteria_form(payload, given=(CLEAR,), asked=(CAPITAL,), **options):
    return the_form("criteria", payload, ["A"], {"criteria": list(asked)}, criteria=list(given), **options)


def test_criteria_of_the_queue_and_of_the_prompt_are_judged_together():
    form = criteria_form(judged(["yes", "no"]))
    assert form.is_valid(), form.errors
    assert form.payload() == {"criteria": [CLEAR, CAPITAL], "verdicts": {"a": ["yes", "no"]}, "comment": ""}
    assert form.unknown_fields() == []
    again = criteria_form(form.payload())
    assert again.is_valid() and again.payload() == form.payload()


def test_a_criterion_that_queue_and_prompt_share_counts_once_as_the_prompt_has_it():
    form = criteria_form(judged(["yes"]), asked=[CLEAR | {"weight": 4}])
    assert form.is_valid() and form.payload()["criteria"] == [CLEAR | {"weight": 4}]


def test_every_criterion_wants_a_verdict_and_a_draft_keeps_the_holes():
    form = criteria_form(judged([None, "no"]))
    assert errors_of(form) == {"verdicts.a.0": ["Not judged yet for response A."]}
    assert form.payload()["verdicts"] == {"a": [None, "no"]}
    back = criteria_form(form.payload())
    assert not back.is_valid() and back.payload() == form.payload() and not kinds.wrong_types(back)


def test_criteria_that_changed_meanwhile_are_not_judged_unseen():
    form = criteria_form(judged(["yes", "no"], criteria=[CAPITAL, CLEAR]))
    assert list(errors_of(form)) == ["criteria"]
    draft = criteria_form({}).__class__(
        None,
        shown=Shown(["a"], {"a": "A"}, {"criteria": [CAPITAL]}),
        options={"criteria": [CLEAR]},
        initial={"criteria": [LIE], "verdicts.a.0": "yes", "comment": "kept"},
    )
    assert draft["verdicts.a.0"].value() is None
    assert draft["comment"].value() == "kept"


def test_annotators_write_criteria_where_the_queue_lets_them():
    payload = judged(["yes", "no", "yes"], criteria=[CLEAR, CAPITAL, LIE])
    assert list(errors_of(criteria_form(payload))) == ["criteria"]
    form = criteria_form(payload, own=True)
    assert form.is_valid() and form.payload() == payload | {"comment": ""}
    assert "criteria" in errors_of(criteria_form({}, given=(), asked=(), own=True))


def test_the_page_posts_lines_of_which_empty_ones_are_none():
    data = QueryDict(mutable=True)
    data.setlist("criterion", ["Is clear", "Names the capital", "", "Names another city"])
    data.setlist("weight", ["1", "2.5", "1", "-3"])
    data.update(
        {"verdicts.a.0": "yes", "verdicts.a.1": "no", "verdicts.a.2": "no", "verdicts.a.3": "yes", "comment": ""}
    )
    kind = kinds.get("criteria")
    shown = Shown(["a"], {"a": "A"}, {"criteria": [CAPITAL]})
    form = kind.label_form(kind.label_form.posted(data), shown=shown, options={"criteria": [CLEAR], "own": True})
    assert form.is_valid(), form.errors
    assert form.payload() == judged(["yes", "no", "yes"], criteria=[CLEAR, CAPITAL, LIE], comment="")


def test_without_doesnt_apply_it_is_refused():
    assert criteria_form(judged(["na", "no"])).is_valid()
    assert list(errors_of(criteria_form(judged(["na", "no"]), not_applicable=False))) == ["verdicts.a.0"]


@pytest.mark.parametrize(
    ("verdicts", "share"),
    [
        (["yes", "yes", "no"], 1.0),
        (["no", "yes", "no"], 2.5 / 3.5),
        (["na", "yes", "no"], 1.0),
        (["yes", "no", "yes"], 0.0),  # 1 - 3: never below 0
        (["na", "na", "no"], 0.0),
    ],
)
def test_a_score_is_the_share_of_the_points_that_apply(verdicts, share):
    assert checklists.score([CLEAR, CAPITAL, LIE], verdicts) == pytest.approx(share)


@pytest.mark.parametrize(
    "facts",
    [{"criteria": "x"}, {"criteria": [{"weight": 1}]}, {"criteria": [{"text": "x", "weight": 0}]}, {"criteria": ["x"]},
     {"criteria": [{"text": "x", "weight": True}]}, {"criteria": [{"text": "x", "points": 1}]}, {}],
)  # fmt: skip
def test_a_row_whose_criteria_are_no_checklist_is_refused_at_import(facts):
    criteria = kinds.get("criteria")
    (problem,) = criteria.check_task(["A"], {}, facts)
    assert problem.field == "meta.criteria"
    assert not list(criteria.check_task(["A"], {}, {"criteria": [{"name": "n", "text": "x", "weight": 0.5}]}))
    assert not list(criteria.check_task(["A"], {"own": True}, {}))


def test_criteria_distance_and_consensus_go_by_verdict():
    criteria = kinds.get("criteria")
    votes = [judged(one, criteria=[CLEAR, LIE]) for one in (["yes", "no"], ["yes", "yes"], ["no", "na"])]
    assert criteria.distance(votes[0], votes[1]) == 0.5
    assert criteria.distance(votes[0], votes[2]) == pytest.approx(0.75)
    assert agreed("criteria", votes)["verdicts"] == {"a": ["yes", "na"]}


# --- Steps ---------------------------------------------------------------------------------------------------------

FENCED = "First.\n\n```python\na = 1\n\nb = 2\n```\n\nLast."
MATHS = "First.\n\n$$\nx = 1\n\ny = 2\n$$\n\nLast \\[\n\nz\n\n\\] end."


def test_steps_are_paragraphs_or_lines_and_never_cut_code_or_formulas():
    assert split("One\nstill one\n\n \nTwo\n", "paragraphs") == ["One\nstill one", "Two"]
    assert split("One\nTwo\n\nThree", "lines") == ["One", "Two", "Three"]
    assert split(FENCED, "paragraphs") == ["First.", "```python\na = 1\n\nb = 2\n```", "Last."]
    assert split(FENCED, "lines") == ["First.", "```python\na = 1\n\nb = 2\n```", "Last."]
    assert split(MATHS, "paragraphs") == ["First.", "$$\nx = 1\n\ny = 2\n$$", "Last \\[\n\nz\n\n\\] end."]
    assert split("~~~\nnever\n\nclosed", "lines") == ["~~~\nnever\n\nclosed"]
    assert split("It costs $$5.\n\nOr $$6.", "lines") == ["It costs $$5.\n\nOr $$6."]
    assert split(" \n\n", "paragraphs") == []


def test_every_step_wants_a_rating():
    form = the_form("steps", {"steps": [1, None, -1]})
    assert errors_of(form) == {"steps.1": ["Step 2 is not judged yet."]}
    assert form.payload()["steps"] == [1, None, -1]
    assert the_form("steps", {"steps": [1, 0, 0, 1]}).unknown_fields() == ["steps.3"]
    assert list(errors_of(the_form("steps", {"steps": [1, 2, 1]}))) == ["steps.1"]


def test_a_queue_that_stops_at_the_first_error_asks_for_no_more():
    for given in ([1, -1], [1, -1, 1]):
        form = the_form("steps", {"steps": given}, stop=True)
        assert form.is_valid() and form.payload()["steps"] == [1, -1]
    assert not the_form("steps", {"steps": [1, -1]}).is_valid()
    assert not the_form("steps", {"steps": [1]}, stop=True).is_valid()


def test_a_better_step_belongs_to_a_wrong_one():
    better = {"0": "unasked", "2": "2 h 25 min"}
    form = the_form("steps", {"steps": [1, 1, -1], "better": better})
    assert form.is_valid() and form.payload()["better"] == {"2": "2 h 25 min"}
    assert the_form("steps", {"steps": [1, 1, -1], "better": better}, better=False).unknown_fields() == [
        "better.0",
        "better.2",
    ]


def test_steps_cut_otherwise_are_judged_anew():
    payload = kinds.get("steps").example().payload
    assert list(errors_of(the_form("steps", payload, split="lines"))) == ["split"]
    kind = kinds.get("steps")
    flat = kind.label_form.flatten(payload)
    draft = kind.label_form(None, shown=kind.example().shown(), options={"split": "lines"}, initial=flat)
    assert draft["steps.0"].value() is None


def test_a_response_without_steps_or_with_too_many_is_no_task():
    steps = kinds.get("steps")
    assert [one.field for one in steps.check_task([" \n"], {})] == ["responses[0].text"]
    assert [one.field for one in steps.check_task(["x\n\n" * 201], {})] == ["responses[0].text"]
    assert not list(steps.check_task(["x\n" * 201], {"split": "paragraphs"}))


def test_steps_distance_and_consensus_go_by_step():
    steps = kinds.get("steps")
    votes = [{"steps": one, "split": "lines"} for one in ([1, 1, -1], [1, 0], [1, 0, 1])]
    assert steps.distance(votes[0], votes[2]) == pytest.approx((0.5 + 1) / 3)
    assert steps.distance(votes[0], votes[1]) == pytest.approx((0.5 + 0.5) / 3)
    assert agreed("steps", votes)["steps"] == [1, 0, 0]
    assert [(one.text, one.rating) for one in steps.steps(votes[1], {"a": "A\nB\nC"})] == [("A", 1), ("B", 0)]


# --- Edit ----------------------------------------------------------------------------------------------------------


def edited(text, *, unchanged=False):
    return the_form("edit", {"text": text, "unchanged": unchanged}, ["One\r\nstep."])


def test_a_text_that_is_still_the_given_one_is_refused_unless_there_was_nothing_to_improve():
    assert "text" in errors_of(edited("One\nstep."))
    assert edited("One\nstep.", unchanged=True).is_valid()
    assert "unchanged" in errors_of(edited("One\nsmall step.", unchanged=True))
    assert edited("One\nsmall step.").is_valid()
    assert "text" in errors_of(edited(" \n"))


def test_nothing_to_improve_can_be_switched_off():
    form = the_form("edit", {"text": "One"}, ["One"], unchanged=False)
    assert "Nothing to improve" not in errors_of(form)["text"][0]
    assert the_form("edit", {"text": "One", "unchanged": True}, ["One"], unchanged=False).unknown_fields() == [
        "unchanged"
    ]


def test_the_given_text_stands_in_the_field_until_there_is_a_draft():
    kind = kinds.get("edit")
    assert kind.label_form(None, shown=Shown(["a"], {"a": "One"}))["text"].value() == "One"
    assert kind.label_form(None, shown=Shown(["a"], {"a": "One"}), initial={"text": ""})["text"].value() == ""


# --- Stored --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["rate", "thumbs", "criteria", "steps", "edit"])
def test_a_label_and_a_draft_are_the_same_answer_whoever_sees_which_order(kind):
    work = make.a_queue(kind=kind, overlap=2)
    make.a_task(work)
    person = make.a_member(work.project)
    place = make.a_lease(person, work)
    payload = labelling.check(place, work.way.example().payload)
    labelling.save_draft(person, place, payload, place.fence)
    assert labelling.draft_of(person, place) == payload
    pk = labelling.submit(person, place, labelling.Answer(payload, place.fence)).label_id
    assert Label.objects.get(pk=pk).payload == payload
    make.a_label(make.a_member(work.project), work)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("rate", {"scores": {"z": {"overall": 1}}}),
        ("rate", {"flags": {"z": ["rude"]}}),
        ("thumbs", {"thumbs": {}}),
        ("criteria", {"verdicts": {"a": ["yes"]}}),
        ("steps", {"steps": []}),
    ],
)
def test_the_database_refuses_what_names_others_than_those_shown(kind, payload):
    work = make.a_queue(kind=kind)
    make.a_task(work)
    person = make.a_member(work.project)
    place = make.a_lease(person, work)
    with pytest.raises(IntegrityError), transaction.atomic():
        labelling.submit(person, place, labelling.Answer(payload, place.fence))


@pytest.mark.django_db
def test_facts_of_a_prompt_reach_the_annotators_form():
    work = make.a_queue(kind="criteria", options={"criteria": []})
    task = make.a_task(work, responses=["A"])
    Prompt.objects.filter(pk=task.prompt_id).update(meta={"criteria": [CAPITAL]})
    place = make.a_lease(make.a_member(work.project), work)
    payload = labelling.check(place, judged(["yes"]))
    assert json.loads(json.dumps(payload)) == judged(["yes"], criteria=[CAPITAL], comment="")

"""Recipes in which responses are set against each other."""

from pathlib import Path

from django.utils.translation import gettext_lazy as _

from annotate.presets import Preset

_GUIDELINES = Path(__file__).parent / "guidelines"

_OVERALL = {
    "name": "overall",
    "low": 1,
    "points": ["useless or harmful", "", "", "half done", "", "", "as good as it gets"],
}
_INSTRUCTGPT_FLAGS = [
    *("fails the instruction", "inappropriate for an assistant", "hallucination", "misses a constraint"),
    *("sexual content", "violent content", "harmful advice", "denigrates people", "opinion", "moral judgment"),
]

ORDERING = [
    Preset(
        name="instructgpt-rank",
        title=_("InstructGPT ranking"),
        description=_("Rate 4 to 9 responses from 1 to 7, mark their faults, then rank them; ties are welcome."),
        kind="rank",
        overlap=1,
        options={"axes": [_OVERALL], "flags": _INSTRUCTGPT_FLAGS, "ties": True, "unusable": True},
        source="Ouyang et al., Training language models to follow instructions with human feedback (2022), section 3",
        link="https://arxiv.org/abs/2203.02155",
        rest=_(
            "Labelers were screened, and most prompts were ranked by one person. Have about one task in seven ranked "
            "by three to know how well people agree; about 73 % of pairs is normal."
        ),
        guidelines=_GUIDELINES / "instructgpt-rank.md",
    ),
    Preset(
        name="pairwise-basic",
        title=_("Simple pairs"),
        description=_("Which of two is better? A tie and “both bad” can be chosen; a reason if there is one."),
        kind="compare",
        overlap=3,
        options={"strength": False, "tie": True, "both_bad": True, "reason": "optional"},
        source="Chiang et al., Chatbot Arena: An Open Platform for Evaluating LLMs by Human Preference (2024)",
        link="https://arxiv.org/abs/2403.04132",
        rest=_("Three people compare each pair; ask two more where they disagree."),
        guidelines=_GUIDELINES / "pairwise-basic.md",
    ),
    Preset(
        name="llama2-4pt",
        title=_("Llama 2, four steps"),
        description=_("Choose one of two, and by how much: significantly, better, slightly, negligibly. No tie."),
        kind="compare",
        overlap=1,
        options={"strength": True, "levels": 4, "tie": False, "both_bad": False},
        source="Touvron et al., Llama 2: Open Foundation and Fine-Tuned Chat Models (2023), section 3.1",
        link="https://arxiv.org/abs/2307.09288",
        rest=_(
            "Annotators wrote the prompts themselves, week by week, against the newest model. Safety is a queue of its "
            "own: there, switch the safety question on."
        ),
        guidelines=_GUIDELINES / "llama2-4pt.md",
    ),
    Preset(
        name="hh-helpful",
        title=_("Helpful replies (HH)"),
        description=_("How should the conversation go on? Choose the more helpful of two replies, on eight steps."),
        kind="compare",
        overlap=1,
        options={"strength": True, "levels": 4, "tie": False, "both_bad": False},
        source="Bai et al., Training a Helpful and Harmless Assistant with RLHF (2022), section 2",
        link="https://arxiv.org/abs/2204.05862",
        rest=_(
            "People talked to the model live and chose at every turn. Harmfulness was asked in a queue of its own, "
            "with other people's prompts. About 63 % agreement is what they reported."
        ),
        guidelines=_GUIDELINES / "hh-helpful.md",
    ),
    Preset(
        name="helpsteer3-preference",
        title=_("HelpSteer3 preference"),
        description=_("Seven steps from -3 to +3 with a tie in the middle, and a reason of one or two sentences."),
        kind="compare",
        overlap=3,
        options={"strength": True, "levels": 3, "tie": True, "both_bad": False, "reason": "required"},
        source="Wang et al., HelpSteer3-Preference: Open Human-Annotated Preference Data (2025)",
        link="https://arxiv.org/abs/2505.11475",
        rest=_("Three to five people by field and language; the three that are closest together were kept."),
        guidelines=_GUIDELINES / "helpsteer3-preference.md",
    ),
]

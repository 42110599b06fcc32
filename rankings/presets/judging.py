"""Recipes in which each response is judged by itself."""

from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from annotate.presets import Preset

_GUIDELINES = Path(__file__).parent / "guidelines"


def _axis(name: str, low: int, *points: str) -> dict[str, Any]:
    return {"name": name, "low": low, "points": list(points)}


_HELPSTEER2 = [
    _axis("helpfulness", 0, "not at all", "hardly", "partly", "mostly", "fully"),
    _axis("correctness", 0, "wrong", "mostly wrong", "mixed", "mostly right", "right and complete"),
    _axis("coherence", 0, "incomprehensible", "hard to follow", "mixed", "mostly clear", "clear throughout"),
    _axis("complexity", 0, "anybody could", "basic", "some knowledge", "advanced", "takes an expert"),
    _axis("verbosity", 0, "terse", "short", "as needed", "long", "very long"),
]
_FIVE = {
    "instruction following": ("ignores it", "hardly", "part of it", "nearly all", "all of it"),
    "truthfulness": ("full of errors", "many errors", "some errors", "nearly none", "nothing wrong"),
    "honesty": ("misleads", "overconfident", "mixed", "mostly calibrated", "as sure as it should be"),
    "helpfulness": ("no use", "little", "of some use", "helpful", "right and to the point"),
}

JUDGING = [
    Preset(
        name="helpsteer2-attributes",
        title=_("HelpSteer2 attributes"),
        description=_("Five attributes from 0 to 4: helpfulness, correctness, coherence, complexity, verbosity."),
        kind="rate",
        overlap=3,
        options={"axes": _HELPSTEER2},
        source="Wang et al., HelpSteer2: Open-source dataset for training top-performing reward models (2024)",
        link="https://arxiv.org/abs/2406.08673",
        rest=_(
            "Two more people rated where three were more than two points apart; what stayed apart was left out. "
            "About half of all ratings were dropped on the way."
        ),
        guidelines=_GUIDELINES / "helpsteer2-attributes.md",
    ),
    Preset(
        name="ultrafeedback-4x4",
        title=_("UltraFeedback, four by four"),
        description=_("Four responses, four aspects from 1 to 5, and a critique."),
        kind="rate",
        overlap=3,
        options={"axes": [_axis(name, 1, *points) for name, points in _FIVE.items()]},
        source="Cui et al., UltraFeedback: Boosting Language Models with Scaled AI Feedback (2023)",
        link="https://arxiv.org/abs/2310.01377",
        rest=_("A model gave the ratings there; here people do, or both, to compare them."),
        guidelines=_GUIDELINES / "ultrafeedback-4x4.md",
    ),
    Preset(
        name="prm-stepwise",
        title=_("Step by step (PRM800K)"),
        description=_("Each step of a solution is right, neither or wrong, up to the first error."),
        kind="steps",
        overlap=1,
        options={"stop": True, "better": True},
        source="Lightman et al., Let's Verify Step by Step (2023), section 2 and appendix D",
        link="https://arxiv.org/abs/2305.20050",
        rest=_(
            "Thirty shared tasks screened the labelers, and tasks with known answers were mixed in for all of them."
        ),
        guidelines=_GUIDELINES / "prm-stepwise.md",
    ),
    Preset(
        name="kto-thumbs",
        title=_("Thumbs up or down (KTO)"),
        description=_("One response, good or bad: data for training on unpaired preferences."),
        kind="thumbs",
        overlap=1,
        options={},
        source="Ethayarajh et al., KTO: Model Alignment as Prospect Theoretic Optimization (2024)",
        link="https://arxiv.org/abs/2402.01306",
        rest=_("Ask two or three people where a wrong thumb would cost much."),
        guidelines=_GUIDELINES / "kto-thumbs.md",
    ),
]

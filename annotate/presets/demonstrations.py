"""Recipes for supervised fine-tuning."""

from pathlib import Path

from django.utils.translation import gettext_lazy as _

from annotate.presets.base import Preset

_GUIDELINES = Path(__file__).parent / "guidelines"

PRESETS = [
    Preset(
        name="sft-demo",
        title=_("Demonstrations"),
        description=_("People write the answer a good assistant would give: data for supervised fine-tuning."),
        kind="write",
        overlap=1,
        options={"min_words": 1},
        source="Ouyang et al., Training language models to follow instructions with human feedback (2022), section 3.2",
        link="https://arxiv.org/abs/2203.02155",
        rest=_("One person writes; have a second one review every label before it is exported."),
        guidelines=_GUIDELINES / "sft-demo.md",
    ),
]

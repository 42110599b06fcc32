"""What they say: drafts, submitted labels, amendments, and the three ways out of a task."""

from annotate.labelling.amending import (
    MOST_UNDONE,
    amend,
    amendable,
    back_from,
    digest,
    stored_before,
    supersede,
    why_not_amendable,
)
from annotate.labelling.answers import MOST_ACTIVE_SECONDS, Answer, Submitted, submit
from annotate.labelling.checking import check, check_draft, form_for, named_as_shown, shown_by, shown_to
from annotate.labelling.drafts import draft_of, is_held, save_draft, was_leased_to
from annotate.labelling.leaving import give_all_back, give_back, leave, resolve_flag
from annotate.labelling.refusals import (
    AlreadyLabelled,
    DraftNewer,
    KeyReused,
    NotAmendable,
    NotTheirs,
    Refused,
    TooLate,
)

__all__ = [
    "MOST_ACTIVE_SECONDS",
    "MOST_UNDONE",
    "AlreadyLabelled",
    "Answer",
    "DraftNewer",
    "KeyReused",
    "NotAmendable",
    "NotTheirs",
    "Refused",
    "Submitted",
    "TooLate",
    "amend",
    "amendable",
    "back_from",
    "check",
    "check_draft",
    "digest",
    "draft_of",
    "form_for",
    "give_all_back",
    "give_back",
    "is_held",
    "leave",
    "named_as_shown",
    "resolve_flag",
    "save_draft",
    "shown_by",
    "shown_to",
    "stored_before",
    "submit",
    "supersede",
    "was_leased_to",
    "why_not_amendable",
]

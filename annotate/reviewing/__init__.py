"""Was it good: what reviewers say of labels, whose turn it is to be reviewed, and how good the reviewers are."""

from annotate.reviewing.disagreement import Disagreement, among
from annotate.reviewing.feedback import asked_to_change, feedback, mark_seen, newest, unseen
from annotate.reviewing.grading import known_verdict, mark_known, unmark_known
from annotate.reviewing.turns import add, begin_anew, fill, fill_all, give_back, held, take, waiting
from annotate.reviewing.verdicts import LONGEST_REASON, Amended, OwnLabel, choose, fix, is_own, review

__all__ = [
    "LONGEST_REASON",
    "Amended",
    "Disagreement",
    "OwnLabel",
    "add",
    "among",
    "asked_to_change",
    "begin_anew",
    "choose",
    "feedback",
    "fill",
    "fill_all",
    "fix",
    "give_back",
    "held",
    "is_own",
    "known_verdict",
    "mark_known",
    "mark_seen",
    "newest",
    "review",
    "take",
    "unmark_known",
    "unseen",
    "waiting",
]

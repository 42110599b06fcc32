"""Was it good: what reviewers say of labels, whose turn it is to be reviewed, and how good the reviewers are."""

from annotate.reviewing.disagreement import Disagreement, among
from annotate.reviewing.feedback import asked_to_change, feedback, mark_seen, newest, unseen, with_verdict
from annotate.reviewing.grading import known_verdict, mark_known, unmark_known
from annotate.reviewing.turns import (
    add,
    all_waiting,
    begin_anew,
    fill,
    fill_all,
    give_back,
    held,
    is_hidden,
    queues_waiting,
    take,
    waiting,
    waits,
)
from annotate.reviewing.verdicts import LONGEST_REASON, Amended, OwnLabel, choose, fix, is_own, own, review

__all__ = [
    "LONGEST_REASON",
    "Amended",
    "Disagreement",
    "OwnLabel",
    "add",
    "all_waiting",
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
    "is_hidden",
    "is_own",
    "known_verdict",
    "mark_known",
    "mark_seen",
    "newest",
    "own",
    "queues_waiting",
    "review",
    "take",
    "unmark_known",
    "unseen",
    "waiting",
    "waits",
    "with_verdict",
]

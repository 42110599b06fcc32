"""The nouns. Fields, constraints and one-row rules; what happens to them is in the verbs' modules."""

from annotate.models.files import Import, ImportPart, Job, Mapping, RefusedRow, Rendering, Replay, RowIssue, WorkerBeat
from annotate.models.labels import Draft, Exit, Label, Review
from annotate.models.people import Invitation, Member, OutsideAnnotator, Role, Scope, Token, User
from annotate.models.projects import Guideline, Project
from annotate.models.prompts import Prompt, Response
from annotate.models.quality import (
    CheckResult,
    KnownVerdict,
    Pause,
    Remark,
    Report,
    Segment,
    Thread,
    ToReview,
)
from annotate.models.queues import Assignment, Queue, Seat, Task
from annotate.models.releases import Asset, Release, ReleaseFile

__all__ = [
    "Asset",
    "Assignment",
    "CheckResult",
    "Draft",
    "Exit",
    "Guideline",
    "Import",
    "ImportPart",
    "Invitation",
    "Job",
    "KnownVerdict",
    "Label",
    "Mapping",
    "Member",
    "OutsideAnnotator",
    "Pause",
    "Project",
    "Prompt",
    "Queue",
    "RefusedRow",
    "Release",
    "ReleaseFile",
    "Remark",
    "Rendering",
    "Replay",
    "Report",
    "Response",
    "Review",
    "Role",
    "RowIssue",
    "Scope",
    "Seat",
    "Segment",
    "Task",
    "Thread",
    "ToReview",
    "Token",
    "User",
    "WorkerBeat",
]

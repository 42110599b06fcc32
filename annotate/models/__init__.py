"""The nouns. Fields, constraints and one-row rules; what happens to them is in the verbs' modules."""

from annotate.models.files import Import, Job, RefusedRow, Release, Rendering, Replay, WorkerBeat
from annotate.models.labels import Draft, Exit, Label, Review
from annotate.models.people import Invitation, Member, Role, Scope, Token, User
from annotate.models.projects import Guideline, Project
from annotate.models.prompts import Prompt, Response
from annotate.models.queues import Assignment, Queue, Seat, Task

__all__ = [
    "Assignment",
    "Draft",
    "Exit",
    "Guideline",
    "Import",
    "Invitation",
    "Job",
    "Label",
    "Member",
    "Project",
    "Prompt",
    "Queue",
    "RefusedRow",
    "Release",
    "Rendering",
    "Replay",
    "Response",
    "Review",
    "Role",
    "Scope",
    "Seat",
    "Task",
    "Token",
    "User",
    "WorkerBeat",
]

"""What can be wrong: with a row, which is then left out, or with a whole file, which is then given up."""

from typing import Any

from annotate.kinds import Problem


class Unreadable(Exception):
    """The file can't be read, or not to its end. The message is for the person who brought it."""

    def __init__(self, message: Any) -> None:
        super().__init__(str(message))


class Refused(Exception):
    """A row that is left out, and why."""

    def __init__(self, field: str, reason: Any) -> None:
        super().__init__(field, reason)
        self.problem = Problem(field, str(reason))

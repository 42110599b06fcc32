"""Why an answer is not taken."""

from datetime import datetime
from typing import Any


class Refused(Exception):
    """An answer that can't be taken. `code` is for programs, the message for people."""

    code = "refused"

    def __init__(self, message: Any) -> None:
        super().__init__(str(message))
        self.message = message


class TooLate(Refused):
    """The place went to somebody else meanwhile; the answer was kept as a draft."""

    code = "too_late"


class NotTheirs(Refused):
    """The place was never leased to this person under this fencing number."""

    code = "not_theirs"


class AlreadyLabelled(Refused):
    """This person has labelled this task, under another key."""

    code = "already_labelled"


class KeyReused(Refused):
    """The idempotency key was used before, for another answer."""

    code = "key_reused"


class DraftNewer(Refused):
    """The stored draft is newer than the one this text was based on: another tab or device has saved meanwhile."""

    code = "draft_newer"

    def __init__(self, message: Any, version: int, saved_at: datetime) -> None:
        super().__init__(message)
        self.version, self.saved_at = version, saved_at


class NotAmendable(Refused):
    """The label can't be changed any more: `superseded`, `reviewed` or `queue_closed`."""

    def __init__(self, code: str, message: Any) -> None:
        super().__init__(message)
        self.code = code

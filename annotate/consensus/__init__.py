"""What several labels of one task say together, and how sure that is.

`base` the contract of a method; `plain` majority and the kind's own consensus; `reliability` answers weighed by what
each annotator is known to say. `settings.CONSENSUS` lists the modules that have methods; other apps have more.
The votes themselves are never changed: a method reads them, and every export may have them instead.
"""

from annotate.consensus.base import Method, Together, Votes
from annotate.consensus.plain import alike
from annotate.consensus.registry import for_kind, get, methods

__all__ = ["Method", "Together", "Votes", "alike", "for_kind", "get", "methods"]

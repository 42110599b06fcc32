"""Drawing by chance in a way that can be told again: from the queue's seed and the ids of what is drawn."""

from hashlib import sha256

from annotate.models import Queue


def chance(queue: Queue, what: str, *ids: int) -> float:
    """A number from 0 to below 1, the same every time for the same queue, purpose and ids."""
    text = ":".join(map(str, (queue.shuffle_seed, what, *ids)))
    return int.from_bytes(sha256(text.encode()).digest()[:6]) / 2**48

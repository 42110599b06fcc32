"""Orders that follow a queue's labels: what is best asked next changes as labels come in.

`settings.ORDERS` names, by a queue's order, a function that takes the queue and gives ids of its tasks, the best first.
They are put in order by a worker, at most once a minute, and only where labels came since.
"""

from datetime import timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from annotate import jobs, queue
from annotate.models import Label, Queue

TASK = "annotate.tasks.put_in_order"

EVERY = timedelta(minutes=1)


def wake_waiting() -> None:
    """Tell a worker of each queue whose order has grown old. Told twice, only one puts it in order."""
    for pk in _due().values_list("pk", flat=True):
        jobs.wake(TASK, pk)


def _due() -> QuerySet[Queue]:
    """Open queues with labels that their order does not know, and that were not put in order just now."""
    learning = Queue.objects.filter(order__in=settings.ORDERS, state=Queue.State.OPEN)
    just_now = Label.objects.filter(pk=OuterRef("ordered_to"), created_at__gt=Now() - EVERY)
    newer = Label.objects.filter(queue=OuterRef("pk"), pk__gt=OuterRef("ordered_to"))
    return learning.filter(Exists(newer), ~Exists(just_now))


def put_in_order(queue_id: int) -> None:
    """Bring forward what is best asked next."""
    work = _due().select_related("project").filter(pk=queue_id).first()
    if work is None:
        return
    newest = Label.objects.filter(queue=work).order_by("-pk").values_list("pk", flat=True)[0]
    ours = Queue.objects.filter(pk=work.pk, ordered_to=work.ordered_to).update(ordered_to=newest)
    if ours and (tasks := import_string(settings.ORDERS[work.order])(work)):
        queue.bring_forward(work, tasks)

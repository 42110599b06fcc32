"""Who am I, and what did I do: the first call of a program that wants to know whether its token works, and one's own
labels and progress.
"""

from rest_framework.response import Response

from annotate import own, preferences, reviewing
from annotate.api.base import ApiView, Call, Request, page_of
from annotate.api.pages import page
from annotate.api.serializers.own import MyLabelOut, OwnLabelQuery, ProgressOut
from annotate.api.serializers.people import MeOut
from annotate.models import Scope


class Me(ApiView):
    calls = {"GET": Call("me", Scope.READ, {200: MeOut})}

    def get(self, request: Request) -> Response:
        """Who asks, and what their token may do (null for a browser's session)."""
        return Response(MeOut({"name": request.user.name, "email": request.user.email, "token": request.auth}).data)


class OwnLabels(ApiView):
    calls = {"GET": Call("list_own_labels", Scope.READ, {200: page_of(MyLabelOut)}, query=OwnLabelQuery)}

    def get(self, request: Request) -> Response:
        """Your own labels, amended ones too, each with the review that counts."""
        found = own.labels(request.user).filter(pk__gt=self.asked["since"])
        if "queue" in self.asked:
            found = found.filter(queue=self.asked["queue"])
        rows, following = page(request, found, self.asked)
        context = {"reviews": reviewing.newest(rows)}
        return Response({"results": MyLabelOut(rows, many=True, context=context).data, "next": following})


class Progress(ApiView):
    calls = {"GET": Call("get_own_progress", Scope.READ, {200: ProgressOut})}

    def get(self, request: Request) -> Response:
        """What you did in the last seven days and in each queue, and what waits for you."""
        chosen, seats = preferences.of(request.user), list(own.seats(request.user))
        waits = own.waiting(request.user, [seat.queue for seat in seats])
        queues = [
            {
                "queue": seat.queue_id,
                "name": seat.queue.name,
                "done": seat.done,
                "active_seconds": seat.active_seconds,
                "waiting": waits[seat.queue_id],
            }
            for seat in seats
        ]
        progress = {
            "time_zone": chosen.time_zone,
            "days": own.week(request.user, chosen.zone),
            "queues": queues,
            "unseen_feedback": reviewing.unseen(request.user),
        }
        return Response(ProgressOut(progress).data)

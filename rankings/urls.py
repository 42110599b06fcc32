"""The addresses of the comparing pages and of their API, and their places among the tabs."""

from django.urls import URLPattern, URLResolver, path
from django.utils.translation import gettext_lazy as _

from annotate.models import Queue, Role
from annotate.views.frames import Tab
from rankings.api import bias as bias_api
from rankings.api import boards as boards_api
from rankings.api import learning as learning_api
from rankings.boards.meetings import compares
from rankings.views import bias, boards, learning


def _compares(queue: Queue) -> bool:
    return compares(queue.way)


TABS: list[Tab] = [
    Tab("queue", "board", _("Board"), "queue-board", Role.MANAGER, _compares),
    Tab("queue", "bias", _("Bias"), "queue-bias", Role.REVIEWER, _compares),
    Tab("project", "board", _("Board"), "project-board", Role.MANAGER),
    Tab("release", "learnable", _("Is it learnable?"), "release-learnable", Role.MANAGER, learning.suits),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("queues/<int:pk>/board/", boards.of_queue, name="queue-board"),
    path("queues/<int:pk>/board.csv", boards.queue_file, name="queue-board-file"),
    path("projects/<slug:slug>/board/", boards.of_project, name="project-board"),
    path("projects/<slug:slug>/board.csv", boards.project_file, name="project-board-file"),
    path("queues/<int:pk>/bias/", bias.bias, name="queue-bias"),
    path("queues/<int:pk>/bias.csv", bias.file, name="queue-bias-file"),
    path("releases/<int:pk>/learnable/", learning.learnable, name="release-learnable"),
    path("releases/<int:pk>/learnable.csv", learning.file, name="release-learnable-file"),
    path("api/v1/releases/<int:pk>/learnability", learning_api.Learnability.as_view(), name="api-learnability"),
    path("api/v1/releases/<int:pk>/learnability/review", learning_api.Review.as_view(), name="api-learnability-review"),
    path("api/v1/projects/<slug:slug>/board", boards_api.ProjectBoard.as_view(), name="api-project-board"),
    path("api/v1/queues/<int:pk>/board", boards_api.QueueBoard.as_view(), name="api-queue-board"),
    path("api/v1/queues/<int:pk>/bias", bias_api.QueueBias.as_view(), name="api-queue-bias"),
]

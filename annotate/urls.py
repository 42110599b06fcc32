"""The pages' addresses. `work` is for annotators, the rest for whoever runs projects and queues."""

from django.urls import include, path

from annotate.views import account, exporting, home, importing, labels, people, projects, queues, work

urlpatterns = [
    path("", home.home, name="home"),
    path("sign-in/", account.sign_in, name="sign-in"),
    path("sign-out/", account.sign_out, name="sign-out"),
    path("invitations/<str:secret>/", account.accept_invitation, name="accept-invitation"),
    path("tokens/", account.tokens, name="tokens"),
    # the annotator's loop
    path("queues/<int:pk>/work/", work.work, name="work"),
    path("assignments/<int:pk>/submit/", work.submit, name="submit"),
    path("assignments/<int:pk>/draft/", work.draft, name="draft"),
    path("assignments/<int:pk>/leave/", work.leave, name="leave"),
    # running projects and queues
    path("projects/new/", projects.create, name="project-new"),
    path("projects/<slug:slug>/", projects.show, name="project"),
    path("projects/<slug:slug>/settings/", projects.settings, name="project-settings"),
    path("projects/<slug:slug>/guidelines/", projects.guidelines, name="guidelines"),
    path("projects/<slug:slug>/people/", people.people, name="people"),
    path("projects/<slug:slug>/queues/new/", queues.create, name="queue-new"),
    path("queues/<int:pk>/", queues.show, name="queue"),
    path("queues/<int:pk>/settings/", queues.settings, name="queue-settings"),
    path("queues/<int:pk>/people/", people.seats, name="queue-people"),
    path("queues/<int:pk>/preview/", queues.preview, name="queue-preview"),
    path("queues/<int:pk>/guidelines/", projects.queue_guidelines, name="queue-guidelines"),
    path("queues/<int:pk>/tasks/", labels.tasks, name="tasks"),
    path("queues/<int:pk>/places/", labels.places, name="places"),
    path("queues/<int:pk>/labels/", labels.labels, name="labels"),
    path("labels/<int:pk>/", labels.show, name="label"),
    path("tasks/<int:pk>/", labels.task, name="task"),
    path("queues/<int:pk>/import/", importing.upload, name="import-new"),
    path("queues/<int:pk>/refused/", importing.refused, name="refused"),
    path("imports/<int:pk>/", importing.show, name="import"),
    path("imports/<int:pk>/refused.<str:ending>", importing.download, name="refused-file"),
    path("queues/<int:pk>/export/", exporting.export, name="export"),
    path("queues/<int:pk>/export/<slug:name>.<str:ending>", exporting.download, name="export-file"),
    path("api/v1/", include("annotate.api.urls")),
]

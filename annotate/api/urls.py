"""The API's addresses, under /api/v1/."""

from django.urls import path, re_path

from annotate.api import documents, exports, imports, labels, me, projects, queues, reviews, tasks, work

urlpatterns = [
    path("me", me.Me.as_view(), name="api-me"),
    path("me/labels", me.OwnLabels.as_view(), name="api-own-labels"),
    path("me/progress", me.Progress.as_view(), name="api-own-progress"),
    path("projects", projects.Projects.as_view(), name="api-projects"),
    path("projects/<slug:slug>", projects.OneProject.as_view(), name="api-project"),
    path("projects/<slug:slug>/members", projects.Members.as_view(), name="api-members"),
    path("projects/<slug:slug>/members/<int:pk>", projects.OneMember.as_view(), name="api-member"),
    path("projects/<slug:slug>/invitations", projects.Invitations.as_view(), name="api-invitations"),
    path("projects/<slug:slug>/queues", queues.Queues.as_view(), name="api-queues"),
    path("queues/<int:pk>", queues.OneQueue.as_view(), name="api-queue"),
    path("queues/<int:pk>/import", imports.Upload.as_view(), name="api-import-new"),
    path("queues/<int:pk>/imports", imports.Imports.as_view(), name="api-imports"),
    path("imports/<int:pk>", imports.OneImport.as_view(), name="api-import"),
    path("imports/<int:pk>/errors", imports.Errors.as_view(), name="api-import-errors"),
    path("queues/<int:pk>/tasks", tasks.Tasks.as_view(), name="api-tasks"),
    path("tasks/<int:pk>", tasks.OneTask.as_view(), name="api-task"),
    path("queues/<int:pk>/claim", work.Claim.as_view(), name="api-claim"),
    path("assignments/<int:pk>/draft", work.Draft.as_view(), name="api-draft"),
    path("assignments/<int:pk>/submit", work.Submit.as_view(), name="api-submit"),
    path("assignments/<int:pk>/skip", work.Skip.as_view(), name="api-skip"),
    path("assignments/<int:pk>/decline", work.Decline.as_view(), name="api-decline"),
    path("assignments/<int:pk>/flag", work.Flag.as_view(), name="api-flag"),
    path("assignments/<int:pk>/release", work.GiveBack.as_view(), name="api-release"),
    path("labels/<int:pk>/amend", work.Amend.as_view(), name="api-amend"),
    path("queues/<int:pk>/guidelines/confirm", queues.Confirm.as_view(), name="api-confirm-guidelines"),
    path("labels/<int:pk>/reviews", reviews.Reviews.as_view(), name="api-reviews"),
    path("queues/<int:pk>/labels", labels.Labels.as_view(), name="api-labels"),
    path("presets", queues.Presets.as_view(), name="api-presets"),
    path("formats", exports.Formats.as_view(), name="api-formats"),
    path("queues/<int:pk>/export", exports.Export.as_view(), name="api-export"),
    path("queues/<int:pk>/export/count", exports.Count.as_view(), name="api-export-count"),
    path("schema", documents.Document.as_view(), name="api-schema"),
    re_path(r"", documents.Unknown.as_view()),
]

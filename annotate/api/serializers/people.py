"""Projects, who is in them, and who asks."""

from typing import Any

from rest_framework import serializers

from annotate.api.base import Strict
from annotate.models import Member, Project, Role


class ProjectIn(Strict):
    slug = serializers.SlugField(max_length=60)
    name = serializers.CharField(max_length=120)
    description = serializers.CharField(max_length=5_000, required=False, allow_blank=True)


class ProjectChange(Strict):
    name = serializers.CharField(max_length=120, required=False)
    description = serializers.CharField(max_length=5_000, required=False, allow_blank=True)


class ProjectOut(serializers.ModelSerializer[Project]):
    """`context["roles"]`: the asking person's role, by the project's id."""

    role = serializers.SerializerMethodField(help_text="Yours.")

    class Meta:
        model = Project
        fields = ["slug", "name", "description", "role", "created_at"]

    def get_role(self, project: Project) -> str:
        role: str = self.context["roles"][project.pk]
        return role


class MemberIn(Strict):
    email = serializers.EmailField(max_length=254)
    role = serializers.ChoiceField(choices=Role.choices, default=Role.ANNOTATOR)


class MemberChange(Strict):
    role = serializers.ChoiceField(choices=Role.choices)


class MemberOut(serializers.ModelSerializer[Member]):
    name = serializers.CharField(source="user.name")
    email = serializers.EmailField(source="user.email")

    class Meta:
        model = Member
        fields = ["id", "name", "email", "role", "joined_at"]


class InvitationOut(serializers.Serializer[Any]):
    email = serializers.EmailField()
    role = serializers.ChoiceField(choices=Role.choices)
    expires_at = serializers.DateTimeField()
    link = serializers.URLField(
        allow_null=True, help_text="For this person alone. Shown this once: null when the answer is given again."
    )


class TokenOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    project = serializers.CharField(source="project.slug", default=None, allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)


class MeOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    email = serializers.EmailField()
    token = TokenOut(allow_null=True)

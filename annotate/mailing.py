"""Letters to people. A site without `settings.MAILERS` sends none, and its pages show the links to pass on."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.utils.translation import gettext as _

from annotate.models import Invitation

logger = logging.getLogger(__name__)


def is_set_up() -> bool:
    return bool(getattr(settings, "MAILERS", None))


def send_invitation(invitation: Invitation, link: str) -> bool:
    """Mail the link to whom it is for. False where no mail can be sent: then somebody must pass it on."""
    if not is_set_up():
        return False
    subject = _("You are invited to “%s”") % " ".join(invitation.project.name.split())
    lines = [
        _("%(name)s invites you to the project “%(project)s”.")
        % {"name": invitation.invited_by, "project": invitation.project},
        _("Open this link to join. It is for you alone and holds for 14 days:"),
        link,
    ]
    try:
        return bool(send_mail(subject, "\n\n".join(lines), None, [invitation.email]))
    except (SMTPException, OSError) as error:
        logger.warning("an invitation could not be mailed: %s", type(error).__name__)
        return False

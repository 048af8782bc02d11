"""What can be wrong about staff, as facts; each door says it in its own way."""

from django.core.exceptions import PermissionDenied


class LastAdminAgent(Exception):
    """The change would leave the account without an active Admin agent, and nobody could ever add one again."""


class NotYourself(Exception):
    """Somebody tried to deactivate themselves, or to reset their own second factor; another Admin agent has to do it."""


class DirectoryRefused(Exception):
    """The company's directory vouches for somebody who does not come in.

    `reason`: "unknown_tenant", "no_role", "email_not_verified" or "taken".
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class SecondFactorMissing(PermissionDenied):
    """The account requires a second factor, and this member has none."""


class TokenNotAccepted(Exception):
    """The API token is unknown, revoked or expired, or its owner is deactivated; which of these is not said."""


class NotForApplications(Exception):
    """A program that acts without a person asks for what only a person may do."""

"""What the server asks of the Dataverse behind it."""

from typing import Protocol

from ipexportal.sandbox.directory import User
from ipexportal.sandbox.http import Request, Response
from ipexportal.sandbox.metadata import Table


class Organization(Protocol):
    """One organization: answers Web API requests of its members, and lets tests change rights."""

    def handle(self, request: Request, user: User) -> Response:
        """Answer one Web API request of a user who has a system user."""

    def table(self, logical_name: str) -> Table | None:
        """A table, or None."""

    def revoke(self, privilege: str, upn: str) -> None:
        """Take a privilege from somebody."""

    def grant(self, privilege: str, upn: str) -> None:
        """Give it back."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from tenants import configuration, registration
from tenants.models import Tenant

DIRECTORY = UUID("3f1d2c4b-8a57-4c1e-9d30-5b6a7c8d9e01")


@pytest.fixture(scope="session")
def example() -> str:
    """The file the documentation shows: every key of the format."""
    return (Path(__file__).parents[2] / "docs" / "tenant.example.toml").read_text()


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instances at Microsoft's real addresses do not answer."""
    monkeypatch.setattr(registration, "find_directory", lambda origin, budget: None)


@pytest.fixture
def imported(db: None, offline: None) -> Callable[..., configuration.Diff]:
    """Import a file, as ivana."""

    def act(text: str, *, dry_run: bool = False, secrets: dict[str, str] | None = None) -> configuration.Diff:
        loaded = configuration.load(text, secrets={} if secrets is None else secrets)
        return configuration.apply(loaded, by="ivana", dry_run=dry_run)

    return act


@pytest.fixture
def customer(imported: Callable[..., configuration.Diff], example: str) -> Tenant:
    """The example's customer."""
    imported(example)
    return Tenant.objects.get(slug="acme")

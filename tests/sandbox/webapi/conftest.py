"""One organization to read from, shared, and a fresh small one for whoever writes or changes rights."""

import pytest

from ipexportal.sandbox import directory
from ipexportal.sandbox.dataverse import Dataverse
from tests.sandbox.webapi.people import Person


@pytest.fixture(scope="session")
def acme() -> Dataverse:
    return Dataverse(records=300, seed=1)


@pytest.fixture
def fresh() -> Dataverse:
    return Dataverse(records=0)


@pytest.fixture
def jana(acme: Dataverse) -> Person:
    return Person(acme, directory.JANA)


@pytest.fixture
def bob(acme: Dataverse) -> Person:
    return Person(acme, directory.BOB)


@pytest.fixture
def alice(acme: Dataverse) -> Person:
    return Person(acme, directory.ALICE)


@pytest.fixture
def writing_jana(fresh: Dataverse) -> Person:
    return Person(fresh, directory.JANA)


@pytest.fixture
def writing_bob(fresh: Dataverse) -> Person:
    return Person(fresh, directory.BOB)


@pytest.fixture
def writing_alice(fresh: Dataverse) -> Person:
    return Person(fresh, directory.ALICE)

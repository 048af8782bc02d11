"""Real servers for the tests of faults."""

from pathlib import Path

import pytest

from tests.soak.server import Portal


@pytest.fixture(scope="session")
def static(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The static files, collected once for all the servers."""
    portal = Portal(tmp_path_factory.mktemp("static"))
    portal.manage("collectstatic", "--noinput", "--verbosity", "0")
    return portal.folder / "static"

"""One OpenBao for all tests of a process; each has mounts of its own."""

from collections.abc import Iterator

import pytest

from tests.server.places.bao import OpenBao, running


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with running(tmp_path_factory.mktemp("openbao")) as bao:
        yield bao

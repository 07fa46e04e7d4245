"""A fake TMDB for the tests of this folder, healed and with its counts at zero for each."""
import pytest

from fakes.tmdb_harness import FakeTmdb


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    with FakeTmdb(tmp_path_factory.mktemp("fake")).start() as fake:
        yield fake
        assert fake.stop() == 0
        assert fake.log.read_text() == ""


@pytest.fixture
def fake(running):
    running.heal()
    running.reset_counts()
    yield running
    running.heal()

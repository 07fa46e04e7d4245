"""What the tests of the movie service on TMDB share: a TMDB to hurt, and a Redis to take away. A module may have its own."""
import pytest
from fakes.tmdb_harness import FakeTmdb
from redis_harness import Redis
from tmdb_case import TOKEN


@pytest.fixture
def fake(tmp_path):
    with FakeTmdb(tmp_path).start(token=TOKEN) as running:
        yield running


@pytest.fixture
def redis(tmp_path):
    server = Redis(tmp_path / "redis").start()
    yield server
    server.stop()

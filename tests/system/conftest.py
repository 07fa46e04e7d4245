"""What tests share: a TMDB to hurt, a collector of traces, a Redis and a RabbitMQ to take away. A module may have its own."""
import pytest
from fakes.tmdb_harness import FakeTmdb
from otlp_harness import Collector
from rabbit_harness import RabbitMQ
from redis_harness import Redis
from tmdb_case import TOKEN


@pytest.fixture
def fake(tmp_path):
    with FakeTmdb(tmp_path).start(token=TOKEN) as running:
        yield running


@pytest.fixture
def collector():
    with Collector() as running:
        yield running


@pytest.fixture
def redis(tmp_path):
    server = Redis(tmp_path / "redis").start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def server():
    """A RabbitMQ, one a worker: it takes long to start."""
    broker = RabbitMQ()
    try:
        yield broker.start()
    finally:
        broker.stop()


@pytest.fixture
def rabbit(server):
    """A virtual host of its own on it."""
    return server.fresh()

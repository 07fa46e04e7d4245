"""Fixtures of the system tests. See harness.py for what they give."""
import atexit
import os
import pathlib
import socket
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import harness  # noqa: E402  (needs the path above)


def believe_little():
    """httpx reads whom to believe on TLS for every client it makes, even where none is spoken: with all the world's
    certificates that is 22 ms of a processor, over a third of what five files of tests took. One will do; what is tested never sees this."""
    first, end, _ = pathlib.Path("/etc/ssl/certs/ca-certificates.crt").read_text(encoding="ascii").partition(PEM_END)
    file = tempfile.NamedTemporaryFile("w", prefix="cinesync-ca-", suffix=".pem", delete=False)  # noqa: SIM115
    with file:
        file.write(first + end + "\n")
    atexit.register(os.unlink, file.name)
    os.environ["SSL_CERT_FILE"] = file.name


def send_at_once():
    """Debian 12's httpx sends a body after its header without TCP_NODELAY: Nagle holds it back until the other side has confirmed the
    header, which that puts off by 40 ms, with every PUT and POST of every test."""
    connect = socket.create_connection

    def create_connection(*arguments, **more):
        made = connect(*arguments, **more)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    socket.create_connection = create_connection


PEM_END = "-----END CERTIFICATE-----"
believe_little()
send_at_once()


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left():
    """A test that fails does not come to stop its services."""
    yield
    for process in harness.STARTED:
        if process.poll() is None:
            process.kill()
            process.wait()


def whole_system(folder, **settings):
    whole = harness.System(folder / "var", leaks=True, **settings)
    whole.up()
    yield whole
    whole.down()
    for path in (whole.data / "log").glob("*.log"):
        text = path.read_text(errors="replace")
        harness.assert_clean(text)
        assert "scratch-password" not in text, path


@pytest.fixture(scope="session")
def system_on_sqlite(tmp_path_factory):
    yield from whole_system(tmp_path_factory.mktemp("system with a space"), TRACES="auto")


@pytest.fixture(scope="session")
def system_on_postgres(tmp_path_factory, postgres):
    yield from whole_system(tmp_path_factory.mktemp("system on PostgreSQL"), DATABASE_URL=postgres.database(),
                            NOTIFICATION_DATABASE_URL=postgres.database())


@pytest.fixture(scope="session")
def system(system_on_sqlite):
    """CineSync as a newcomer runs it; one for each test worker, shared by its tests."""
    return system_on_sqlite


@pytest.fixture(params=["sqlite", "postgres"])
def system_on_each(request):
    """The same on each engine. A file whose promises are the database's too makes it its `system`."""
    return request.getfixturevalue("system_on_" + request.param)


@pytest.fixture
def client(system):
    """Nobody in particular, talking to the gateway."""
    with harness.Client(system.url) as nobody:
        yield nobody


@pytest.fixture
def person(client):
    """Somebody registered and logged in."""
    client.profile = client.new_person()
    return client


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server, one for each test worker: every test makes databases of its own on it and leaves it running."""
    from postgres_harness import Postgres
    with Postgres() as server:
        yield server


@pytest.fixture
def services(tmp_path):
    """The three services by themselves, running; the test may kill and restart them."""
    three = harness.Services(tmp_path).start()
    yield three
    codes = three.stop()
    for service in three.all():
        harness.assert_clean(service.tail(1 << 30))
    assert codes == [0, 0, 0]


@pytest.fixture(params=["sqlite", "postgres"])
def on_each(request, tmp_path):
    """The three services by themselves, on the embedded database and on PostgreSQL (`.postgres` is the server)."""
    server = request.getfixturevalue("postgres") if request.param == "postgres" else None
    three = harness.Services(tmp_path, postgres=server).start()
    three.postgres = server
    yield three
    codes = three.stop()
    for service in three.all():
        harness.assert_clean(service.tail(1 << 30))
    assert codes == [0, 0, 0]

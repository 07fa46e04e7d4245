"""The trees of whole requests: through the gateway as ./cinesync up has it, with PostgreSQL, Redis, RabbitMQ, SMTP and a TMDB."""
import httpx
import pytest
from fakes.tmdb_harness import FakeTmdb
from harness import Client, System, metric, wait_until
from otlp_harness import Collector, is_nested, one, told
from redis_harness import Redis
from smtp_harness import SmtpServer
from tmdb_case import TOKEN


@pytest.fixture(scope="module")
def whole(tmp_path_factory, postgres, server):
    """(the system, its collector)"""
    folder = tmp_path_factory.mktemp("whole")
    redis = Redis(folder / "redis").start()
    with Collector() as collector, FakeTmdb(folder).start(token=TOKEN) as fake, SmtpServer() as smtp:
        system = System(folder / "var", DATABASE_URL=postgres.database(), NOTIFICATION_DATABASE_URL=postgres.database(), REDIS_URL=redis.url,
                        AMQP_URL=server.fresh().url, SMTP_URL=smtp.url, SMTP_TLS="off", TMDB_BASE_URL=fake.url, TMDB_TOKEN=TOKEN,
                        **told(collector, OTEL_BSP_SCHEDULE_DELAY=200))
        system.up()
        wait_until(lambda: metric(system.part("movie")[1], "cinesync_movie_redis_watching") == 1, 20, "Redis in use")
        wait_until(lambda: is_ok(system, "user", "rabbitmq") and is_ok(system, "notification", "rabbitmq"), 20, "RabbitMQ in use")
        yield system, collector
        system.down()
    redis.stop()


def is_ok(system, name, part):
    return httpx.get(system.part(name)[1] + "/readyz").json()["checks"][part]["status"] == "ok"


def spans_with(collector, answer, *names):
    """The trace of the answer, once it has spans of these names and the gateway's own, from which it hangs."""
    trace = answer.headers["x-request-id"]

    def found():
        with collector.lock:
            spans = [span for span in collector.spans if span.trace == trace]
        has_root = any(span.service == "cinesync-gateway" and span.kind == "server" for span in spans)
        return spans if has_root and set(names) <= {span.name for span in spans} else None
    return wait_until(found, 20, f"{names} in {trace}")


def below(spans, parent):
    """Names of its children, in their order."""
    return [span.name for span in sorted(spans, key=lambda span: span.start) if span.parent == parent.id]


def by_gateway(spans, route):
    """(what the gateway served, its call, what the service served of that)"""
    (root,) = [span for span in spans if span.service == "cinesync-gateway" and span.kind == "server"]
    (call,) = [span for span in spans if span.service == "cinesync-gateway" and span.kind == "client"]
    (served,) = [span for span in spans if span.parent == call.id]
    assert root.parent == "" and root.name == served.name == route and call.parent == root.id and served.kind == "server"
    return root, call, served


def test_a_cold_search_from_the_gateway_to_tmdb_and_back(whole):
    system, collector = whole
    with Client(system.url) as person:
        person.new_person()
        cold = person.get("/movies/search", params={"query": "alien"})
        warm = person.get("/movies/search", params={"query": "alien"})
    assert cold.status_code == warm.status_code == 200 and cold.headers["x-cache"] == "MISS"
    route = "GET /api/v1/movies/search"
    spans = spans_with(collector, cold, route, "cache get", "SET", "GET tmdb")
    root, call, served = by_gateway(spans, route)
    assert is_nested(spans)[0] is root
    (check,) = [span for span in spans if span.name == "verify access token" and span.service == "cinesync-gateway"]
    assert check.parent == root.id and check.kind == "internal" and check.end <= call.start and not check.failed
    assert served.service == "cinesync-movie" and below(spans, served) == ["verify access token", "cache get"]
    look = one(spans, "cache get")
    assert look.attributes["cinesync.cache.state"] == "miss" and look.events[0] == ("cache.l1.miss", {})
    asked, source, kept = one(spans, "GET"), one(spans, "tmdb"), one(spans, "SET")
    assert [one.kind for one in (look, asked, source, kept)] == ["internal", "client", "internal", "client"]
    assert {one.parent for one in (asked, source, kept)} == {look.id} and asked.attributes["cinesync.cache.hit"] is False
    assert asked.end <= source.start and source.end <= kept.start  # Redis is asked, then TMDB, then Redis is told
    assert below(spans, source) == ["circuit breaker", "GET tmdb"] and one(spans, "GET tmdb").kind == "client"

    spans = spans_with(collector, warm, route, "cache get")
    _, _, served = by_gateway(spans, route)
    assert is_nested(spans) and one(spans, "cache get").parent == served.id
    assert one(spans, "cache get").attributes == {"cinesync.cache.state": "hit", "cinesync.cache.level": "l1"}
    assert not [span for span in spans if span.attributes.get("db.system.name") == "redis" and span.parent == one(spans, "cache get").id]


def test_who_asks_is_looked_at_at_the_gateway_and_by_the_service(whole):
    system, collector = whole
    with Client(system.url) as person:
        person.new_person()
        good = person.get("/users/me")
        person.post("/auth/logout")
        ended = person.get("/users/me")
    assert (good.status_code, ended.status_code) == (200, 401)
    for answer in (good, ended):
        spans = spans_with(collector, answer, "GET /api/v1/users/me", "SELECT sessions users")
        root, call, served = by_gateway(spans, "GET /api/v1/users/me")
        assert is_nested(spans)[0] is root and below(spans, root) == ["verify access token", call.name]
        check, *others = (span for span in sorted(spans, key=lambda span: span.start) if span.parent == served.id)
        assert check.name == "verify access token" and check.kind == "internal" and below(spans, check) == ["SELECT sessions users"]
        assert check.failed is (answer is ended) and (answer is ended or others)
    assert check.attributes["error.type"] == "session-ended"


def test_a_registration_from_the_gateway_to_the_mail(whole):
    system, collector = whole
    with Client(system.url) as client:
        answer = client.register("anna@example.org")
    assert answer.status_code == 201
    route = "POST /api/v1/auth/register"
    spans = spans_with(collector, answer, route, "SMTP", "send mail", "process notification.user-events", "publish cinesync.events")
    root, _, served = by_gateway(spans, route)
    assert is_nested(spans, later={"send mail"})[0] is root
    assert served.service == "cinesync-user" and "anna" not in str([span.raw for span in spans])
    hashing = one(spans, "bcrypt")
    assert hashing.parent == served.id and hashing.kind == "internal" and hashing.attributes["cinesync.offload.wait_us"] >= 0
    statements = [span for span in spans if span.attributes.get("db.system.name") == "postgresql"]
    assert statements and all(span.kind == "client" and span.attributes["db.query.summary"] == span.name for span in statements)
    (account,), (event,), (commit,) = ([span for span in statements if span.parent == served.id and span.name == name] for name in (
        "INSERT users", "INSERT outbox", "COMMIT"))
    assert hashing.end <= account.start and account.end <= event.start and event.end <= commit.start
    publish, process, mail, talk = (one(spans, name) for name in (
        "publish cinesync.events", "process notification.user-events", "send mail", "SMTP"))
    assert [span.kind for span in (publish, process, mail, talk)] == ["producer", "consumer", "internal", "client"]
    assert [span.parent for span in (publish, process, mail, talk)] == [served.id, publish.id, process.id, mail.id]
    assert publish.attributes["messaging.system"] == process.attributes["messaging.system"] == "rabbitmq"
    assert mail.attributes["cinesync.mail.template"] == "welcome-verify"
    # Nothing is told before it is on disk, nor taken before it is told, nor sent before it is taken.
    assert commit.end <= publish.start <= process.start and process.end <= mail.end
    assert {span.service for span in (process, mail, talk)} == {"cinesync-notification"}

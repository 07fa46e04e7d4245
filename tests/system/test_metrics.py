"""Metrics: named as Prometheus' conventions have it, told of in docs/observability.md, and there for whoever asks for them."""
import collections
import json
import re
import subprocess
import sys

import httpx
import pytest
import yaml
from gateway_harness import Gateway
from harness import ROOT, Client, Services, mails, metric, wait_until
from otlp_harness import Collector
from tmdb_case import TOKEN, movies

sys.path.insert(0, str(ROOT / "tools"))
from metrics_table import families, merged  # noqa: E402  (needs the path above)

PAPER = ROOT / "docs" / "observability.md"
OBSERVABILITY = ROOT / "deploy" / "observability"
PREFIXES = ("cinesync_", "http_server_", "process_", "otel_sdk_")
# What a part of a name says of its unit.
UNITS = {"age": "seconds", "time": "seconds", "duration": "seconds", "lag": "seconds", "wait": "seconds", "memory": "bytes"}
NO_UNITS = {"ms", "us", "ns", "milliseconds", "microseconds", "minutes", "hours", "days", "kb", "mb", "kilobytes", "megabytes", "percent"}
FROM_PROMETHEUS = {"up", "ALERTS"}


@pytest.fixture(scope="module")
def everything(tmp_path_factory, server, postgres):
    """The texts of /metrics of all three services with every engine there is, and of the gateway, after a day's work: {service: text}."""
    from fakes.tmdb_harness import FakeTmdb
    from redis_harness import Redis
    folder = tmp_path_factory.mktemp("everything")
    redis = Redis(folder / "redis").start()
    with FakeTmdb(folder).start(token=TOKEN) as fake, Collector() as collector:
        three = Services(folder, postgres=postgres, AMQP_URL=server.fresh().url, REDIS_URL=redis.url,
                         OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        three.movie.settings.update(TMDB_BASE_URL=fake.url, TMDB_TOKEN=TOKEN, JWKS_URL=three.user.url + "/api/v1/auth/jwks.json")
        three.start()
        with Client(three.user.url) as client:
            client.new_person("anna")
            assert client.register(client.email).status_code in (201, 409)  # nobody twice
            for path in ("/search?query=alien", "/search?query=alien", "/26"):
                assert httpx.get(movies(three.movie, path), headers=client.headers, timeout=20).status_code == 200
            assert client.get("/users/me/favorites").status_code == 200
        assert httpx.get(three.notification.url + "/nothing", timeout=10).status_code == 404
        wait_until(lambda: mails(three.notification.data / "mail"), 20, "her mail")
        for service in three.all():
            wait_until(lambda url=service.url: metric(url, "otel_sdk_exporter_span_exported_total"), 20, "spans sent")
            wait_until(lambda url=service.url: metric(url, "cinesync_loop_lag_seconds_count") > 2, 20, "a look at the loop")
        found = {service.name: httpx.get(service.url + "/metrics", timeout=10).text for service in three.all()}
        with Gateway(folder / "gateway", *(service.url.removeprefix("http://") for service in (three.movie, three.user))) as gateway:
            assert httpx.get(gateway.api + "/movies/26", timeout=20).status_code == 200
            found["gateway"] = httpx.get(gateway.status + "/metrics", timeout=10).text
        yield found
        assert three.stop() == [0, 0, 0]
    redis.stop()


@pytest.fixture(scope="module")
def metrics(everything):
    """{name: Family} of all services together."""
    return {name: family for name, (family, _) in merged({service: families(text) for service, text in everything.items()}).items()}


def faults(family):
    """What is wrong with a metric by https://prometheus.io/docs/practices/naming/."""
    parts = family.name.split("_")
    bare = family.name.removesuffix("_total")
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", family.name) or not family.name.startswith(PREFIXES):
        yield "is not called as ours are"
    if (family.type == "counter") != family.name.endswith("_total"):
        yield "ends with _total if and only if it is a counter"
    if parts[-1] in ("count", "sum", "bucket") or family.type in parts:
        yield "ends as a part of a histogram does, or tells its type"
    if family.type == "histogram" and not bare.endswith(("_seconds", "_bytes")):
        yield "has no unit"
    if NO_UNITS & set(parts):
        yield "has a unit that is no base unit"
    for word, unit in UNITS.items():
        if word in parts and not bare.endswith("_" + unit):
            yield f"is about {word} and does not end with {unit}"
    for unit in ("seconds", "bytes", "ratio"):
        if unit in parts and not bare.endswith("_" + unit):
            yield "does not have its unit last"
    if not re.fullmatch(r"[A-Z0-9].*\.", family.help) or len(family.help) < 12 or re.search(r"\b([Oo]f these|those|it)\b", family.help[:12]):
        yield "has no sentence for a help text that is understood by itself"
    for label, values in family.labels.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]*", label) or label in ("job", "instance"):
            yield f"has a label {label}"
        if len(values) > 100:
            yield f"has {len(values)} values of {label}: they come from outside"


def test_every_metric_keeps_the_conventions(metrics):
    assert len(metrics) > 100
    wrong = {name: list(faults(family)) for name, family in metrics.items()}
    assert {name: what for name, what in wrong.items() if what} == {}
    assert [name for name, family in metrics.items() if family.n_samples == 0] == []


def test_prometheus_own_linter_agrees(everything):
    for service, text in everything.items():
        done = subprocess.run(["promtool", "check", "metrics"], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        assert done.returncode == 0, (service, done.stdout)


def test_the_table_in_the_papers_is_complete_and_true(everything, tmp_path):
    saved = []
    for service, text in everything.items():
        (tmp_path / service).write_text(text)
        saved.append(f"{service}={tmp_path / service}")
    done = subprocess.run([ROOT / "tools" / "metrics_table.py", "--check", PAPER, *saved], stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout


def expressions():
    """(where, expression) of every rule and every panel."""
    for group in yaml.safe_load((OBSERVABILITY / "rules.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule.get("alert") or rule["record"], rule["expr"]
    for path in sorted((OBSERVABILITY / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", []):
                yield f"{path.stem}: {panel['title']}", target["expr"].replace("$__rate_interval", "5m")


def asked_for(expression):
    """[(metric, {label: [values matched exactly]})] in a PromQL expression."""
    bare = re.sub(r"\b(by|without|on|ignoring)\s*\([^)]*\)", " ", re.sub(r"\[[^]]*\]", "", expression))
    for match in re.finditer(r"([a-zA-Z_:][\w:]*)\b(?!\s*\()(?:\{([^}]*)\})?", bare):
        name, matchers = match.groups()
        if "_" in name or ":" in name or name in FROM_PROMETHEUS or matchers is not None:
            yield name, dict((label, (kind, value)) for label, kind, value in re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', matchers or ""))


def exists(name, matchers, metrics, recorded):
    """None, or what is missing of this one."""
    family = metrics.get(name) or metrics.get(re.sub(r"_(bucket|sum|count)$", "", name))
    if name in FROM_PROMETHEUS or name in recorded:
        return None
    if family is None or (family.type == "histogram") == (family.name == name):
        return f"there is no {name}"
    for label, (kind, value) in matchers.items():
        if label in ("job", "instance", "le"):
            continue
        if label not in family.labels:
            return f"{name} has no label {label}"
        if kind == "=" and label not in ("status", "route", "error") and value not in family.labels[label]:
            return f"{name} never has {label}={value}"
    return None


def test_rules_and_dashboards_ask_for_what_is_there(metrics):
    recorded = {rule["record"] for group in yaml.safe_load((OBSERVABILITY / "rules.yaml").read_text())["groups"] for rule in group["rules"] if "record" in rule}
    missing, uses = [], collections.Counter()
    for where, expression in expressions():
        asked = list(asked_for(expression))
        assert asked, (where, expression)
        for name, matchers in asked:
            uses[name] += 1
            missing += [(where, what)] if (what := exists(name, matchers, metrics, recorded)) else []
    assert missing == []
    assert uses["http_server_request_duration_seconds_count"] > 10 and uses["cinesync_outbox_oldest_age_seconds"] > 1  # they were found at all


def test_the_lag_of_a_held_loop_is_seen(services):
    """SIGSTOP holds a loop as surely as anything: what was due meanwhile comes late."""
    import signal
    import time
    movie = services.movie

    def late():
        return metric(movie.url, "cinesync_loop_lag_seconds_count") - metric(movie.url, "cinesync_loop_lag_seconds_bucket", le="0.25")

    before = late()
    movie.process.send_signal(signal.SIGSTOP)
    time.sleep(0.8)
    movie.process.send_signal(signal.SIGCONT)
    wait_until(lambda: late() > before, 10, "the lag")


def test_memory_has_a_limit_and_the_disk_a_size(services):
    for service in (services.user, services.notification):
        limit = metric(service.url, "cinesync_process_memory_limit_bytes")
        assert 0 < metric(service.url, "process_resident_memory_bytes") < limit
        assert 0 < metric(service.url, "cinesync_data_free_bytes") <= metric(service.url, "cinesync_data_size_bytes")

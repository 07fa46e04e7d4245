#!/usr/bin/env python3
"""CPU a request of the gateway, against an nginx without any of it: in front of the same upstream, and with the same bytes in a file.

usage: edge.py BUILD [--rounds 5] [--seconds 4] [--connections 64]

Both have one worker, whose processor time counts, the exporter's thread with it. The upstream is a third nginx that answers a
search's bytes. "token, traces": every request has the same access token, which the gateway has verified once, and each is
traced and its spans are sent, to a collector that takes them. "cache": requests without a token, answered out of the gateway's
cache, against nginx that has the answer as a file. The load generator has the other core. They take turns.
"""
import argparse
import contextlib
import json
import pathlib
import tempfile
import urllib.request

import measure

SEARCH = "/api/v1/movies/search?query=toy+story"
PLAIN = "nginx, proxying"
FILE = "nginx, a file"


@contextlib.contextmanager
def static(folder, body):
    """(pid, URL) of an nginx that has the answer in a file, with an access log."""
    port = measure.free_port()
    file = folder / "root" / SEARCH.split("?")[0].lstrip("/")
    file.parent.mkdir(parents=True)
    file.write_bytes(body)
    (folder / "nginx.conf").write_text(f"""
        daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
        events {{ worker_connections 4096; }}
        http {{ access_log {folder}/access.log; keepalive_requests 1000000000; sendfile on; tcp_nopush on; default_type application/json;
        server {{ listen 127.0.0.1:{port}; root {folder}/root; }} }}""")
    with measure.running(["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"], measure.MEASURED) as process:
        measure.get(f"http://127.0.0.1:{port}{SEARCH}")
        yield measure.worker_of(process.pid), f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def gateway(build, folder, upstream, **settings):
    """(pid, URL) of CineSync's, with that in the services' place."""
    port = measure.free_port()
    share = folder / "share"
    share.mkdir(parents=True)
    for name in ("deploy", "src", "web"):
        (share / name).symlink_to(measure.ROOT / name)
    (share / "build").symlink_to(build)
    # Everything comes from one address.
    settings = {"GATEWAY_ADDRESS_RATE": "100000", "GATEWAY_USER_RATE": "100000", **settings}
    environment = {"CINESYNC_SHARE": str(share), "CINESYNC_STATE": str(folder / "state"), "GATEWAY_PORT": str(port), "GATEWAY_WORKERS": "1",
                   "MOVIE_ADDRESS": upstream, "USER_ADDRESS": upstream, **settings}
    (folder / "state" / "log").mkdir(parents=True)
    (folder / "state" / "log" / "access.log").touch()
    with measure.running([measure.ROOT / "deploy/gateway/run"], measure.MEASURED, environment) as process:
        measure.get(f"http://127.0.0.1:{port}/healthz")
        yield measure.worker_of(process.pid), f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def token(build, folder):
    """(an access token, the file of the keys it is verified with)."""
    port = measure.free_port()
    base = f"http://127.0.0.1:{port}/api/v1/auth/"
    keys = folder / "jwks.json"
    with measure.running([build / "src/user/cinesync-user"], measure.OTHERS,
                         {"LISTEN": f"127.0.0.1:{port}", "DATA_DIR": str(folder / "user"), "JWKS_FILE": str(keys), "LOG_LEVEL": "warning"}):
        measure.get(f"http://127.0.0.1:{port}/readyz")
        person = json.dumps({"email": "bench@example.org", "password": "correct horse battery staple"}).encode()
        for name in ("register", "login"):
            with urllib.request.urlopen(urllib.request.Request(base + name, data=person, headers={"Content-Type": "application/json"})) as answer:
                said = json.load(answer)
        yield said["access_token"], keys


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=64)
    given = parser.parse_args()
    build = given.build.resolve()
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        with measure.movie(build, folder / "movie") as (_, url):
            body, headers = measure.get(url.removesuffix("/api/v1/movies") + SEARCH)
        _, behind = stack.enter_context(measure.nginx(folder / "behind", body, headers))
        upstream = behind.removeprefix("http://").rstrip("/")
        sink = stack.enter_context(measure.collector(folder / "collector"))
        bearer, keys = stack.enter_context(token(build, folder))
        with_token = folder / "token.lua"
        with_token.write_text(f'wrk.headers["Authorization"] = "Bearer {bearer}"\n')
        spans = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink, "OTEL_BSP_MAX_QUEUE_SIZE": "50000"}
        cases = {
            PLAIN: (*stack.enter_context(measure.proxy(folder / "plain", upstream)), with_token),
            "token, traces": (*stack.enter_context(gateway(build, folder / "both", upstream, GATEWAY_JWKS_FILE=str(keys), **spans)), with_token),
            "token": (*stack.enter_context(gateway(build, folder / "auth", upstream, GATEWAY_JWKS_FILE=str(keys), OTEL_SDK_DISABLED="true")), with_token),
            FILE: (*stack.enter_context(static(folder / "static", body)), None),
            "cache, traces": (*stack.enter_context(gateway(build, folder / "cache", upstream, **spans)), None),
            "cache": (*stack.enter_context(gateway(build, folder / "untraced", upstream, OTEL_SDK_DISABLED="true")), None),
        }
        turns = {}
        for _ in range(given.rounds):
            for label, (pid, url, script) in cases.items():
                turns.setdefault(label, []).append(measure.load(pid, url + SEARCH, given.seconds, given.connections, script))
        print(f"{given.connections} connections, {given.rounds} turns of {given.seconds} s each")
        measure.report(turns, {label: FILE if label.startswith("cache") else PLAIN for label in cases if label not in (PLAIN, FILE)})


if __name__ == "__main__":
    main()

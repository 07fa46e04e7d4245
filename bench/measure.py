"""What the measurements share: programs pinned to a core, the load generator, CPU time by /proc, a reference in nginx."""
import contextlib
import os
import pathlib
import re
import socket
import statistics
import subprocess
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOKEN = "bench.read.token"
MEASURED, OTHERS = "0", "1"  # processors: what is measured has one for itself


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url, headers=None):
    """(body, headers), tried for ten seconds."""
    deadline = time.monotonic() + 10
    while True:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=5) as answer:
                return answer.read(), dict(answer.headers)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def cpu_seconds(pid):
    """Of all its threads, by the scheduler's own clock: the ticks of /proc/PID/stat are a sample of it."""
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


def rss_mb(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Rss:\s+(\d+) kB", text, re.M).group(1)) / 1024


@contextlib.contextmanager
def running(command, core, environment=None):
    """The process, on that core; stopped at the end."""
    process = subprocess.Popen(["taskset", "-c", core, *map(str, command)], env={**os.environ, **(environment or {})},
                               stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def movie(build, folder, **settings):
    """(pid, base URL of its API) of a movie service on the measured core."""
    port = free_port()
    environment = {"LISTEN": f"127.0.0.1:{port}", "LOG_ACCESS": "false", "LOG_LEVEL": "warning", "DATA_DIR": str(folder),
                   **{name: str(value) for name, value in settings.items()}}
    with running([build / "src/movie/cinesync-movie"], MEASURED, environment) as process:
        get(f"http://127.0.0.1:{port}/readyz")
        yield process.pid, f"http://127.0.0.1:{port}/api/v1/movies"


def worker_of(master):
    return int(pathlib.Path(f"/proc/{master}/task/{master}/children").read_text().split()[0])


@contextlib.contextmanager
def proxy(folder, upstream):
    """(pid, URL) of an nginx that passes everything on, and writes an access log as the gateway does."""
    port = free_port()
    folder.mkdir()
    (folder / "nginx.conf").write_text(f"""
        daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
        events {{ worker_connections 4096; }}
        http {{ access_log {folder}/access.log; keepalive_requests 1000000000; proxy_temp_path {folder}/p;
        upstream behind {{ server {upstream}; keepalive 32; }}
        server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://behind; proxy_http_version 1.1;
        proxy_set_header Connection ""; }} }} }}""")
    with running(["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"], MEASURED) as process:
        get(f"http://127.0.0.1:{port}/")
        yield worker_of(process.pid), f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def collector(folder, answer="200 ''"):
    """URL of a collector of traces that reads spans and forgets them. answer: as nginx's `return` has it."""
    port = free_port()
    folder.mkdir()
    (folder / "nginx.conf").write_text(f"""
        daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
        events {{ worker_connections 64; }}
        http {{ access_log off; keepalive_requests 1000000000; client_max_body_size 4m; client_body_buffer_size 4m;
        server {{ listen 127.0.0.1:{port}; location = /ready {{ return 200 ''; }}
        location / {{ add_header Retry-After 1 always; return {answer}; }} }} }}""")
    with running(["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"], OTHERS):
        get(f"http://127.0.0.1:{port}/ready")
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def tmdb(*options):
    """Base URL of the stand-in for TMDB, on the other core."""
    port = free_port()
    with running(["/usr/bin/python3", ROOT / "tests/fakes/tmdb/server.py", "--listen", f"127.0.0.1:{port}", "--token", TOKEN,
                  *options], OTHERS):
        get(f"http://127.0.0.1:{port}/__control/state")
        yield f"http://127.0.0.1:{port}"


def tmdb_settings(base):
    """Of a movie service that asks it, at no rate but its own."""
    return {"TMDB_BASE_URL": base + "/3", "TMDB_TOKEN": TOKEN, "TMDB_RATE": 100000, "TMDB_BURST": 100000, "TMDB_CALLS_MAX": 128}


def faults(base, text):
    request = urllib.request.Request(base + "/__control/faults", data=text.encode(), method="PUT")
    urllib.request.urlopen(request, timeout=10).close()


@contextlib.contextmanager
def redis(folder):
    """URL of a redis-server on the other core."""
    port = free_port()
    with running(["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder], OTHERS):
        yield f"redis://127.0.0.1:{port}"


@contextlib.contextmanager
def nginx(folder, body, headers):
    """(pid, URL) of nginx with one worker on the measured core, answering the same bytes and headers."""
    port = free_port()
    folder.mkdir(exist_ok=True)
    text = body.decode().replace("\\", "\\\\").replace("'", "\\'").replace("$", "${dollar}")
    kept = ("Cache-Control", "ETag", "X-Cache", "Age", "Vary")
    added = "".join(f"add_header {name} '{headers[name]}';" for name in kept if name in headers)
    (folder / "nginx.conf").write_text(f"""
        daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
        events {{ worker_connections 4096; }}
        http {{ access_log off; keepalive_requests 1000000000; geo $dollar {{ default "$"; }}
        server {{ listen 127.0.0.1:{port}; default_type application/json;
        location / {{ add_header X-Request-Id $request_id; add_header Server-Timing 'total;dur=$request_time'; {added}
        return 200 '{text}'; }} }} }}""")
    with running(["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"], MEASURED) as process:
        url = f"http://127.0.0.1:{port}/"
        get(url)
        yield worker_of(process.pid), url


def paths_script(folder, name, lua):
    """A script for wrk whose expression `lua` gives the path of request number n."""
    path = folder / f"{name}.lua"
    path.write_text(f"local n = 0\nfunction request() n = n + 1; return wrk.format('GET', {lua}) end\n")
    return path


def wrk(url, seconds, connections, script=None):
    """wrk's own words: what it did, latencies, errors."""
    command = ["taskset", "-c", OTHERS, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s"]
    if script:
        command += ["-s", str(script)]
    return subprocess.run([*command, url], check=True, stdout=subprocess.PIPE, text=True).stdout


def load(pid, url, seconds, connections, script=None):
    """(CPU seconds a request, requests a second) of one turn. Every answer must be a good one."""
    before = cpu_seconds(pid)
    out = wrk(url, seconds, connections, script)
    spent = cpu_seconds(pid) - before
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"{url} did not answer 200:\n{out}")
    return spent / requests, requests / seconds


def percentile_ms(out, percent):
    """Out of wrk's words."""
    number, unit = re.search(rf"^\s*{percent}%\s+([\d.]+)(us|ms|s)$", out, re.M).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def report(turns, references):
    """turns: {label: [(CPU seconds, rate)]}, taken in turn. Prints each, and its ratio to its reference, if it has one."""
    for label, measured in turns.items():
        cpu = [turn[0] * 1e6 for turn in measured]
        rate = statistics.median(turn[1] for turn in measured)
        line = f"{label:22} CPU us/request: median {statistics.median(cpu):6.2f} (min {min(cpu):.2f}, max {max(cpu):.2f}); {rate:8,.0f} requests/s"
        if label in references:
            ratios = [a[0] / b[0] for a, b in zip(measured, turns[references[label]])]
            line += f"; ratio to {references[label]}: median {statistics.median(ratios):.2f} ({min(ratios):.2f}..{max(ratios):.2f})"
        print(line)

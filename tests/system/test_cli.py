"""Each service's command line: what an operator types, and what a mistake is answered with."""
import contextlib
import functools
import json
import os
import re
import sqlite3
import subprocess

import openapi
import pytest
from harness import BUILD, Service, base_environment, free_port, program

SERVICES = ("movie", "user", "notification", "trace")
PUBLIC = ("movie", "user")  # those with operations for the world
STORING = ("user", "notification")


def run(service, *arguments, folder=None, **settings):
    if folder is not None:
        settings["DATA_DIR"] = folder
    return subprocess.run([program(service), *arguments], env=base_environment(**settings), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, timeout=60)


@functools.cache
def settings_of(service):
    """{name: (type, default)} out of --print-settings."""
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \| .+ \|$", run(service, "--print-settings").stdout, re.M)
    return {name: (kind.replace("\\|", "|"), default.strip("`")) for name, kind, default in rows}


@pytest.mark.parametrize("service", SERVICES)
def test_help_and_version(service):
    done = run(service, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("CineSync ") and f"usage: cinesync-{service}" in done.stdout
    settings = settings_of(service)
    assert {"LISTEN", "LOG_LEVEL", "DRAIN_MS", "REQUEST_DEADLINE_MS", "BODY_SIZE_MAX"} <= set(settings)
    described = dict(re.findall(r"^  (\w+)\n        (\S.*)$", done.stdout, re.M))
    assert set(described) == set(settings)
    assert all("default: " in done.stdout.split(f"\n  {name}\n")[1].split("\n\n")[0] for name in settings)
    assert max(map(len, done.stdout.splitlines())) <= 110
    assert ("migrate" in done.stdout) == ("--dry-run" in done.stdout) == (service in STORING)
    assert re.fullmatch(rf"cinesync-{service} \d+\.\d+\.\d+\n", run(service, "--version").stdout)


@pytest.mark.parametrize("service", SERVICES)
def test_check_config(service, tmp_path):
    done = run(service, "--check-config", folder=tmp_path / "new")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "new").exists()  # it only checks


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_out_of_range_is_named(service):
    """One line a fault, each names its variable, and all of them come at once."""
    bad = {}
    for name, (kind, _) in settings_of(service).items():
        if match := re.match(r"integer (-?\d+)\.\.(-?\d+)", kind):
            bad[name] = str(int(match[2]) + 1)
        elif kind == "true or false":
            bad[name] = "perhaps"
        elif " | " in kind:
            bad[name] = "nothing-of-these"
    assert len(bad) >= 10
    for arguments in (["--check-config"], []):  # and so it is when it should serve
        done = run(service, *arguments, **bad)
        assert done.returncode == 78
        lines = done.stderr.splitlines()
        assert sorted(re.match(rf"cinesync-{service}: (\w+): ", line)[1] for line in lines) == sorted(bad)
        for line in lines:
            assert bad[line.split(": ")[1]] in line and len(line) < 200


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("value", ["x", "", "1.5", "1e3", " 1000", "1000 ", "0x10", "+5", "９", "99999999999999999999", "-1", "5ms"])
def test_a_number_is_a_number(service, value):
    done = run(service, "--check-config", DRAIN_MS=value)
    if value == "":
        assert (done.returncode, done.stderr) == (0, "")  # as if it were unset
    else:
        assert done.returncode == 78 and re.fullmatch(rf"cinesync-{service}: DRAIN_MS: [^\n]+\n", done.stderr)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("listen", ["foo", "localhost:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:x", ":80", "1.2.3:80", "[::1:80"])
def test_an_address_is_an_address(service, listen):
    done = run(service, "--check-config", LISTEN=listen)
    assert done.returncode == 78 and re.fullmatch(rf"cinesync-{service}: LISTEN: [^\n]+\n", done.stderr), done


@pytest.mark.parametrize("service, name, value", [
    ("user", "MOVIE_URL", "127.0.0.1:8081"), ("user", "MOVIE_URL", "ftp://127.0.0.1"), ("user", "NOTIFICATION_URL", "http://"),
    ("user", "DATABASE_URL", "mysql://somebody:hunter2@db/x"), ("notification", "DATABASE_URL", "nonsense:hunter2"),
    ("notification", "MAIL_FROM", "nobody"), ("notification", "MAIL_FROM", "a@b\r\nBcc: c@d"), ("notification", "PUBLIC_URL", "javascript:x")])
def test_a_url_is_a_url(service, name, value):
    done = run(service, "--check-config", **{name: value})
    assert done.returncode == 78 and re.fullmatch(rf"cinesync-{service}: {name}: [^\n]+\n", done.stderr), done
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("url", ["postgres://u:p@ss:hunter2@127.0.0.1/x", "postgres://u:p@hunter2@127.0.0.1/x",
                                 "postgres://u:%zzhunter2@127.0.0.1/x", "host=127.0.0.1 password=my hunter2"])
@pytest.mark.parametrize("service", STORING)
def test_a_password_that_is_not_percent_encoded_is_not_repeated(service, url):
    done = run(service, "--check-config", DATABASE_URL=url)
    assert done.returncode == 78 and re.fullmatch(rf"cinesync-{service}: DATABASE_URL: [^\n]+\n", done.stderr)
    assert "percent-encoded" in done.stderr and "hunter2" not in done.stderr


@pytest.mark.parametrize("service", STORING)
def test_secrets_come_from_files_and_are_never_shown(service, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(f"sqlite:{tmp_path}/hunter2.db\n")
    assert run(service, "--check-config", DATABASE_URL_FILE=secret).returncode == 0
    both = run(service, "--check-config", DATABASE_URL_FILE=secret, DATABASE_URL="sqlite:hunter2")
    missing = run(service, "--check-config", DATABASE_URL_FILE=tmp_path / "nothing")
    too_long = run(service, "--check-config", DATABASE_URL="sqlite:hunter2" + "x" * 5000)
    for done in (both, missing, too_long):
        assert done.returncode == 78 and re.fullmatch(rf"cinesync-{service}: DATABASE_URL\w*: [^\n]+\n", done.stderr)
        assert "hunter2" not in done.stderr
    started = Service(service, tmp_path, DATABASE_URL_FILE=secret).start()
    assert started.stop() == 0
    assert (tmp_path / "hunter2.db").exists() and "hunter2" not in started.log.read_text()


@pytest.mark.parametrize("service", SERVICES)
def test_unknown_arguments(service, tmp_path):
    for arguments in (["--nope"], ["nope"], ["--check-config", "x"], ["--help", "x"], ["--health", "--wait"], ["--health", "--wait", "x"],
                      ["--health", "--while"], ["--health", "--while", "0"], ["--health", *["http://a/"] * 9]):
        done = run(service, *arguments, folder=tmp_path / "data")
        assert done.returncode == 64 and len(done.stderr.splitlines()) == 1, arguments
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("service", SERVICES)
def test_health(service, tmp_path):
    port = free_port()
    here = f"127.0.0.1:{port}"
    done = run(service, "--health", LISTEN=here)
    assert (done.returncode, done.stdout) == (1, "") and len(done.stderr.splitlines()) == 1
    running = Service(service, tmp_path, LISTEN=here)
    running.port, running.url = port, f"http://{here}"
    running.start(wait=False)
    for arguments, settings in ((["--health", "--wait", "30000"], {"LISTEN": here}), (["--health", f"http://{here}/readyz"], {}),
                                (["--health"], {"LISTEN": f"0.0.0.0:{port}"})):
        done = run(service, *arguments, **settings)
        assert done.returncode == 0 and json.loads(done.stdout)["status"] in ("ready", "degraded"), arguments
    assert run(service, "--health", f"http://{here}/nothing").returncode == 1
    assert running.stop() == 0


def test_a_taken_port_is_one_clear_line(tmp_path):
    first = Service("movie", tmp_path).start()
    done = run("movie", LISTEN=first.settings["LISTEN"], folder=tmp_path / "x")
    assert done.returncode == 69
    alert, = [line for line in map(json.loads, done.stdout.splitlines()) if line["level"] == "alert"]
    assert "taken" in alert["message"] and alert["listen"] == first.settings["LISTEN"]
    assert first.stop() == 0


@pytest.mark.parametrize("service", PUBLIC)
def test_print_openapi(service):
    done = run(service, "--print-openapi")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    openapi.check_document(document)
    assert run(service, "--print-openapi").stdout == done.stdout  # the same bytes each time
    assert document["paths"] and not [path for path in document["paths"] if not path.startswith("/api/v1/")]
    merged = json.loads((BUILD / "openapi.json").read_text())
    openapi.check_document(merged)
    assert document["paths"].items() <= merged["paths"].items()


# ---- migrations ----

def tables(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        return sorted(database.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall())


def status(service, folder):
    done = run(service, "migrate", "status", folder=folder)
    assert done.returncode in (0, 1), done
    return [line.split()[0] for line in done.stdout.splitlines() if line.endswith(" pending")], done.returncode


@pytest.mark.parametrize("service", STORING)
def test_migrate_round_trip(service, tmp_path):
    path = tmp_path / f"{service}.db"
    pending, code = status(service, tmp_path)
    assert pending[0] == "0001" and code == 1
    done = run(service, "migrate", "up", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{len(pending)} applied\n")
    assert status(service, tmp_path) == ([], 0)
    everything = tables(path)
    assert run(service, "migrate", "up", folder=tmp_path).stdout == "0 applied\n"
    assert run(service, "migrate", "down", folder=tmp_path).stdout == "1 reverted\n"
    assert status(service, tmp_path) == (pending[-1:], 1)
    run(service, "migrate", "down", "100", folder=tmp_path)
    assert [name for name, _ in tables(path)] == ["schema_migrations"] and status(service, tmp_path) == (pending, 1)
    assert run(service, "migrate", "up", folder=tmp_path).returncode == 0
    assert tables(path) == everything


@pytest.mark.parametrize("service", STORING)
@pytest.mark.parametrize("change, word", [("UPDATE schema_migrations SET checksum = 'x' WHERE version = 1", "another text"),
                                          ("INSERT INTO schema_migrations VALUES (9999, 'future', 'x', 0)", "future")])
def test_a_database_that_is_not_ours_is_left_alone(service, tmp_path, change, word):
    assert run(service, "migrate", "up", folder=tmp_path).returncode == 0
    with contextlib.closing(sqlite3.connect(tmp_path / f"{service}.db")) as database, database:
        database.execute(change)
    before = tables(tmp_path / f"{service}.db")
    for verb in ("status", "up", "down"):
        done = run(service, "migrate", verb, folder=tmp_path)
        assert done.returncode == 65 and word in done.stderr and len(done.stderr.splitlines()) == 1, verb
    done = run(service, folder=tmp_path, LISTEN="127.0.0.1:0")
    alert, = [line for line in map(json.loads, done.stdout.splitlines()) if line["level"] == "alert"]
    assert done.returncode == 69 and word in alert["detail"]
    assert tables(tmp_path / f"{service}.db") == before


@pytest.mark.parametrize("service", STORING)
def test_migrate_usage(service, tmp_path):
    for arguments in ([], ["sideways"], ["up", "1"], ["down", "x"], ["down", "0"], ["down", "-1"], ["down", "1", "2"],
                      ["status", "--dry-run"], ["up", "1", "--dry-run"], ["--dry-run"], ["down", "--dry-run", "1"], ["up", "--dry"]):
        done = run(service, "migrate", *arguments, folder=tmp_path)
        assert done.returncode == 64 and "usage: migrate" in done.stderr, arguments


@pytest.mark.parametrize("service", STORING)
def test_a_folder_that_cannot_be(service, tmp_path):
    (tmp_path / "file").write_text("")
    for arguments in ([], ["migrate", "up"]):
        done = run(service, *arguments, folder=tmp_path / "file" / "x", LISTEN="127.0.0.1:0")
        assert done.returncode != 0 and str(tmp_path / "file") in done.stdout + done.stderr
        assert len([line for line in (done.stdout + done.stderr).splitlines() if "alert" in line or "cannot" in line]) <= 2


def test_the_key_is_for_its_owner(tmp_path):
    key = tmp_path / "signing-key.json"
    service = Service("user", tmp_path, SIGNING_KEY_FILE=key).start()
    assert service.stop() == 0
    assert key.stat().st_mode & 0o777 == 0o600 and service.data.stat().st_mode & 0o077 == 0
    os.chmod(key, 0o644)
    service.log.unlink()
    done = service.start(wait=False).process.wait(20)
    service.process = None
    alert, = [line for line in service.log_lines() if line["level"] == "alert"]
    assert done == 69 and alert["path"] == str(key) and "owner" in alert["message"]

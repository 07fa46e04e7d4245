"""What runs CineSync elsewhere keeps what it says: units that see and may little, secrets that fit together."""
import base64
import hashlib
import json
import re
import stat
import subprocess

import pytest
import redis
import yaml
from harness import BUILD, ROOT, base_environment
from redis_harness import Redis

UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_a_unit_is_exposed_to_little(unit):
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", unit], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    score = float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout).group(1))
    assert score <= 2.0 and done.returncode == 0, done.stdout[-2000:]


def test_units_are_valid_where_they_are_installed(tmp_path):
    subprocess.run([ROOT / "deploy" / "systemd" / "install", tmp_path], check=True, env=base_environment(CINESYNC_BUILD=BUILD))
    keys = [tmp_path / "etc/cinesync/secrets" / name / "link.key" for name in ("user", "notification")]
    assert keys[0].read_bytes() == keys[1].read_bytes() and len(keys[0].read_bytes()) == 32
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
    key = keys[0].read_bytes()
    subprocess.run([ROOT / "deploy" / "systemd" / "install", tmp_path], check=True, env=base_environment(CINESYNC_BUILD=BUILD))
    assert keys[0].read_bytes() == key  # again: nothing that is there is lost
    for unit in UNITS:
        text = (tmp_path / "etc/systemd/system" / unit.name).read_text()
        program = re.search(r"^ExecStart=(\S+)", text, re.M).group(1)
        assert (tmp_path / program.lstrip("/")).stat().st_mode & 0o111
        # With the programs where they are.
        copy = tmp_path / unit.name
        copy.write_text(text.replace("/usr/lib/cinesync/", f"{tmp_path}/usr/lib/cinesync/"))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", copy], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        complaints = [line for line in done.stdout.splitlines() if unit.name in line]
        assert complaints == [], done.stdout


def test_public_keys_are_asked_for_where_they_are():
    """By every service and every keeper of keys, in containers and clusters."""
    paths = json.loads((BUILD / "openapi.json").read_text())["paths"]
    files = [ROOT / "compose.yaml", *(ROOT / "deploy" / "kubernetes" / "base").glob("*.yaml"), ROOT / "deploy" / "gateway" / "run"]
    asked = [url for file in files for url in re.findall(r"http://[^/ ]+(/api/[^\s\"}]*jwks[^\s\"}]*)", file.read_text())]
    assert len(asked) == 3 and set(asked) <= set(paths), asked
    for together in ["compose.yaml"], ["deploy/kubernetes/base/gateway.yaml"], ["deploy/systemd/cinesync-gateway.service", "deploy/systemd/cinesync-keys.service"]:
        text = "".join((ROOT / name).read_text() for name in together)
        named = re.findall(r"GATEWAY_JWKS_FILE(?:: |=|, value: \")([^\s\"}]+)", text)
        assert len(named) == 2 and len(set(named)) == 1, named  # who writes it and who reads it mean the same


def test_the_films_seen_fit_their_folder():
    """3 KB a film, and the log of SQLite; more than half of it in use would be told as a disk that fills."""
    def needed(films):
        return int(films) * 3000 + (8 << 20)

    movie = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["movie"]
    size, = (int(found.group(1)) << 20 for found in (re.match(r"/var/lib/cinesync:size=(\d+)m,", line) for line in movie["tmpfs"]) if found)
    assert needed(movie["environment"]["SEEN_FILMS_MAX"]) < 0.6 * size
    default = re.search(r"^\| `SEEN_FILMS_MAX` \|[^|]*\| `(\d+)`", (ROOT / "README.md").read_text(), re.M).group(1)
    pod = (ROOT / "deploy" / "kubernetes" / "base" / "movie.yaml").read_text()
    assert "SEEN_FILMS_MAX" not in pod
    assert needed(default) < int(re.search(r"name: data, emptyDir: \{ sizeLimit: (\d+)Mi", pod).group(1)) << 20


@pytest.fixture
def secrets(tmp_path):
    subprocess.run([ROOT / "deploy" / "make-secrets", tmp_path / "secrets"], check=True)
    return tmp_path / "secrets"


def test_secrets_fit_together_and_stay(secrets):
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    texts = {path.name: path.read_text("latin-1") for path in secrets.iterdir()}
    assert len(texts["link.key"]) == len(texts["master.key"]) == 32
    passwords = [text for name, text in texts.items() if name.endswith("_password")]
    assert len(set(passwords)) == len(passwords) >= 8 and all(re.fullmatch("[0-9a-f]{48}", one) for one in passwords)
    for service in ("user", "notification"):
        assert f":{texts[service + '_database_password']}@postgres:5432/cinesync_{service}" in texts[service + "_database_url"]
        assert f":{texts[service + '_amqp_password']}@rabbitmq:5672/" in texts[service + "_amqp_url"]
    users = {user["name"]: base64.b64decode(user["password_hash"]) for user in json.loads(texts["rabbitmq_definitions.json"])["users"]}
    for name, password in (("admin", "rabbitmq_admin"), ("cinesync-user", "user_amqp"), ("cinesync-notification", "notification_amqp")):
        assert users[name][4:] == hashlib.sha256(users[name][:4] + texts[password + "_password"].encode()).digest()
    subprocess.run([ROOT / "deploy" / "make-secrets", secrets], check=True)
    assert texts == {path.name: path.read_text("latin-1") for path in secrets.iterdir()}


def test_redis_rights_are_enough_and_no_more(secrets, tmp_path):
    """By the ACL that compose.yaml gives to Redis."""
    acl = tmp_path / "acl"
    acl.write_text((secrets / "redis_acl").read_text().replace("user default off", "user default on nopass -@all +ping"))  # the harness pings
    server = Redis(tmp_path / "redis").start("--aclfile", str(acl))
    movie, user = (redis.Redis(port=server.port, username=name, password=(secrets / f"{name}_redis_password").read_text())
                   for name in ("movie", "user"))
    try:
        assert user.set("revoked:1", "1", px=1000) and movie.pttl("revoked:1") > 0 and movie.set("cinesync:movie:1:x", "y")
        assert user.eval("return redis.call('SET', KEYS[1], 'x')", 1, "cinesync:user:limit:x")
        for refused in (lambda: movie.set("revoked:2", "1"), lambda: movie.get("cinesync:user:limit:x"), lambda: user.get("cinesync:movie:1:x"),
                        user.flushall, movie.keys, lambda: user.config_get("*"), lambda: movie.set("other", "x")):
            with pytest.raises(redis.exceptions.NoPermissionError):
                refused()
    finally:
        server.stop()

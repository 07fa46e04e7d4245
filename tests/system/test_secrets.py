"""A canary: a password and tokens nobody else has, sent everywhere they may go. They may be found nowhere."""
import base64
import hashlib
import os
import pathlib
import re

import httpx
import pytest
from harness import Client, System, assert_clean, mail_body, mails, wait_until

PARTS = ("movie", "user", "notification")


@pytest.fixture(scope="module")
def traces(tmp_path_factory):
    """(secrets by name, everything this CineSync left behind by place, the system). Stopped at the end, so that all is on disk."""
    system = System(tmp_path_factory.mktemp("canary") / "var", LOG_LEVEL="debug")
    secrets = {"password": "Canary-" + os.urandom(12).hex(), "wrong password": "Wrong-" + os.urandom(12).hex(),
               "short password": "Sh" + os.urandom(2).hex(),
               "pepper": base64.b64encode(os.urandom(32)).decode()}
    system.environment["PASSWORD_PEPPERS"] = "canary:" + secrets["pepper"]
    system.up()
    left = {}
    try:
        with Client(system.url) as client:
            live(client, secrets, system.mail)
            wait_until(lambda: mails(system.mail, "canary@example.org"), 5, "the welcome mail")
        for part in PARTS:
            pid, url = system.part(part)
            left[f"{part} /metrics"] = httpx.get(url + "/metrics").content
            left[f"{part} command line"] = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            left[f"{part} environment"] = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        left["gateway command line"] = pathlib.Path(f"/proc/{system.part('gateway')[0]}/cmdline").read_bytes()
    finally:
        running = {str(path): path.read_bytes() for path in system.data.rglob("*") if path.is_file() and path.suffix in (".db-wal", ".db-shm")}
        system.down()
    left.update(running)
    left.update({str(path): path.read_bytes() for path in system.data.rglob("*") if path.is_file()})
    return secrets, left, system


def live(client, secrets, mail):
    """Everything a person does with a secret, right and wrong."""
    assert client.register("canary@example.org", secrets["password"]).status_code == 201
    assert client.register("canary@example.org", secrets["password"]).status_code == 409
    assert client.register("nobody", secrets["password"]).status_code == 422
    assert client.register("short@example.org", secrets["short password"]).status_code == 422
    assert client.post("/auth/register", json={"email": "x@example.org", "passwort": secrets["password"]}).status_code == 422
    assert client.post("/auth/register", content='{"password":"' + secrets["password"]).status_code in (415, 422)
    assert client.log_in("canary@example.org", secrets["wrong password"]).status_code == 401
    assert client.log_in(secrets["password"], secrets["password"]).status_code == 401  # typed into the wrong field
    form = {"grant_type": "password", "username": "canary@example.org", "password": secrets["password"]}
    assert client.post("/auth/login", data=form).status_code == 200
    assert client.get("/auth/login", params={"password": secrets["password"]}).status_code == 405
    assert client.log_in("canary@example.org", secrets["password"]).status_code == 200
    secrets.update({"first " + name: client.tokens[name] for name in ("access_token", "refresh_token")})
    answer = client.post("/auth/refresh", json={"refresh_token": client.tokens["refresh_token"]})
    client.take(answer.json())
    secrets.update({"second " + name: client.tokens[name] for name in ("access_token", "refresh_token")})
    assert client.get("/users/me").status_code == 200
    assert client.get("/users/me", headers={"Authorization": "Bearer " + client.tokens["access_token"][:-3]}).status_code == 401
    assert client.post("/auth/refresh", json={"refresh_token": client.tokens["refresh_token"], "x": 1}).status_code == 422
    assert client.post("/auth/logout").status_code == 204
    live_with_links(client, secrets, mail)
    live_with_a_second_factor(client, secrets)


def link(mail, fragment):
    """The token out of the newest mail with such a link."""
    def found():
        tokens = [(m["x-event-id"], token) for m in mails(mail)
                  for token in re.findall(rf"#{fragment}=([\w-]+)", mail_body(m, "plain"))]
        return max(tokens)[1] if tokens else None
    return wait_until(found, 10, f"a link to {fragment}")


def live_with_links(client, secrets, mail):
    """One-time links may be in the mails, and nowhere else."""
    secrets["new password"] = "Canary-too-" + os.urandom(12).hex()
    secrets["link verify"] = link(mail, "verify-email")
    assert client.post("/auth/verify-email", json={"token": secrets["link verify"]}).status_code == 204
    assert client.post("/auth/password/forgot", json={"email": "canary@example.org"}).status_code == 202
    secrets["link reset"] = link(mail, "reset-password")
    reset = {"token": secrets["link reset"], "password": secrets["new password"]}
    assert client.post("/auth/password/reset", json={**reset, "token": "x" * 43}).status_code == 400
    assert client.post("/auth/password/reset", json=reset).status_code == 204
    tokens = client.log_in("canary@example.org", secrets["new password"]).json()
    secrets["device token"] = tokens["device_token"]
    change = {"email": "canary-new@example.org", "password": secrets["new password"]}
    assert client.post("/users/me/email", json={**change, "password": secrets["wrong password"]}).status_code == 403
    assert client.post("/users/me/email", json=change).status_code == 202
    secrets["link change"] = link(mail, "confirm-email")
    assert client.post("/auth/confirm-email", json={"token": secrets["link change"]}).status_code == 204


def live_with_a_second_factor(client, secrets):
    answer = client.post("/users/me/second-factor", json={"password": secrets["new password"]})
    assert answer.status_code == 201, answer.text
    secrets["TOTP secret"] = answer.json()["secret"]
    assert client.post("/users/me/second-factor/confirm", json={"code": "000000x"}).status_code in (400, 403, 422)
    assert client.get("/users/me/export").status_code == 200


def may_have(name, place):
    """A link is in its mail; a setting is in the environment of the one process it is for, which only its owner can read."""
    return name.startswith("link ") and place.endswith(".eml") or (name, place) == ("pepper", "user environment")


def test_no_secret_is_left_anywhere(traces):
    secrets, left, _ = traces
    assert len(secrets) == 14 and len(left) >= 18
    for kind in ("log/user.log", "log/access.log", "user/user.db", "notification/notification.db", ".eml", "user /metrics"):
        assert [place for place in left if place.endswith(kind)], f"nothing was looked at like {kind}"
    found = [(name, place) for name, secret in secrets.items() for place, data in left.items()
             if secret.encode() in data and not may_have(name, place)]
    assert found == []
    assert any(b",p=canary$" in data for data in left.values())  # the pepper was used


def test_nor_the_part_of_a_token_that_is_worth_something(traces):
    secrets, left, _ = traces
    signatures = [secret.split(".")[2] for name, secret in secrets.items() if "access" in name]
    assert len(signatures) == 2
    assert [place for place, data in left.items() for signature in signatures if signature.encode() in data] == []


def test_the_search_finds_what_is_there(traces):
    """It can fail: the address is in the database and the mail, the refresh token's hash in the database."""
    secrets, left, _ = traces
    places = [place for place, data in left.items() if b"canary@example.org" in data]
    assert any(place.endswith("user.db") for place in places) and any(place.endswith(".eml") for place in places)
    digest = hashlib.sha256(secrets["second refresh_token"].encode()).digest()
    assert [place for place, data in left.items() if place.endswith("user.db") and digest in data]


def test_what_is_private_is_closed_to_others(traces):
    _, _, system = traces
    assert system.data.stat().st_mode & 0o077 == 0
    for path in (system.data / "user").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    for path in (system.data / "log").glob("*.log"):
        assert path.stat().st_mode & 0o077 == 0, path
        assert_clean(path.read_text(errors="replace"))

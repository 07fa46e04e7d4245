"""Administrators: finding and changing accounts, the audit trail, and who may do none of it."""
import concurrent.futures
import contextlib
import json
import sqlite3
import subprocess

import psycopg2
import pytest
from harness import Client, base_environment, problem, program
from test_crash import rows

NOBODY = "01a218ef-107d-7864-a69d-a69af89d813f"
ROUTES = [("GET", "/admin/users"), ("GET", f"/admin/users/{NOBODY}"), ("PATCH", f"/admin/users/{NOBODY}"),
          ("DELETE", f"/admin/users/{NOBODY}"), ("GET", f"/admin/users/{NOBODY}/sessions"),
          ("DELETE", f"/admin/users/{NOBODY}/sessions"), ("GET", "/admin/audit")]


def command(service, *arguments):
    settings = {**service.settings, "LOG_LEVEL": "alert"}
    return subprocess.run([program("user"), "admin", *arguments], env=base_environment(**settings), text=True, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def grant(services, email):
    """By the command: beside the running service on PostgreSQL, else while it is stopped."""
    if not services.postgres:
        services.user.stop()
    done = command(services.user, "grant", email)
    assert done.returncode == 0, done.stderr
    if not services.postgres:
        services.user.start()


@pytest.fixture
def administered(on_each):
    with Client(on_each.user.url) as admin, Client(on_each.user.url) as person:
        on_each.admin_id = admin.new_person("admin")["id"]
        on_each.person_id = person.new_person("person", display_name="Пётр %_!")["id"]
        grant(on_each, admin.email)
        yield on_each, admin, person


def test_the_command(on_each):
    with Client(on_each.user.url) as person:
        person.new_person()
        email = person.email
    if not on_each.postgres:
        busy = command(on_each.user, "list")
        assert busy.returncode == 69 and "in use by process" in busy.stderr  # and nothing is broken by it
        on_each.user.stop()
    assert command(on_each.user, "list").stdout == ""
    assert command(on_each.user, "grant", email.upper()).returncode == 0
    assert email in command(on_each.user, "list").stdout
    for arguments, code in ((["grant", "nobody@example.org"], 65), (["grant", "no address"], 65), ([], 64), (["grant"], 64)):
        assert command(on_each.user, *arguments).returncode == code
    assert command(on_each.user, "revoke", email).returncode == 0
    assert command(on_each.user, "list").stdout == ""
    actions = [action for action, in rows(on_each.user, "SELECT action FROM audit ORDER BY sequence")]
    assert actions[-2:] == ["user.grant-admin", "user.revoke-admin"]
    if not on_each.postgres:
        on_each.user.start()


def test_nobody_else_may(administered):
    for method, path in ROUTES:
        nobody_else_may(administered, method, path)


def nobody_else_may(administered, method, path):
    """Not without a token, nor without the role, nor when the role or the account is gone."""
    services, admin, person = administered
    body = {"json": {"is_active": False}} if method == "PATCH" else {}
    with Client(services.user.url) as nobody:
        problem(nobody.request(method, path, **body), 401, "unauthorized")
    problem(person.request(method, path, **body), 403, "forbidden")
    denied = admin.get("/admin/audit", params={"actor_id": services.person_id, "action": "admin.request"}).json()["results"][0]
    assert denied["result"] == "denied" and json.loads(denied["detail"])["path"].split("{")[0] in "/api/v1" + path
    assert admin.request(method, path, **body).status_code in (200, 404), (method, path)
    with Client(services.user.url) as second:
        second_id = second.new_person("second")["id"]
        assert admin.patch(f"/admin/users/{second_id}", json={"role": "admin"}).status_code == 200
        assert second.request(method, path, **body).status_code in (200, 404), (method, path)
        assert admin.patch(f"/admin/users/{second_id}", json={"is_active": False}).status_code == 200
        problem(second.request(method, path, **body), 401, "unauthorized")


def test_the_list_pages_and_searches(administered):
    services, admin, person = administered
    with Client(services.user.url) as client:
        for n in range(5):
            client.register(f"Page{n}@Example.org")
    seen, cursor = [], None
    while True:
        page = admin.get("/admin/users", params={"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
        seen += [user["email"] for user in page["results"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 7 and seen[0] == "Page4@Example.org"
    find = lambda **query: [user["email"] for user in admin.get("/admin/users", params=query).json()["results"]]
    assert find(q="pAGE3") == ["Page3@Example.org"]
    assert find(q="%") == [person.email] and find(q="_!") == [person.email] and find(q="Пётр") == [person.email]
    assert find(role="admin") == [admin.email] and person.email not in find(is_active="false")
    problem(admin.get("/admin/users", params={"cursor": "A" * 40}), 422, "validation-failed")


def test_deactivating_ends_everything_at_once(administered):
    services, admin, person = administered
    url = f"/admin/users/{services.person_id}"
    assert admin.get(url).json()["sessions"] == 1
    assert [s["device"] for s in admin.get(url + "/sessions").json()["results"]] == ["Python"]
    assert admin.patch(url, json={"is_active": False}).json()["is_active"] is False
    problem(person.get("/users/me"), 401, "unauthorized")
    problem(person.post("/auth/refresh", json={"refresh_token": person.tokens["refresh_token"]}), 401, "invalid-refresh-token")
    problem(person.log_in(), 403, "account-inactive")
    assert admin.patch(url, json={"is_active": True}).json()["sessions"] == 0
    assert person.log_in().status_code == 200
    assert admin.delete(url + "/sessions").status_code == 204
    problem(person.get("/users/me"), 401, "unauthorized")


def test_deleting_frees_the_address(administered):
    services, admin, person = administered
    assert admin.delete(f"/admin/users/{services.person_id}").status_code == 204
    problem(admin.get(f"/admin/users/{services.person_id}"), 404, "user-not-found")
    problem(person.log_in(), 401, "invalid-credentials")
    assert person.register(person.email).status_code == 201


def test_the_last_administrator_stays(administered):
    services, admin, _ = administered
    url = f"/admin/users/{services.admin_id}"
    problem(admin.patch(url, json={"role": "user"}), 409, "last-admin")
    problem(admin.patch(url, json={"is_active": False}), 409, "last-admin")
    problem(admin.delete(url), 409, "last-admin")
    problem(admin.request("DELETE", "/users/me", json={"password": "correct horse battery staple"}), 409, "last-admin")
    assert admin.get("/admin/users").status_code == 200


def test_two_who_demote_each_other_leave_one(administered):
    services, admin, _ = administered
    with Client(services.user.url) as other:
        other_id = other.new_person("other")["id"]
        for _ in range(5):
            admin.patch(f"/admin/users/{other_id}", json={"role": "admin"})
            assert other.log_in().status_code == 200
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                first = pool.submit(admin.patch, f"/admin/users/{other_id}", json={"role": "user"})
                second = pool.submit(other.patch, f"/admin/users/{services.admin_id}", json={"role": "user"})
                first.result(), second.result()
            left = rows(services.user, "SELECT id FROM users WHERE role = 'admin'") if services.postgres else None
            assert left is None or len(left) == 1
            if admin.get("/admin/users").status_code != 200:
                assert other.get("/admin/users").status_code == 200
                assert other.patch(f"/admin/users/{services.admin_id}", json={"role": "admin"}).status_code == 200
                assert admin.log_in().status_code == 200


def test_the_trail_says_who_did_what_to_whom(administered):
    services, admin, person = administered
    person.log_in(password="wrong")
    trace_id = admin.patch(f"/admin/users/{services.person_id}", json={"is_active": False}).headers["x-request-id"]
    found = admin.get("/admin/audit", params={"user_id": services.person_id}).json()["results"]
    assert [(e["action"], e["result"]) for e in found[:2]] == [("user.deactivate", "success"), ("session.create", "failure")]
    event = found[0]
    assert (event["actor_id"], event["user_id"], event["trace_id"]) == (services.admin_id, services.person_id, trace_id)
    assert event["ip_address"] == "127.0.0.1" and event["device"] == "Python" and event["at"]
    for query in ({"action": "user.deactivate"}, {"actor_id": services.admin_id, "result": "success", "ip_address": "127.0.0.1"}):
        assert event in admin.get("/admin/audit", params=query).json()["results"]
    assert event not in admin.get("/admin/audit", params={"until": "2020-01-01T00:00:00Z"}).json()["results"]
    page = admin.get("/admin/audit", params={"limit": 1}).json()
    following = admin.get("/admin/audit", params={"limit": 1, "cursor": page["next_cursor"]}).json()
    assert page["results"] != following["results"]
    assert any(line["message"] == "security event" and line["action"] == "user.deactivate" and line["trace_id"] == trace_id
               for line in services.user.log_lines())


def test_a_person_sees_the_own_trail_and_no_other(administered):
    _, admin, person = administered
    mine = person.get("/users/me/activity").json()["results"]
    assert [e["action"] for e in mine] == ["session.create", "user.register"]
    assert all(e not in admin.get("/users/me/activity").json()["results"] for e in mine)
    cursor = admin.get("/admin/audit", params={"limit": 1}).json()["next_cursor"]
    problem(person.get("/users/me/activity", params={"cursor": cursor}), 422, "validation-failed")


@pytest.mark.parametrize("statement", ["UPDATE audit SET result = 'success'", "DELETE FROM audit"])
def test_the_database_itself_refuses_to_change_the_trail(on_each, statement):
    with Client(on_each.user.url) as person:
        person.new_person()
    on_each.user.stop()
    before = rows(on_each.user, "SELECT count(*) FROM audit")
    if on_each.postgres:
        with contextlib.closing(psycopg2.connect(on_each.user.settings["DATABASE_URL"])) as database:
            with pytest.raises(psycopg2.errors.CheckViolation):
                database.cursor().execute(statement)
    else:
        with contextlib.closing(sqlite3.connect(on_each.user.data / "user.db")) as database:
            with pytest.raises(sqlite3.IntegrityError):
                database.execute(statement)
    assert rows(on_each.user, "SELECT count(*) FROM audit") == before and before[0][0] > 0
    on_each.user.start()

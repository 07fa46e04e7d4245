"""A copy of everything, and the end of an account: at once or after a while, kept if its owner thinks again."""
import contextlib
import sqlite3

import psycopg2
from harness import PASSWORD, Client, Services, mails, problem, wait_until
from test_crash import rows

SECTIONS = {"users": "account", "sessions": "sessions", "second_factors": "second_factor", "recovery_codes": "second_factor",
            "one_time_links": "one_time_links", "audit": "activity", "library_state": "library", "library_entries": "library",
            "lists": "lists", "idempotency_keys": "requests", "imports": "imports"}


def delete(client, password=PASSWORD):
    return client.request("DELETE", "/users/me", json={"password": password})


def restarted(services, **settings):
    services.user.stop()
    services.user.start(**settings)


def test_the_copy_has_everything_and_no_secret(on_each):
    with Client(on_each.user.url) as person, Client(on_each.movie.url) as films:
        profile = person.new_person(display_name="Ада", language="ru")
        films = [film["id"] for film in films.get("/movies/discover").json()["results"]][:3]
        for film in films:
            person.put(f"/users/me/favorites/{film}")
        person.post("/users/me/lists", json={"name": "Later"})
        answer = person.get("/users/me/export")
        assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
        copy = answer.json()
    assert {key: copy["account"][key] for key in ("id", "email", "display_name", "language", "role", "is_active")} == \
        {key: profile[key] for key in ("id", "email", "display_name", "language", "role", "is_active")}
    assert copy["account"]["created_at"] == profile["created_at"]
    assert sorted(entry["movie_id"] for entry in copy["library"] if entry["collection"] == "favorites") == sorted(films)
    assert [one["name"] for one in copy["lists"]] == ["Later"]
    assert len(copy["sessions"]) == 1 and copy["activity"][-1]["action"] == "session.create"
    assert [event["type"] for event in copy["events"]][:1] == ["com.cinesync.user.created.v1"]
    assert copy["second_factor"] is None
    for secret in (PASSWORD, person.tokens["refresh_token"], person.tokens["access_token"], "$bcrypt", "rotation_key"):
        assert secret not in answer.text


def test_every_table_about_a_person_is_in_the_copy(on_each):
    """A new table with a user_id has to be thought of."""
    if on_each.postgres:
        found = rows(on_each.user, "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' "
                                   "AND column_name = 'user_id'")
    else:
        on_each.user.stop()
        found = rows(on_each.user, "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c "
                                   "WHERE m.type = 'table' AND c.name = 'user_id'")
        on_each.user.start()
    assert {name for name, in found} | {"users"} <= set(SECTIONS)


def test_ten_thousand_entries_fit(on_each):
    with Client(on_each.user.url) as person:
        user_id = person.new_person()["id"]
        if on_each.postgres:
            with contextlib.closing(psycopg2.connect(on_each.user.settings["DATABASE_URL"])) as database:
                fill(database.cursor(), user_id, "generate_series(1, 10000) AS n")
                database.commit()
        else:
            on_each.user.stop()
            with contextlib.closing(sqlite3.connect(on_each.user.data / "user.db")) as database:
                fill(database, user_id, "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 10000) SELECT n FROM s)")
                database.commit()
            on_each.user.start()
        copy = person.get("/users/me/export").json()
        assert [entry["movie_id"] for entry in copy["library"]] == list(range(1, 10001))


def fill(database, user_id, numbers):
    database.execute(f"INSERT INTO library_state (user_id, version, entries, favorites) VALUES ('{user_id}', 10000, 10000, 10000)")
    database.execute("INSERT INTO library_entries (user_id, movie_id, collection, title_key, year_key, added_at_ms, changed_at_ms, "
                     f"added_version, version) SELECT '{user_id}', n, 'favorites', 'x', 0, n, n, n, n FROM {numbers}")


def test_an_account_can_go_at_once_and_nothing_stays_but_the_trail(on_each):
    restarted(on_each, ACCOUNT_DELETION_GRACE_DAYS=0)
    with Client(on_each.user.url) as person:
        user_id = person.new_person(display_name="Erased Person")["id"]
        mail = on_each.notification.data / "mail"
        wait_until(lambda: mails(mail, person.email), 10, "the welcome")
        problem(delete(person, "wrong"), 403, "wrong-password")
        assert person.get("/users/me").status_code == 200
        assert delete(person).status_code == 202
        problem(person.get("/users/me"), 401, "unauthorized")
        problem(person.log_in(), 401, "invalid-credentials")
        goodbye, = wait_until(lambda: [m for m in mails(mail, person.email) if "gone" in m["subject"]], 10, "the goodbye")
        assert "Erased Person" in goodbye.get_body(("plain",)).get_content()
        assert len(mails(mail, person.email)) == 1  # the welcome is forgotten
        for table, column in (("users", "id"), ("sessions", "user_id"), ("library_state", "user_id"), ("one_time_links", "user_id")):
            if on_each.postgres:
                assert rows(on_each.user, f"SELECT 1 FROM {table} WHERE {column} = '{user_id}'") == []
        with Client(on_each.user.url) as again:
            assert again.register(person.email).status_code == 201


def test_an_account_waits_and_can_be_kept(on_each):
    with Client(on_each.user.url) as person:
        person.new_person()
        answer = delete(person)
        assert answer.status_code == 202 and answer.json()["delete_at"]
        problem(person.get("/users/me"), 401, "unauthorized")
        problem(person.log_in(password="wrong"), 401, "invalid-credentials")
        problem(person.log_in(), 403, "account-deletion-pending")
        problem(person.post("/auth/cancel-deletion", json={"email": person.email, "password": "wrong"}), 401, "invalid-credentials")
        assert person.post("/auth/cancel-deletion", json={"email": person.email, "password": PASSWORD}).status_code == 204
        assert person.log_in().status_code == 200
        mail = on_each.notification.data / "mail"
        found, = wait_until(lambda: [m for m in mails(mail, person.email) if "will be deleted" in m["subject"]], 10, "the mail")
        assert answer.json()["delete_at"][:10] in found.get_body(("plain",)).get_content()


def test_when_the_time_has_come_it_goes(on_each):
    with Client(on_each.user.url) as person:
        person.new_person()
        assert delete(person).status_code == 202
        on_each.user.stop()
        if on_each.postgres:
            with contextlib.closing(psycopg2.connect(on_each.user.settings["DATABASE_URL"])) as database:
                database.cursor().execute("UPDATE users SET delete_at_ms = 1")
                database.commit()
        else:
            with contextlib.closing(sqlite3.connect(on_each.user.data / "user.db")) as database:
                database.execute("UPDATE users SET delete_at_ms = 1")
                database.commit()
        on_each.user.start()
        wait_until(lambda: person.log_in().json()["code"] == "invalid-credentials", 10, "the end")
        mail = on_each.notification.data / "mail"
        wait_until(lambda: [m for m in mails(mail, person.email) if "gone" in m["subject"]], 10, "the goodbye")

"""Registering, logging in, refreshing, logging out, the profile."""
import concurrent.futures

import pytest
from harness import PASSWORD, Client, problem, raw_answers, raw_exchange


@pytest.fixture
def system(system_on_each):
    return system_on_each


def test_register_then_log_in(client):
    answer = client.register("Ada.Lovelace@Example.ORG", display_name="Ada", language="ru")
    assert answer.status_code == 201
    assert answer.headers["location"] == "/api/v1/users/me"
    user = answer.json()
    assert user["email"] == "Ada.Lovelace@Example.ORG"  # as typed
    assert (user["display_name"], user["language"], user["role"], user["is_active"]) == ("Ada", "ru", "user", True)
    assert set(user) == {"id", "email", "display_name", "language", "role", "is_active", "email_verified", "created_at"}

    tokens = client.log_in("ada.lovelace@example.org").json()
    assert tokens["token_type"] == "bearer" and tokens["expires_in"] == 600
    assert client.get("/users/me").json() == user


def test_an_address_is_unique_whatever_its_spelling(client):
    assert client.register("Grace@bücher.example").status_code == 201
    for spelling in ("grace@bücher.example", "GRACE@BÜCHER.example", "grace@xn--bcher-kva.example"):
        problem(client.register(spelling), 409, "email-taken")


def test_parallel_registrations_of_one_address(system):
    spellings = ["race@example.org", "Race@example.org", "RACE@EXAMPLE.ORG", "race@Example.Org"] * 5

    def register(address):
        with Client(system.url) as client:
            return client.register(address).status_code

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        statuses = sorted(pool.map(register, spellings))
    assert statuses == [201] + [409] * (len(spellings) - 1)


def test_the_oauth2_password_form(person):
    form = {"grant_type": "password", "username": person.email, "password": PASSWORD, "scope": ""}
    answer = person.post("/auth/login", data=form)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    person.take(answer.json())
    assert person.get("/users/me").status_code == 200


def test_wrong_password_and_unknown_address_look_the_same(client):
    client.register("known@example.org")
    wrong = problem(client.log_in("known@example.org", "not the password"), 401, "invalid-credentials")
    unknown = problem(client.log_in("unknown@example.org", "not the password"), 401, "invalid-credentials")
    nonsense = problem(client.log_in("not an address", "not the password"), 401, "invalid-credentials")
    for body in (unknown, nonsense):
        assert {k: v for k, v in body.items() if k != "trace_id"} == {k: v for k, v in wrong.items() if k != "trace_id"}
    answer = client.log_in("unknown@example.org", "not the password")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("password", ["Zq7-" * 25, "64 emoji: " + "🎬" * 64, "nul\0inside", " spaces at both ends ", "éàçñøü" * 3])
def test_every_character_of_a_password_counts(client, password):
    address = f"password-{abs(hash(password))}@example.org"
    assert client.register(address, password).status_code == 201
    assert client.log_in(address, password).status_code == 200
    problem(client.log_in(address, password[:-1] + "X"), 401, "invalid-credentials")
    if len(password) > 9:
        problem(client.log_in(address, password[:-1]), 401, "invalid-credentials")


def test_a_refresh_token_works_once(person):
    first = person.tokens["refresh_token"]
    second = person.post("/auth/refresh", json={"refresh_token": first}).json()
    assert second["refresh_token"] != first
    person.take(second)
    assert person.get("/users/me").status_code == 200
    third = person.post("/auth/refresh", json={"refresh_token": second["refresh_token"]})
    assert third.status_code == 200
    # The first one again, its successor used: that is a thief, and the session ends for both.
    problem(person.post("/auth/refresh", json={"refresh_token": first}), 401, "invalid-refresh-token")
    problem(person.post("/auth/refresh", json=dict(refresh_token=third.json()["refresh_token"])), 401,
            "invalid-refresh-token")
    problem(person.get("/users/me"), 401, "unauthorized")


def test_a_lost_answer_can_be_asked_for_again(person):
    first = person.tokens["refresh_token"]
    answers = [person.post("/auth/refresh", json={"refresh_token": first}) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


def test_parallel_refreshes_have_one_successor(system, person):
    first = person.tokens["refresh_token"]

    def refresh(_):
        with Client(system.url) as client:
            return client.post("/auth/refresh", json={"refresh_token": first})

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(refresh, range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


def test_logging_out_ends_the_session_at_once(person):
    assert person.post("/auth/logout").status_code == 204
    problem(person.get("/users/me"), 401, "unauthorized")
    problem(person.post("/auth/refresh", json={"refresh_token": person.tokens["refresh_token"]}), 401,
            "invalid-refresh-token")


def test_the_profile_can_be_changed(person):
    assert person.patch("/users/me", json={"display_name": " Ada ", "language": "ru"}).json()["display_name"] == "Ada"
    after = person.patch("/users/me", json={"display_name": None}).json()
    assert after["display_name"] is None and after["language"] == "ru"
    assert person.patch("/users/me", json={}).json() == after
    body = problem(person.patch("/users/me", json={"language": None, "role": "admin"}), 422, "validation-failed")
    assert sorted(tuple(error["loc"]) for error in body["errors"]) == [("body", "language"), ("body", "role")]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer x.y.z", "Basic YTpi", "bearer" + "x" * 3000])
def test_without_a_good_token(client, header):
    headers = {} if header is None else {"Authorization": header}
    answer = client.get("/users/me", headers=headers)
    problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_with_an_empty_token(system):
    request = (b"GET /api/v1/users/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: %s\r\n\r\n")
    for header in (b"Bearer ", b"Bearer \t ", b"Bearer  x"):
        answer, = raw_answers(raw_exchange(system.url, request % header))
        problem(answer, 401, "unauthorized")


def test_every_violation_is_listed(client):
    answer = client.post("/auth/register", json={"email": "nobody", "password": "pa55wrd", "extra": 1, "language": "xx"})
    body = problem(answer, 422, "validation-failed")
    found = {(tuple(error["loc"]), error["type"]) for error in body["errors"]}
    assert found == {(("body", "email"), "value_error"), (("body", "password"), "string_too_short"),
                     (("body", "extra"), "extra_forbidden"), (("body", "language"), "enum")}
    assert "pa55wrd" not in answer.text  # a password is never echoed

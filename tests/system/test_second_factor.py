"""The second factor: off until a first code was shown, each code good once, and nobody in without it."""
import base64
import concurrent.futures
import hashlib
import hmac
import struct
import time
import urllib.parse

import pytest
from harness import NO_LIMITS, PASSWORD, Client, Services, mails, problem, wait_until

PATH = "/users/me/second-factor"
STEP_S = 30


def code_of(secret, steps=0):
    """RFC 6238, so many steps from now."""
    counter = struct.pack(">Q", int(time.time()) // STEP_S + steps)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 1000000:06}"


def wrong_code(secret):
    near = {code_of(secret, steps) for steps in range(-3, 4)}
    return next(code for code in ("000000", "111111", "222222", "333333", "444444", "555555", "666666", "777777")
                if code not in near)


def turned_on(person):
    """The secret and the recovery codes; the code of the step before this one is used up."""
    begun = person.post(PATH, json={"password": PASSWORD})
    assert begun.status_code == 201, begun.text
    secret = begun.json()["secret"]
    # Not at the end of a step: the code would be two steps old when it arrives.
    wait_until(lambda: time.time() % STEP_S < STEP_S - 4, 10, "another step")
    done = person.post(PATH + "/confirm", json={"code": code_of(secret, -1)})
    assert done.status_code == 200, done.text
    return secret, done.json()["recovery_codes"]


def log_in(services, person, **more):
    with Client(services.user.url) as client:
        return client.post("/auth/login", json={"email": person.email, "password": PASSWORD, **more})


@pytest.fixture
def somebody(on_each):
    with Client(on_each.user.url) as person:
        person.new_person()
        yield on_each, person


def test_it_is_off_until_a_first_code_was_shown(somebody):
    services, person = somebody
    assert person.get(PATH).json() == {"is_enabled": False, "enabled_at": None, "recovery_codes_left": 0}
    problem(person.post(PATH, json={"password": "not it"}), 403, "wrong-password")
    problem(person.post(PATH + "/confirm", json={"code": "123456"}), 409, "second-factor-off")
    begun = person.post(PATH, json={"password": PASSWORD})
    assert begun.headers["cache-control"] == "no-store"
    secret = begun.json()["secret"]
    uri = urllib.parse.urlsplit(begun.json()["otpauth_uri"])
    assert uri.scheme == "otpauth" and uri.netloc == "totp" and urllib.parse.unquote(uri.path) == "/CineSync:" + person.email
    assert urllib.parse.parse_qs(uri.query) == {"secret": [secret], "issuer": ["CineSync"], "algorithm": ["SHA1"],
                                                "digits": ["6"], "period": ["30"]}
    problem(person.post(PATH + "/confirm", json={"code": wrong_code(secret)}), 403, "invalid-code")
    assert log_in(services, person).status_code == 200
    assert person.post(PATH + "/confirm", json={"code": code_of(secret)}).status_code == 200
    status = person.get(PATH).json()
    assert status["is_enabled"] and status["enabled_at"] and status["recovery_codes_left"] == 10
    problem(person.post(PATH, json={"password": PASSWORD}), 409, "second-factor-on")
    mail, = wait_until(lambda: [mail for mail in mails(services.notification.data / "mail", person.email)
                                if mail["subject"] == "Your second factor is on"], 10, "the mail")
    assert secret not in mail.as_string()
    # Neither secrets nor codes are in any log.
    assert secret not in services.user.log.read_text()


def test_log_in_wants_password_and_code(somebody):
    services, person = somebody
    secret, _ = turned_on(person)
    problem(log_in(services, person), 401, "second-factor-required")
    # A wrong password looks as ever, with or without a code.
    for more in ({}, {"code": code_of(secret)}):
        problem(log_in(services, person, password="wrong", **more), 401, "invalid-credentials")
    problem(log_in(services, person, code=wrong_code(secret)), 403, "invalid-code")
    code = code_of(secret)
    assert log_in(services, person, code=code).status_code == 200
    problem(log_in(services, person, code=code), 403, "invalid-code")
    problem(log_in(services, person, code=code_of(secret), recovery_code="abcde-fghjk"), 422, "validation-failed")


def test_of_parallel_log_ins_with_one_code_one_gets_in(somebody):
    services, person = somebody
    services.user.stop()
    services.user.start(LOGIN_FAILURES_FREE=100)
    secret, codes = turned_on(person)
    for proof in ({"code": code_of(secret)}, {"recovery_code": codes[0]}):
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            statuses = list(pool.map(lambda _: log_in(services, person, **proof).status_code, range(16)))
        assert sorted(statuses) == [200] + [403] * 15


def test_recovery_codes_work_once_and_their_owner_is_told(somebody):
    services, person = somebody
    secret, codes = turned_on(person)
    assert len(set(codes)) == 10
    assert log_in(services, person, recovery_code=codes[3].upper().replace("-", " ")).status_code == 200
    problem(log_in(services, person, recovery_code=codes[3]), 403, "invalid-code")
    problem(log_in(services, person, recovery_code="abcde-fghjk"), 403, "invalid-code")
    assert person.get(PATH).json()["recovery_codes_left"] == 9
    wait_until(lambda: any("recovery" in mail.get_body(("plain",)).get_content()
                           for mail in mails(services.notification.data / "mail", person.email)), 10, "the mail")
    # New ones: the old ones are worth nothing.
    new = person.post(PATH + "/recovery-codes", json={"password": PASSWORD, "code": code_of(secret)})
    assert new.status_code == 200, new.text
    assert person.get(PATH).json()["recovery_codes_left"] == 10
    problem(log_in(services, person, recovery_code=codes[4]), 403, "invalid-code")
    assert log_in(services, person, recovery_code=new.json()["recovery_codes"][0]).status_code == 200


def test_turning_it_off_wants_both(somebody):
    services, person = somebody
    secret, codes = turned_on(person)
    problem(person.post(PATH + "/disable", json={"password": "wrong", "code": code_of(secret)}), 403, "wrong-password")
    problem(person.post(PATH + "/disable", json={"password": PASSWORD, "code": wrong_code(secret)}), 403, "invalid-code")
    problem(person.post(PATH + "/disable", json={"password": PASSWORD}), 422, "validation-failed")
    assert person.get(PATH).json()["is_enabled"]
    assert person.post(PATH + "/disable", json={"password": PASSWORD, "recovery_code": codes[0]}).status_code == 204
    assert not person.get(PATH).json()["is_enabled"]
    assert log_in(services, person).status_code == 200
    problem(person.post(PATH + "/disable", json={"password": PASSWORD, "code": "123456"}), 409, "second-factor-off")
    # On again with another secret; recovery codes of before are gone.
    again, _ = turned_on(person)
    assert again != secret
    problem(log_in(services, person, recovery_code=codes[1]), 403, "invalid-code")


def test_codes_cannot_be_guessed(tmp_path):
    """Five tries in five minutes, by whoever has the password; also all at once."""
    three = Services(tmp_path, **{**NO_LIMITS, "LIMIT_CODES": 5, "LOGIN_FAILURES_FREE": 100}).start()
    with Client(three.user.url) as person:
        person.new_person()
        device = person.log_in().json()["device_token"]
        secret, _ = turned_on(person)  # one of the five
        wrong = wrong_code(secret)
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            statuses = list(pool.map(lambda _: log_in(three, person, code=wrong).status_code, range(40)))
        assert statuses.count(403) == 4 and statuses.count(429) == 36
        refused = log_in(three, person, code=code_of(secret))
        problem(refused, 429, "too-many-requests")
        assert int(refused.headers["retry-after"]) > 0
        # Who holds up the account does not hold up its owner's own device.
        assert log_in(three, person, code=code_of(secret), device_token=device).status_code == 200
    assert three.stop() == [0, 0, 0]


def test_a_wrong_code_is_a_failed_log_in(tmp_path):
    three = Services(tmp_path, **{**NO_LIMITS, "LOGIN_FAILURES_FREE": 3}).start()
    with Client(three.user.url) as person:
        person.new_person()
        secret, _ = turned_on(person)
        wrong = wrong_code(secret)
        assert [log_in(three, person, code=wrong).status_code for _ in range(4)] == [403, 403, 403, 429]
        problem(log_in(three, person), 429, "too-many-requests")
    assert three.stop() == [0, 0, 0]

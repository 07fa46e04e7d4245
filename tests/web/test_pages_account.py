"""Links out of mails, a forgotten password, devices, the second factor and the way out, used as a person uses them."""
import base64
import hmac
import re
import struct
import time
import uuid

from harness import Client, mail_body, mails, wait_until

PASSWORD = "correct horse battery staple"
NEW = "another quite long passphrase"


def register(system):
    with Client(system.url) as client:
        email = f"page-{uuid.uuid4().hex}@example.org"
        assert client.register(email).status_code == 201
    return email


def link(system, email, fragment):
    def found():
        tokens = [token for mail in mails(system.mail, email) for token in re.findall(rf"#{fragment}=([\w-]+)", mail_body(mail, "plain"))]
        return tokens and tokens[-1]
    return "/#" + fragment + "=" + wait_until(found, 10, f"a link to {fragment}")


def sign_in(browser, email, password=PASSWORD):
    browser.type("input[name=email]", email)
    browser.type("input[name=password]", password)
    browser.click(".dialog-small button[type=submit]")


def totp(secret):
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), "sha1")
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 1000000:06}"


def part(browser, title):
    browser.click(".account-details summary", title)


def test_an_address_is_proven_by_a_click(browser, system):
    email = register(system)
    browser.open(link(system, email, "verify-email"))
    browser.click(".account .button-strong", "Yes, it is mine")
    browser.see(".account", "the address is yours")
    assert "#" not in browser.driver.current_url  # nor in the history
    with Client(system.url) as client:
        assert client.log_in(email).status_code == 200
        assert client.get("/users/me").json()["email_verified"] is True


def test_a_forgotten_password(browser, system):
    browser.expect(422, 400)
    email = register(system)
    browser.open("/")
    browser.click(".nav-sign-in")
    browser.click(".form-aside button")
    browser.type("input[name=email]", email)
    browser.click(".dialog-small button[type=submit]")
    browser.see(".account", email)
    path = link(system, email, "reset-password")
    browser.open("/docs")
    browser.open(path)
    browser.type("input[name=password]", "password1")
    browser.click(".dialog-small button[type=submit]")
    browser.see(".field-error", "Common words")
    browser.type("input[name=password]", NEW)
    browser.click(".dialog-small button[type=submit]")
    browser.see(".account", "The new password is set")
    sign_in(browser, email, NEW)
    browser.see(".avatar")
    browser.open("/docs")
    browser.open(path)
    browser.type("input[name=password]", NEW + "!")
    browser.click(".dialog-small button[type=submit]")
    browser.see(".form-failure", "This link has been used")


def test_devices_second_factor_and_the_way_out(browser, system):
    browser.expect(401, 403)
    email = register(system)
    with Client(system.url) as elsewhere:
        assert elsewhere.log_in(email).status_code == 200
        browser.open("/")
        browser.click(".nav-sign-in")
        sign_in(browser, email)
        browser.click(".avatar")
        part(browser, "Devices")
        browser.see(".device", "this device")
        browser.click(".device .button", "Sign out")
        wait_until(lambda: elsewhere.get("/users/me").status_code == 401, 10, "the end of the other session")

    part(browser, "Second factor")
    browser.type(".account-details[open] input[name=password]", PASSWORD)
    browser.click(".account-details[open] button[type=submit]", "Set up")
    secret = browser.see(".secret").text.replace(" ", "")
    browser.type(".account-details[open] input[name=code]", totp(secret))
    browser.click(".account-details[open] button[type=submit]", "Turn on")
    codes = [one.text for one in browser.until(lambda: browser.all(".codes code"), "recovery codes")]
    assert len(codes) == len(set(codes)) == 10
    browser.click(".sign-out")

    browser.click(".nav-sign-in")
    sign_in(browser, email)
    browser.type("input[name=code]", codes[0])
    browser.click(".dialog-small button[type=submit]")
    browser.see(".avatar")

    browser.click(".avatar")
    part(browser, "Leave CineSync")
    browser.type(".account-details[open] input[name=password]", "not the password")
    browser.click(".account-details[open] button[type=submit]", "Delete")
    browser.see(".form-failure", "not your current password")
    browser.type(".account-details[open] input[name=password]", PASSWORD)
    browser.click(".account-details[open] button[type=submit]", "Delete")
    browser.see(".nav-sign-in")
    browser.see(".toast", "will be gone")


def test_a_library_comes_from_elsewhere_and_goes_again(browser, system, tmp_path):
    email = register(system)
    file = tmp_path / "ratings.csv"
    file.write_text("Date,Name,Year,Letterboxd URI,Rating\n2024-01-01,Inception,2010,,4.5\n2024-01-01,The Unfilmed Zzyzx,1950,,3\n")
    browser.open("/")
    browser.click(".nav-sign-in")
    sign_in(browser, email)
    browser.click(".avatar")
    part(browser, "Bring a library from elsewhere")
    browser.until(lambda: browser.all("input[name=file]"), "the file")[0].send_keys(str(file))
    browser.click(".account-details[open] .button-strong", "See what it has")
    browser.see(".import-outcome", "This is what would happen")
    browser.see(".import-counts", "1 new")
    browser.see(".import-rows", "The Unfilmed Zzyzx (1950)")
    with Client(system.url) as client:
        client.log_in(email)
        assert client.get("/users/me/ratings").json()["results"] == []
        browser.click(".import-outcome .button-strong", "Do it")
        browser.see(".import-outcome", "Done.")
        [rating] = client.get("/users/me/ratings").json()["results"]
        assert (rating["movie_title"], rating["rating"]) == ("Inception", 9)
        client.post("/users/me/watched", json={"movie_id": rating["movie_id"], "watched_on": "2024-01-01"})
    part(browser, "In figures")
    browser.see(".account-parts", "1 film")
    part(browser, "Take the library along")
    browser.click(".export-buttons button", "CSV")

"""Forged access tokens against running services: everything that others were got in by, and 0 accepted. The forger has
the public keys, a real account and a server of their own; where a case needs the signing key itself, the test has it."""
import base64
import hashlib
import hmac
import http.server
import json
import threading
import time
import zlib

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from harness import Client, Services, problem

LEEWAY_S = 5
# Properly signed; whose session it is, only the service with the accounts knows.
OF_SESSIONS = ("no sid", "a session that is none", "a session that is no id", "another's session")
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def part(value):
    return b64(value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode())


def rs(key, data, digest=hashes.SHA256):
    return decode_dss_signature(key.sign(data, ec.ECDSA(digest())))


def signed(key, header, payload):
    """A compact JWS by ES256, whatever the header says."""
    data = f"{part(header)}.{part(payload)}".encode()
    r, s = rs(key, data)
    return data.decode() + "." + b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def by(header, payload, signature):
    """A compact JWS with what signature() makes of the text that is signed."""
    data = f"{part(header)}.{part(payload)}".encode()
    return data.decode() + "." + b64(signature(data))


def jwk_of(key):
    numbers = key.public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": b64(numbers.x.to_bytes(32, "big")), "y": b64(numbers.y.to_bytes(32, "big"))}


class Trap(http.server.BaseHTTPRequestHandler):
    """The forger's server: gives the forger's key to whoever asks, and remembers who did."""

    def do_GET(self):
        self.server.asked.append(self.path)
        body = json.dumps({"keys": [self.server.jwk]}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Forger:
    def __init__(self, services, person, trap):
        self.token = person.tokens["access_token"]
        self.refresh_token = person.tokens["refresh_token"]
        self.header, self.claims = (json.loads(unb64(text)) for text in self.token.split(".")[:2])
        private = json.loads(services.key_file.read_text())
        self.key = ec.derive_private_key(int.from_bytes(unb64(private["d"]), "big"), ec.SECP256R1())
        self.jwks = httpx.get(services.user.url + "/api/v1/auth/.well-known/jwks.json").text
        self.public = json.loads(self.jwks)["keys"][0]
        self.stranger = ec.generate_private_key(ec.SECP256R1())
        self.trap = trap
        trap.jwk = {**jwk_of(self.stranger), "kid": "mine", "alg": "ES256", "use": "sig"}
        self.trap_url = f"http://127.0.0.1:{trap.server_port}/jwks.json"

    def with_header(self, key=None, **changes):
        return signed(key or self.key, {**self.header, **changes}, self.claims)

    def without_header(self, name):
        return signed(self.key, {k: v for k, v in self.header.items() if k != name}, self.claims)

    def with_claims(self, **changes):
        return signed(self.key, self.header, {**self.claims, **changes})

    def without_claim(self, name):
        return signed(self.key, self.header, {k: v for k, v in self.claims.items() if k != name})

    # ---- the cases ----

    def algorithms(self):
        header, claims, text = self.header, self.claims, self.token.rsplit(".", 1)[0]
        for name in ("none", "nOnE", "None", "NONE", ""):
            yield f"alg {name!r} unsigned", f"{part({**header, 'alg': name})}.{part(claims)}."
            yield f"alg {name!r} with the old signature", f"{part({**header, 'alg': name})}.{self.token.split('.', 1)[1]}"
        yield "no signature at all", text
        yield "an empty signature", text + "."
        public_key = self.key.public_key()
        secrets = {
            "the PEM": public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
            "the DER": public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
            "the point": public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint),
            "the JWK": json.dumps(self.public, separators=(",", ":")).encode(),
            "the key set": self.jwks.encode(),
            "x": unb64(self.public["x"]), "kid": self.header["kid"].encode(), "nothing": b"",
        }
        for what, secret in secrets.items():
            for name, digest in (("HS256", hashlib.sha256), ("HS512", hashlib.sha512)):
                yield f"{name} with {what} as secret", by({**header, "alg": name}, claims,
                                                           lambda data, s=secret, d=digest: hmac.digest(s, data, d))
        yield "ES256 over an HMAC", by(header, claims, lambda data: hmac.digest(secrets["the PEM"], data, "sha512"))
        rsa_key = rsa.generate_private_key(65537, 2048)
        yield "RS256", by({**header, "alg": "RS256"}, claims,
                          lambda data: rsa_key.sign(data, padding.PKCS1v15(), hashes.SHA256()))
        yield "EdDSA", by({**header, "alg": "EdDSA"}, claims, ed25519.Ed25519PrivateKey.generate().sign)
        yield "ES384 by a key of P-384", by({**header, "alg": "ES384"}, claims,
                                            lambda data: ec.generate_private_key(ec.SECP384R1()).sign(data, ec.ECDSA(hashes.SHA384())))
        yield "the right signature, alg es256", self.with_header(alg="es256")
        yield "alg in a list", self.with_header(alg=["ES256"])
        yield "no alg", self.without_header("alg")

    def signatures(self):
        text, signature = self.token.rsplit(".", 1)
        raw = unb64(signature)
        r, s = raw[:32], raw[32:]
        yield "zeros (CVE-2022-21449)", text + "." + b64(bytes(64))
        yield "r = 0", text + "." + b64(bytes(32) + s)
        yield "s = 0", text + "." + b64(r + bytes(32))
        yield "r = n", text + "." + b64(ORDER.to_bytes(32, "big") + s)
        yield "s + n", text + "." + b64(r + ((int.from_bytes(s, "big") + ORDER) % 2**256).to_bytes(32, "big"))
        yield "r and s exchanged", text + "." + b64(s + r)
        yield "DER in the place of r and s", by(self.header, self.claims, lambda data: self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        yield "over SHA-384", by(self.header, self.claims, lambda data: b"".join(
            n.to_bytes(32, "big") for n in rs(self.key, data, hashes.SHA384)))
        yield "one bit", text + "." + b64(raw[:-1] + bytes([raw[-1] ^ 1]))
        yield "a byte more", text + "." + b64(raw + b"\0")
        yield "a byte less", text + "." + b64(raw[:-1])
        yield "padded base64", text + "." + base64.urlsafe_b64encode(raw).decode()
        yield "the other base64", text + "." + base64.b64encode(b"\xfb\xff" + raw).decode().rstrip("=")
        header, payload, _ = self.token.split(".")
        yield "other claims, same signature", f"{header}.{part({**self.claims, 'role': 'admin'})}.{signature}"
        yield "another header, same signature", f"{part({**self.header, 'x': 1})}.{payload}.{signature}"
        yield "by a stranger under our kid", signed(self.stranger, self.header, self.claims)
        yield "by a stranger as admin", signed(self.stranger, self.header, {**self.claims, "role": "admin"})

    def keys(self):
        for kid in ("mine", "", "../../../../dev/null", "/dev/null", "' OR '1'='1", "x' UNION SELECT 'AA' --",
                    self.header["kid"].lower() + "x", "0", self.trap_url, "| cat /etc/passwd"):
            yield f"kid {kid!r}", signed(self.stranger, {**self.header, "kid": kid}, self.claims)
        yield "no kid", self.without_header("kid")
        yield "kid null", self.with_header(kid=None)
        yield "kid a list", self.with_header(kid=[self.header["kid"]])
        yield "kid of 5 KB", self.with_header(kid="k" * 5000)
        mine = {**self.header, "kid": "mine"}
        for base, which in ((mine, "own kid"), (self.header, "our kid")):
            yield f"jwk, {which}", signed(self.stranger, {**base, "jwk": self.trap.jwk}, self.claims)
            yield f"jku, {which}", signed(self.stranger, {**base, "jku": self.trap_url}, self.claims)
            yield f"x5u, {which}", signed(self.stranger, {**base, "x5u": self.trap_url}, self.claims)
            yield f"x5c, {which}", signed(self.stranger, {**base, "x5c": ["MIIB"]}, self.claims)
        yield "our own jwk, properly signed", self.with_header(jwk=self.public)
        yield "jku of our own, properly signed", self.with_header(jku=self.trap_url)

    def headers(self):
        for typ in ("JWT", "jwt", "", "at+jwt ", "refresh+jwt", "dpop+jwt", "id_token", None, 1):
            yield f"typ {typ!r}", self.with_header(typ=typ)
        yield "no typ", self.without_header("typ")
        yield "crit exp", self.with_header(crit=["exp"])
        yield "crit unknown", self.with_header(crit=["http://example.org/x"], **{"http://example.org/x": True})
        yield "crit empty", self.with_header(crit=[])
        yield "b64 false", self.with_header(crit=["b64"], b64=False)
        yield "zip", signed(self.key, {**self.header, "zip": "DEF"}, zlib.compress(json.dumps(self.claims).encode())[2:-4])
        twice = json.dumps(self.header)[:-1] + ',"alg":"none"}'
        yield "alg twice", signed(self.key, twice.encode(), self.claims)

    def of_claims(self):
        now = int(time.time())
        for name in ("iss", "aud", "sub", "jti", "iat", "exp", "client_id", "sid"):
            yield f"no {name}", self.without_claim(name)
        yield "another issuer", self.with_claims(iss="https://evil.example")
        yield "our issuer and more", self.with_claims(iss=self.claims["iss"] + "/")
        yield "issuers in a list", self.with_claims(iss=[self.claims["iss"]])
        yield "another audience", self.with_claims(aud="somebody-else")
        yield "audiences of others", self.with_claims(aud=["somebody", "else"])
        yield "audience null", self.with_claims(aud=None)
        yield "expired", self.with_claims(iat=now - 1000, exp=now - LEEWAY_S - 1)
        yield "expired long ago", self.with_claims(iat=1, exp=2)
        yield "exp 0", self.with_claims(exp=0)
        yield "exp negative", self.with_claims(exp=-1)
        yield "exp a string", self.with_claims(exp=str(now + 600))
        yield "exp beyond all time", self.with_claims(exp=2**63)
        yield "exp 1e300", self.with_claims(exp=1e300)
        yield "not yet valid", self.with_claims(nbf=now + 600)
        yield "issued in the future", self.with_claims(iat=now + 600, exp=now + 1200)
        yield "a session that is none", self.with_claims(sid="01a218ef-107d-7864-a69d-a69af89d813f")
        yield "a session that is no id", self.with_claims(sid="' OR 1=1 --")
        yield "another's session", self.with_claims(sub="01a218ef-107d-7864-a69d-a69af89d813f")
        yield "exp twice", signed(self.key, self.header, (json.dumps(self.claims)[:-1] + f',"exp":{now + 9999}}}').encode())

    def shapes(self):
        yield "a refresh token", self.refresh_token
        yield "over 8 KB", self.with_claims(filler="x" * 8192)
        yield "far over 8 KB", self.with_claims(filler="x" * 15000)
        yield "four parts", self.token + ".x"
        yield "five parts, as if encrypted", "..".join([part({"alg": "dir", "enc": "A256GCM"}), "x", "y"]) + ".z"
        yield "a dot", "."
        yield "two dots", ".."
        yield "JSON", json.dumps({"payload": "x", "signatures": []})
        yield "nested", signed(self.key, {**self.header, "cty": "JWT"}, self.token.encode())
        yield "claims a list", signed(self.key, self.header, [self.claims])
        yield "claims null", signed(self.key, self.header, b"null")
        yield "claims 2,000 deep", signed(self.key, self.header, b"[" * 2000 + b"]" * 2000)
        yield "a NUL behind the claims", signed(self.key, self.header, json.dumps(self.claims).encode() + b"\0")
        yield "not UTF-8", signed(self.key, self.header, b'{"iss":"\xff"}')
        yield "a newline within", self.token[:20] + "%0a" + self.token[20:]

    def all(self):
        for cases in (self.algorithms, self.signatures, self.keys, self.headers, self.of_claims, self.shapes):
            yield from cases()


@pytest.fixture
def forger(tmp_path):
    three = Services(tmp_path, SIGNING_KEY_FILE=tmp_path / "key.json")
    three.key_file = tmp_path / "key.json"
    three.movie.settings["JWKS_URL"] = three.user.url + "/api/v1/auth/.well-known/jwks.json"
    three.start()
    trap = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Trap)
    trap.asked = []
    threading.Thread(target=trap.serve_forever, daemon=True).start()
    with Client(three.user.url) as person:
        person.new_person()
        yield three, Forger(three, person, trap)
    trap.shutdown()
    trap.server_close()
    assert three.stop() == [0, 0, 0]


def test_not_one_forged_token_is_accepted(forger):
    services, forge = forger
    places = [services.user.url + "/api/v1/users/me", services.movie.url + "/api/v1/movies/search?query=casablanca"]
    # What the forger builds with the real key is taken: it is the token that is refused below, not its maker.
    for place in places:
        for good in (forge.token, forge.with_header(), forge.with_claims(aud=["x", forge.claims["aud"]])):
            assert httpx.get(place, headers={"Authorization": "Bearer " + good}, timeout=30).status_code != 401, place
    assert httpx.get(places[0], headers={"Authorization": "Bearer " + forge.with_claims()}).status_code == 200
    cases = list(forge.all())
    assert len(cases) >= 100 and len({name for name, _ in cases}) == len(cases)
    wrong = []
    with httpx.Client(timeout=30) as client:
        for place in places:
            for name, token in cases:
                if place == places[1] and name in OF_SESSIONS:
                    continue
                answer = client.get(place, headers={b"Authorization": b"Bearer " + token.encode()})
                if answer.status_code not in (401, 431) or (answer.status_code == 401 and answer.json()["code"] != "unauthorized"):
                    wrong.append((place, name, answer.status_code))
    assert wrong == []
    assert forge.trap.asked == []
    # It was them, not the account: the real token is still good.
    assert httpx.get(places[0], headers={"Authorization": "Bearer " + forge.token}).status_code == 200


def test_other_ways_to_hand_over_a_token(forger):
    services, forge = forger
    place = services.user.url + "/api/v1/users/me"
    for value in ("", "Bearer", "Basic " + forge.token, forge.token, "Bearer  x", "Bearer " + forge.token + " x",
                  "Bearer " + forge.token + "," + forge.token):
        problem(httpx.get(place, headers={"Authorization": value}), 401, "unauthorized")
    problem(httpx.get(place, headers={"Cookie": "access_token=" + forge.token}), 401, "unauthorized")
    assert httpx.get(place + "?access_token=" + forge.token).status_code in (401, 422)
    # An access token is no refresh token, as a refresh token is no access token (above).
    other = forge.refresh_token.swapcase()
    problem(httpx.post(services.user.url + "/api/v1/auth/refresh", json={"refresh_token": other}), 401, "invalid-refresh-token")
    assert httpx.post(services.user.url + "/api/v1/auth/refresh", json={"refresh_token": forge.token}).status_code in (401, 422)

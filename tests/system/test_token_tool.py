"""Tokens: ours are read by another library, another library's are read by ours, and forged ones by nobody."""
import base64
import hashlib
import hmac
import json
import subprocess
import time

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from harness import BUILD, Client, Service, base_environment, problem
from jwcrypto import jwk, jws, jwt

TOOL = BUILD / "src" / "token" / "cinesync-token"


def tool(*arguments, stdin=None):
    return subprocess.run([TOOL, *map(str, arguments)], env=base_environment(), input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=30)


def b64(data):
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sign(key, header, claims):
    """A compact JWS with exactly this header, whatever it says of itself; jwcrypto would refuse to write some of them."""
    start = b64(header) + "." + b64(claims)
    private = key.get_op_key("sign")
    if key["kty"] == "RSA":
        return f"{start}.{b64(private.sign(start.encode(), padding.PKCS1v15(), hashes.SHA256()))}"
    size = (private.curve.key_size + 7) // 8
    pair = utils.decode_dss_signature(private.sign(start.encode(), ec.ECDSA(hashes.SHA256() if size == 32 else hashes.SHA384())))
    return f"{start}.{b64(b''.join(number.to_bytes(size, 'big') for number in pair))}"


def claims(**changes):
    now = int(time.time())
    good = {"iss": "cinesync", "aud": "cinesync", "sub": "somebody", "client_id": "test", "jti": "1", "iat": now, "exp": now + 60}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """(private key file of the tool's making, its JWKS file)"""
    folder = tmp_path_factory.mktemp("keys")
    published = tool("jwks", "--key", folder / "key.json", "--create")
    assert published.returncode == 0, published.stderr
    (folder / "jwks.json").write_text(published.stdout)
    return folder / "key.json", folder / "jwks.json"


def test_our_token_is_read_by_jwcrypto(keys):
    key, published = keys
    token = tool("sign", "--key", key, "--iss", "i", "--aud", "a", "--sub", "Zoë \"1\"", "--role", "user", "--ttl", 60).stdout.strip()
    read = jwt.JWT(jwt=token, key=jwk.JWKSet.from_json(published.read_text()), algs=["ES256"])
    header, body = json.loads(read.header), json.loads(read.claims)
    assert (header["alg"], header["typ"]) == ("ES256", "at+jwt") and set(header) == {"alg", "typ", "kid"}
    assert (body["iss"], body["aud"], body["sub"], body["role"]) == ("i", "a", 'Zoë "1"', "user")
    assert body["exp"] - body["iat"] == 60 and abs(body["iat"] - time.time()) < 10
    assert header["kid"] == jwk.JWK.from_json(key.read_text()).thumbprint()
    assert "d" not in json.loads(published.read_text())["keys"][0]


def test_the_services_token_is_read_by_jwcrypto(system, person):
    published = httpx.get(system.url + "/api/v1/auth/.well-known/jwks.json").text
    read = jwt.JWT(jwt=person.tokens["access_token"], key=jwk.JWKSet.from_json(published), algs=["ES256"])
    body = json.loads(read.claims)
    assert (body["iss"], body["aud"], body["sub"], body["role"]) == ("cinesync", "cinesync", person.profile["id"], "user")
    assert body["exp"] - body["iat"] == person.tokens["expires_in"]
    assert {"jti", "client_id"} <= set(body) and person.email not in read.claims


def test_the_services_token_is_read_by_our_tool(system, person, tmp_path):
    jwks = tmp_path / "jwks.json"
    jwks.write_text(httpx.get(system.url + "/api/v1/auth/.well-known/jwks.json").text)
    done = tool("verify", "--jwks", jwks, "--iss", "cinesync", "--aud", "cinesync", "-", stdin=person.tokens["access_token"] + "\n")
    assert done.returncode == 0 and json.loads(done.stdout)["sub"] == person.profile["id"]


@pytest.mark.parametrize("payload", [b"", b"{}", b"not json", "ключ".encode(), bytes(range(256)), b"x" * 2000])
def test_another_librarys_signature_is_read_by_our_tool(tmp_path, payload):
    key = jwk.JWK.generate(kty="EC", crv="P-256", kid="theirs")
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [json.loads(key.export_public())]}))
    signer = jws.JWS(payload)
    signer.add_signature(key, None, json.dumps({"alg": "ES256", "kid": "theirs"}), None)
    token = signer.serialize(compact=True)
    done = subprocess.run([TOOL, "verify-jws", "--jwks", tmp_path / "jwks.json", token], env=base_environment(), stdout=subprocess.PIPE)
    assert done.returncode == 0 and done.stdout.rstrip(b"\n") == payload.rstrip(b"\n")
    head, body, signature = token.split(".")
    for forged in (f"{head}.{body}.{b64(bytes(64))}", f"{head}.{b64(payload + b'!')}.{signature}", f"{head}.{body}.", f"{head}.{body}"):
        done = tool("verify-jws", "--jwks", tmp_path / "jwks.json", forged)
        assert done.returncode == 1 and "refused" in done.stderr and done.stdout == ""


def test_another_librarys_token_is_read_by_our_tool(tmp_path):
    key = jwk.JWK.generate(kty="EC", crv="P-256", kid="theirs")
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [json.loads(key.export_public())]}))
    good = sign(key, {"alg": "ES256", "kid": "theirs", "typ": "at+jwt"}, claims(aud=["other", "cinesync"]))
    done = tool("verify", "--jwks", tmp_path / "jwks.json", "--iss", "cinesync", "--aud", "cinesync", good)
    assert done.returncode == 0 and json.loads(done.stdout)["sub"] == "somebody"
    late = sign(key, {"alg": "ES256", "kid": "theirs", "typ": "at+jwt"}, claims(exp=1000, iat=900))
    done = tool("verify", "--jwks", tmp_path / "jwks.json", late)
    assert done.returncode == 1 and done.stderr == "cinesync-token: refused: expired\n"


# ---- forged tokens, sent to a service that holds the real key ----

@pytest.fixture
def keyed(tmp_path):
    """A user service whose one key the test has."""
    service = Service("user", tmp_path, BCRYPT_COST=4, SIGNING_KEY_FILE=tmp_path / "signing-key.json").start()
    service.key = tmp_path / "signing-key.json"
    with Client(service.url) as somebody:
        somebody.profile = somebody.new_person()
        yield service, somebody
    assert service.stop() == 0


def forged(service, person):
    """name -> token. Those marked "right key" are signed with the service's own key: only what they say is wrong."""
    token = person.tokens["access_token"]
    head, body, signature = token.split(".")
    own = jwk.JWK.from_json(service.key.read_text())
    other = jwk.JWK.generate(kty="EC", crv="P-256")
    rsa = jwk.JWK.generate(kty="RSA", size=2048)
    p384 = jwk.JWK.generate(kty="EC", crv="P-384")
    header, said = json.loads(unb64(head)), json.loads(unb64(body))
    public = json.loads(own.export_public())

    def right(header_changes=(), **changes):
        changed = {name: value for name, value in {**header, **dict(header_changes)}.items() if value is not None}
        return sign(own, changed, {name: value for name, value in {**said, **changes}.items() if value is not None})

    def mac(secret):
        start = f"{b64({**header, 'alg': 'HS256'})}.{body}"
        return f"{start}.{b64(hmac.new(secret, start.encode(), hashlib.sha256).digest())}"

    def unsigned(alg):
        return f"{b64({**header, 'alg': alg})}.{body}."

    number = int.from_bytes(unb64(signature)[32:], "big")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    now = int(time.time())
    return right, {
        "alg none": unsigned("none"), "alg None": unsigned("None"), "alg NONE with a signature": f"{b64({**header, 'alg': 'NONE'})}.{body}.{signature}",
        "alg empty": unsigned(""), "no alg": f"{b64({k: v for k, v in header.items() if k != 'alg'})}.{body}.{signature}",
        "HS256 with the public key's JWK": mac(own.export_public().encode()), "HS256 with the public key's PEM": mac(own.export_to_pem()),
        "HS256 with the point": mac(unb64(public["x"]) + unb64(public["y"])), "HS256 with nothing": mac(b""), "HS256 with the kid": mac(header["kid"].encode()),
        "another key, our kid": sign(other, header, said), "another key, its own kid": sign(other, {**header, "kid": other.thumbprint()}, said),
        "another key in a jwk header": sign(other, {**header, "jwk": json.loads(other.export_public())}, said),
        "another key in a jwk header, no kid": sign(other, {"alg": "ES256", "typ": "at+jwt", "jwk": json.loads(other.export_public())}, said),
        "our key in a jwk header (right key)": right({"jwk": public}), "jku (right key)": right({"jku": service.url + "/jwks.json"}),
        "x5u (right key)": right({"x5u": "http://127.0.0.1:1/x"}), "x5c (right key)": right({"x5c": ["AAAA"]}), "crit (right key)": right({"crit": ["exp"], "exp": now + 60}),
        "b64 (right key)": right({"b64": True}),
        "kid of a file": sign(other, {**header, "kid": "/dev/null"}, said), "kid that climbs": sign(other, {**header, "kid": "../../signing-key.json"}, said),
        "kid of SQL": sign(other, {**header, "kid": "' OR 1=1 --"}, said), "kid empty (right key)": right({"kid": ""}), "no kid (right key)": right({"kid": None}),
        "kid a number (right key)": right({"kid": 1}), "kid huge (right key)": right({"kid": "k" * 3000}),
        "ES384": sign(p384, {**header, "alg": "ES384"}, said), "RS256": sign(rsa, {**header, "alg": "RS256"}, said),
        "typ JWT (right key)": right({"typ": "JWT"}), "no typ (right key)": right({"typ": None}), "typ id_token (right key)": right({"typ": "id+jwt"}),
        "expired (right key)": right(exp=now - 60, iat=now - 600), "expired long ago (right key)": right(exp=1), "no exp (right key)": right(exp=None),
        "exp a text (right key)": right(exp=str(now + 60)), "exp negative (right key)": right(exp=-1), "exp huge (right key)": right(exp=10 ** 30),
        "not yet valid (right key)": right(nbf=now + 600), "issued tomorrow (right key)": right(iat=now + 86400, exp=now + 90000),
        "another issuer (right key)": right(iss="evil"), "no issuer (right key)": right(iss=None), "an issuer list (right key)": right(iss=["cinesync"]),
        "another audience (right key)": right(aud="other"), "no audience (right key)": right(aud=None), "other audiences (right key)": right(aud=["a", "b"]),
        "no sub (right key)": right(sub=None), "another sub (right key)": right(sub="0190c0de-0000-7000-8000-000000000001"), "no jti (right key)": right(jti=None),
        "no session (right key)": right(sid=None), "a session of nobody (right key)": right(sid="0190c0de-0000-7000-8000-000000000001"),
        "claims that are none (right key)": sign(own, header, b"[]"), "claims twice (right key)": sign(own, header, json.dumps(said)[:-1].encode() + b',"sub":"x"}'),
        "the refresh token": person.tokens["refresh_token"], "a bit of the signature": f"{head}.{body}.{b64(bytes([unb64(signature)[0] ^ 1]) + unb64(signature)[1:])}",
        "zeros": f"{head}.{body}.{b64(bytes(64))}", "a short signature": f"{head}.{body}.{b64(unb64(signature)[:63])}",
        "a long signature": f"{head}.{body}.{b64(unb64(signature) + bytes(1))}", "no signature": f"{head}.{body}.", "two parts": f"{head}.{body}",
        "four parts": f"{token}.x", "padding": token + "=", "the twin signature, padded twice": f"{head}.{body}.{b64(unb64(signature)[:32] + (order - number).to_bytes(32, 'big'))}==",
        "another role": f"{head}.{b64({**said, 'role': 'admin'})}.{signature}", "a header changed": f"{b64({**header, 'x': 1})}.{body}.{signature}",
        "spaces": f"{head} .{body}.{signature}", "standard base64": token.replace("-", "+").replace("_", "/") + "+", "a JWE": f"{head}.{body}.{body}.{body}.{body}",
        "JSON serialisation": json.dumps({"protected": head, "payload": body, "signature": signature}), "empty parts": "..", "a NUL": token + "%00",
        "long": token + "x" * 3000,
    }


def test_forged_tokens(keyed):
    service, person = keyed
    right, table = forged(service, person)
    assert len(table) >= 60
    good = httpx.get(service.url + "/api/v1/users/me", headers={"Authorization": "Bearer " + right()})
    assert good.status_code == 200 and good.json() == person.profile  # the table's own key and signing are right
    accepted = {}
    for name, token in table.items():
        answer = httpx.get(service.url + "/api/v1/users/me", headers={"Authorization": "Bearer " + token})
        if answer.status_code != 401:
            accepted[name] = answer.status_code
            continue
        problem(answer, 401, "unauthorized")
        assert answer.headers["www-authenticate"].startswith("Bearer ") and token not in answer.text, name
    assert accepted == {}
    assert person.get("/users/me").status_code == 200  # and the real one goes on


def test_a_token_ends_on_time(keyed):
    service, _ = keyed
    service.stop()
    service.start(ACCESS_TOKEN_TTL_S=5)
    with Client(service.url) as client:
        client.new_person()
        assert client.tokens["expires_in"] == 5 and client.get("/users/me").status_code == 200
        signing = jwk.JWK.from_json(service.key.read_text())
        said = json.loads(unb64(client.tokens["access_token"].split(".")[1]))
        head = json.loads(unb64(client.tokens["access_token"].split(".")[0]))
        past = sign(signing, head, {**said, "iat": said["iat"] - 20, "exp": said["exp"] - 20})
        client.headers["Authorization"] = "Bearer " + past
        problem(client.get("/users/me"), 401, "unauthorized")

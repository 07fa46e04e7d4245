"""Whatever a stranger sends as a token, a trace or an identity: no worker dies, no 5xx, and only a token as it was issued gets in."""
import base64
import hashlib
import hmac
import json
import os
import random
import socket

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from harness import LONG
from nginx_harness import GOOD, Issuer, Nginx, bearer, told
from otlp_harness import Collector
from test_forged_tokens import signed

ROUNDS = int(os.environ.get("TEST_ROUNDS", 100000 if LONG else 1000))
PIPELINE = 64  # requests on their way at once
MADE_MAX = 20000  # different ones: making them takes longer than asking; each comes again among others
SERVER = """cinesync_auth required; add_header X-Auth $cinesync_auth always;
    location / { empty_gif; } location = /metrics { cinesync_auth off; cinesync_status; }"""


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def text(part):
    return base64url(json.dumps(part).encode())


class Forger:
    """Tokens that were issued, and what can be made of them."""

    def __init__(self, rng, issuer):
        self.rng = rng
        self.good = [issuer.token().encode() for _ in range(8)]
        public = issuer.keys["first"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        stranger = ec.generate_private_key(ec.SECP256R1())
        self.made = [issuer.token(key=stranger).encode(), signed(stranger, {"alg": "ES256", "kid": "../../dev/null"}, {"sub": "eve"}).encode()]
        body = self.good[0].split(b".")[1]
        for header in ({"alg": "none"}, {"alg": "None", "typ": "at+jwt"}, {"alg": "HS256", "kid": "first"}, {"alg": ["ES256"]}, {"alg": "ES256", "b64": False},
                       {"alg": "ES256", "kid": "first", "crit": ["exp"]}, {"alg": "ES256", "jwk": {"kty": "EC"}}, {"alg": "ES256", "kid": "f" * 3000}, [], 7):
            head = text(header) + b"." + body
            self.made += [head + b".", head + b"." + base64url(hmac.digest(public, head, hashlib.sha256)), head + b"." + self.good[0].split(b".")[2]]
        self.made.append(base64url(b"[" * 2000 + b"]" * 2000) + b"." + body + b"." + b"A" * 86)

    def mutated(self):
        rng, token = self.rng, bytearray(self.rng.choice(self.good))
        for _ in range(rng.choice([1, 1, 2, 5])):
            at = rng.randrange(len(token))
            how = rng.randrange(6)
            if how == 0:
                token[at] = rng.choice(b"ABCDEFGHabcdefgh0123456789-_")
            elif how == 1:
                token[at] = rng.randrange(1, 256)
            elif how == 2:
                del token[at:at + rng.randrange(1, 40)]
            elif how == 3:
                token[at:at] = rng.choice([b".", b"=", b"A", b"%41", b" ", b"\t", bytes(token[:50])])
            elif how == 4:
                token = bytearray(b".".join(rng.sample(bytes(token).split(b"."), token.count(b".") + 1)))
            else:
                token += rng.choice([b".", b"=", b"==", b"x", b",Bearer " + self.good[0]])
            if not token:
                token = bytearray(b".")
        return bytes(token)

    def authorization(self):
        rng = self.rng
        kind = rng.randrange(8)
        if kind == 0:
            return rng.choice([b"Bearer ", b"bearer ", b"BEARER "]) + rng.choice(self.good)
        if kind < 5:
            return b"Bearer " + self.mutated()
        if kind == 5:
            return b"Bearer " + rng.choice(self.made)
        return rng.choice([b"", b"Bearer", b"Basic " + self.good[0], b"Bearer" + self.good[0], b"Bearer " + rng.randbytes(rng.randrange(60)),
                           b"Bearer " + b"e" * rng.randrange(7000), b"Token " + self.good[0], b"Bearer ..", self.good[0]])

    def passes(self, value):
        """Whether it names a token as it was issued, and nothing else; white space around it is taken for none, as in the services."""
        scheme, _, token = value.strip(b" ").partition(b" ")
        return scheme.lower() == b"bearer" and token.strip(b" \t") in self.good


def trace_header(rng):
    value = bytearray(rng.choice([GOOD.encode(), b"a=1,b=2", rng.randbytes(rng.randrange(120)), b"", b",".join(b"k%d=v" % n for n in range(rng.randrange(60))),
                                  b"00-" + b"0" * 32 + b"-" + b"1" * 16 + b"-01", b"x" * rng.randrange(3000)]))
    if value and rng.randrange(2):
        value[rng.randrange(len(value))] = rng.randrange(256)
    return rng.choice([b"traceparent", b"tracestate", b"TraceParent", b"X-User-Id", b"x-user-role", b"X-Session-Id", b"X-Request-Id", b"Cookie"]), bytes(value)


def request(rng, forger):
    """(its bytes, its Authorization headers)"""
    tokens = [forger.authorization() for _ in range(rng.choice([0, 1, 1, 1, 1, 1, 1, 2]))]
    headers = [(rng.choice([b"Authorization", b"authorization"]), token) for token in tokens] + [trace_header(rng) for _ in range(rng.choice([0, 0, 1, 3, 8]))]
    rng.shuffle(headers)
    # What ends a header is no part of it, and what no header may hold ends the connection, with all that is behind it.
    lines = [(name, bytes(32 if byte in b"\r\n" or (byte == 0 and rng.randrange(50)) else byte for byte in value)) for name, value in headers]
    tokens = [value for name, value in lines if name.lower() == b"authorization"]
    method, version = rng.choice([b"GET"] * 12 + [b"HEAD"]), rng.choice([b"1.1"] * 60 + [b"1.0"])
    head = b"".join(name + b": " + value + b"\r\n" for name, value in lines)
    return method + b" /" + rng.choice([b"", b"x?y=z"]) + b" HTTP/" + version + b"\r\nHost: x\r\n" + head + b"\r\n", method, tokens


class Connection:
    """Sends a pipeline and reads what is answered, in order; made anew when the server has closed it."""

    def __init__(self, port):
        self.port, self.socket = port, None

    def exchange(self, requests, cuts):
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=60)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.rest = b""
        sent = b"".join(one[0] for one in requests)
        answers = []
        try:
            for begin, end in zip([0, *cuts], [*cuts, len(sent)]):
                self.socket.sendall(sent[begin:end])
            for _, method, _ in requests:
                answers.append(self.answer(method == b"HEAD"))
        except (OSError, EOFError):  # closed behind one that was no request
            self.close()
        return answers

    def answer(self, is_head):
        while b"\r\n\r\n" not in self.rest:
            self.read()
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        length = [int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        size = length[0] if length and not is_head else 0
        while len(self.rest) < size:
            self.read()
        self.rest = self.rest[size:]
        return status, b"\r\nX-Auth: accepted" in head

    def read(self):
        part = self.socket.recv(262144)
        if not part:
            raise EOFError
        self.rest += part

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None


@pytest.fixture
def nginx(tmp_path):
    with Collector() as collector:
        issuer = Issuer(tmp_path)
        http = f"cinesync_jwks {issuer.path}; cinesync_trace on; keepalive_requests 1000000; large_client_header_buffers 4 8k;"
        with Nginx(tmp_path / "nginx", http=http, server=SERVER, **told(collector)) as running:
            running.issuer = issuer
            yield running


def test_no_header_brings_a_worker_down_or_lets_a_forger_in(nginx):
    seed = int(os.environ.get("TEST_SEED", random.randrange(2**32)))
    print("TEST_SEED", seed)
    rng = random.Random(seed)
    forger = Forger(rng, nginx.issuer)
    workers = nginx.workers()
    made = [request(rng, forger) for _ in range(min(ROUNDS, MADE_MAX))]
    connection, answered, accepted, silent = Connection(nginx.port), 0, 0, 0
    while answered < ROUNDS:
        requests = rng.choices(made, k=PIPELINE)
        size = sum(len(one[0]) for one in requests)
        cuts = sorted(rng.sample(range(1, size), 5)) if rng.randrange(8) == 0 else []
        answers = connection.exchange(requests, cuts)
        # None at times: the last of the former ones had the connection closed; or the first of these did, and its answer is lost when
        # the connection is reset for what came behind it.
        silent = 0 if answers else silent + 1
        assert silent < 20
        for (head, _, tokens), (status, is_accepted) in zip(requests, answers):
            assert status in (200, 400, 401, 414), (status, head)
            assert is_accepted == (status == 200)
            good = [forger.passes(token) for token in tokens]
            if status == 200:
                accepted += 1
                assert any(good), head
            elif status == 401:
                assert good != [True], head
        answered += len(answers)
    connection.close()
    assert accepted > ROUNDS / 50 and nginx.workers() == workers
    assert Connection(nginx.port).exchange([(f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer(nginx.issuer.token())['Authorization']}\r\n\r\n".encode(),
                                             b"GET", [])], []) == [(200, True)]

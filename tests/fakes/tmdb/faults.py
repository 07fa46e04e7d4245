"""What goes wrong, while it runs: one set of faults at a time, thrown and healed by control.py.

Faults works out which requests are hit and who waits; Play does one request's misfortune on its connection. Waiting is by
callbacks on the loop, never by a task, so that a thousand hung requests cost a thousand entries in a set.
"""
import asyncio

from api import JSON, error
from http11 import Answer, Clock, first_line

GOLDEN = 0.6180339887498949  # its multiples spread evenly over 0..1
DRIP_EVERY_S = 0.05
CODES = {401: 7, 404: 34, 429: 25, 500: 11, 502: 43, 503: 9, 504: 24}

# name: which types it may have
KNOWN = {"latency_ms": (int, float, dict), "hang": bool, "drip_bytes_per_s": (int, float), "reset": bool,
         "reset_mid_body": bool, "status": int, "retry_after": str, "garbage": bool, "truncated": bool,
         "wrong_type": bool, "error_shape": str, "empty": bool, "no_etag": bool, "change": int, "share": (int, float),
         "paths": str, "count": int, "tls_abort": bool}
LATENCY_KEYS = ("mean", "jitter", "tail", "tail_share")


def checked(given):
    """The set without what is off; ValueError says what nobody can do."""
    if not isinstance(given, dict):
        raise ValueError("faults are an object")
    found = {}
    for name, value in given.items():
        if name not in KNOWN:
            raise ValueError(f"there is no fault {name}")
        if value is None or value is False:
            continue
        if not isinstance(value, KNOWN[name]) or isinstance(value, bool) and KNOWN[name] is not bool:
            raise ValueError(f"{name} cannot be {value!r}")
        found[name] = value
    latency = found.get("latency_ms")
    if isinstance(latency, dict):
        if not all(key in LATENCY_KEYS and isinstance(one, (int, float)) and one >= 0 for key, one in latency.items()):
            raise ValueError("latency_ms has mean, jitter, tail and tail_share, numbers from 0")
    if not 0 <= found.get("share", 1) <= 1:
        raise ValueError("share is 0..1")
    if "status" in found and not 200 <= found["status"] <= 599:
        raise ValueError("status is 200..599")
    if found.get("drip_bytes_per_s", 1) <= 0 or found.get("count", 1) <= 0:
        raise ValueError("drip_bytes_per_s and count are above 0")
    if found.get("error_shape", "new") not in ("old", "new"):
        raise ValueError("error_shape is old or new")
    return found


class Wait:
    """Somebody who goes on after some seconds, or when all is healed; without seconds only then."""
    __slots__ = ("faults", "callback", "timer")

    def __init__(self, faults, seconds, callback):
        self.faults = faults
        self.callback = callback
        self.timer = None if seconds is None else faults.loop.call_later(seconds, self.end)
        faults.waiting.add(self)

    def cancel(self):
        self.faults.waiting.discard(self)
        if self.timer:
            self.timer.cancel()

    def end(self):
        self.cancel()
        self.callback()


class Faults:
    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.active = {}
        self.left = None
        self.healings = 0
        self.matched = 0
        self.hits = 0
        self.waiting = set()

    def put(self, faults):
        """These and no others; who waited because of the former ones goes on."""
        self.heal()
        self.active = {name: value for name, value in faults.items() if name != "change"}
        self.left = faults.get("count")

    def heal(self):
        self.stop()
        self.healings += 1
        for wait in list(self.waiting):
            wait.end()

    def stop(self):
        """No further request is hit; who waits, waits on."""
        self.active = {}
        self.left = None
        self.matched = 0

    def take(self, path):
        """The faults for a request of this path, or None."""
        active = self.active
        if not active or not path.startswith(active.get("paths", "")) or "tls_abort" in active:
            return None
        return self.draw()

    def take_handshake(self):
        return self.draw() is not None if self.active.get("tls_abort") else False

    def draw(self):
        """Every request in turn adds its share; whoever makes a whole is hit. The same requests in each run."""
        active = self.active
        share = active.get("share", 1)
        before = int(self.matched * share + 1e-9)
        self.matched += 1
        if int(self.matched * share + 1e-9) == before:
            return None
        self.hits += 1
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                self.stop()
        return active

    def latency_s(self, faults):
        latency = faults.get("latency_ms", 0)
        if not isinstance(latency, dict):
            return latency / 1000
        spread = self.hits * GOLDEN % 1
        if spread < latency.get("tail_share", 0.01) and "tail" in latency:
            return latency["tail"] / 1000
        return max(0, latency.get("mean", 0) + latency.get("jitter", 0) * (2 * spread - 1)) / 1000


def failure(faults):
    """The error that the faults want to be answered, or None."""
    status = faults.get("status")
    if status is None:
        return None
    headers = [("retry-after", faults["retry_after"])] if "retry_after" in faults else []
    if faults.get("error_shape") == "old":
        return Answer(status, b'{"errors":["the request could not be served"],"success":false}',
                      [("content-type", JSON), *headers])
    return error(CODES.get(status, 11), 41, 40, status=status, headers=headers)


def disguised(faults, answer):
    """The answer in place of the right one; itself when nothing changes it."""
    answer = failure(faults) or answer
    if faults.get("garbage"):
        return Answer(200, b'{"page":1,"results":[{"id":\x00\xff\xfe<<<}}} no JSON', [("content-type", JSON)])
    if faults.get("wrong_type"):
        return Answer(200, b"<!doctype html><title>Sign in</title><p>Welcome to the hotel's network.",
                      [("content-type", "text/html")])
    if faults.get("empty"):
        return Answer(200, b"", [("content-type", JSON)])
    if faults.get("no_etag") and answer.status == 200:
        return Answer(200, answer.body, answer.headers, None, answer.chunked)
    return answer


class Play:
    """One request that was hit: waits, then answers wrongly, in pieces, or not at all. `done(status)` is called once,
    whatever happens, with what the client saw: a status, "reset", or "gone" when it went first."""

    def __init__(self, faults, active, connection, answer, done):
        self.faults = faults
        self.active = active
        self.connection = connection
        self.answer = disguised(active, answer)
        self.done = done
        self.wait = None
        self.healings = faults.healings
        self.rest = b""
        connection.lost = self.lost
        seconds = faults.latency_s(active)
        if seconds > 0:
            self.wait = Wait(faults, seconds, self.after_latency)
        else:
            self.after_latency()

    def lost(self):
        if self.wait:
            self.wait.cancel()
        self.end("gone")

    def end(self, status):
        done, self.done = self.done, None
        self.connection.lost = None
        if done:
            done(status)

    def after_latency(self):
        if self.active.get("hang") and self.healings == self.faults.healings:
            self.wait = Wait(self.faults, None, self.speak)
        else:
            self.speak()

    def speak(self):
        active, connection = self.active, self.connection
        if active.get("reset"):
            connection.reset()
            self.end("reset")
        elif active.get("truncated") or active.get("reset_mid_body"):
            self.break_off()
        elif active.get("drip_bytes_per_s") and self.answer.body:
            self.begin_drip()
        else:
            self.end(self.answer.status)
            connection.send(self.answer)
            connection.go_on()

    def head(self):
        length = len(self.answer.body)
        return first_line(self.answer.status) + Clock.date() + self.answer.head(length, False, self.connection.keep)

    def break_off(self):
        """Half of the body, then the end of the connection: with FIN, or with RST a little later, so that it is seen."""
        connection, body = self.connection, self.answer.body
        connection.keep = False
        connection.transport.write(self.head() + body[:len(body) // 2])
        if self.active.get("truncated"):
            self.end(self.answer.status)
            connection.finish()
        else:
            self.wait = Wait(self.faults, DRIP_EVERY_S, self.reset_late)

    def reset_late(self):
        self.connection.reset()
        self.end("reset")

    def begin_drip(self):
        self.connection.transport.write(self.head())
        self.rest = self.answer.body
        self.drip()

    def drip(self):
        rate = self.active["drip_bytes_per_s"]
        piece = max(1, int(rate * DRIP_EVERY_S))
        if self.healings != self.faults.healings:
            piece = len(self.rest)
        self.connection.transport.write(self.rest[:piece])
        self.rest = self.rest[piece:]
        if self.rest:
            self.wait = Wait(self.faults, piece / rate, self.drip)
        else:
            self.end(self.answer.status)
            self.connection.finish()
            self.connection.go_on()

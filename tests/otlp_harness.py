"""A collector for the tests: takes OTLP/HTTP at /v1/traces, in protobuf and in JSON, and misbehaves on demand.

The protobuf reader goes by the field numbers of opentelemetry/proto (trace, common and resource v1) and refuses what they do not
have, so that nothing is told of the program's own writer."""
import contextlib
import http.server
import json
import socket
import struct
import threading
import time

from harness import wait_until

KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}

ANY = {1: ("stringValue", "text"), 2: ("boolValue", "bool"), 3: ("intValue", "int"), 4: ("doubleValue", "double")}
PAIR = {1: ("key", "text"), 2: ("value", ANY)}
EVENT = {1: ("timeUnixNano", "fixed64"), 2: ("name", "text"), 3: ("attributes", [PAIR]), 4: ("droppedAttributesCount", "int")}
LINK = {1: ("traceId", "bytes"), 2: ("spanId", "bytes"), 3: ("traceState", "text"), 4: ("attributes", [PAIR]), 6: ("flags", "fixed32")}
STATUS = {2: ("message", "text"), 3: ("code", "int")}
SPAN = {1: ("traceId", "bytes"), 2: ("spanId", "bytes"), 3: ("traceState", "text"), 4: ("parentSpanId", "bytes"), 5: ("name", "text"),
        6: ("kind", "int"), 7: ("startTimeUnixNano", "fixed64"), 8: ("endTimeUnixNano", "fixed64"), 9: ("attributes", [PAIR]),
        10: ("droppedAttributesCount", "int"), 11: ("events", [EVENT]), 12: ("droppedEventsCount", "int"), 13: ("links", [LINK]),
        14: ("droppedLinksCount", "int"), 15: ("status", STATUS), 16: ("flags", "fixed32")}
SCOPE = {1: ("name", "text"), 2: ("version", "text"), 3: ("attributes", [PAIR])}
SCOPE_SPANS = {1: ("scope", SCOPE), 2: ("spans", [SPAN]), 3: ("schemaUrl", "text")}
RESOURCE = {1: ("attributes", [PAIR]), 2: ("droppedAttributesCount", "int")}
RESOURCE_SPANS = {1: ("resource", RESOURCE), 2: ("scopeSpans", [SCOPE_SPANS]), 3: ("schemaUrl", "text")}
REQUEST = {1: ("resourceSpans", [RESOURCE_SPANS])}


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7f) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return value, at
        assert shift < 70, "a varint over ten bytes"


def scalar(kind, wire, value):
    assert wire == {"int": 0, "bool": 0, "fixed64": 1, "double": 1, "fixed32": 5}.get(kind, 2), (kind, wire)
    if kind == "text":
        return value.decode("utf-8")
    if kind == "bytes":
        return value.hex()
    if kind == "double":
        return struct.unpack("<d", value)[0]
    if kind in ("fixed64", "fixed32"):
        return int.from_bytes(value, "little")
    if kind == "bool":
        return bool(value)
    return value - (1 << 64) if value >> 63 else value


def message(data, fields):
    """The message in these bytes; every field has to be one of `fields`."""
    found, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = varint(data, at)
        else:
            size, at = varint(data, at) if wire == 2 else ({1: 8, 5: 4}[wire], at)
            value, at = data[at:at + size], at + size
            assert at <= len(data), "it ends in the middle"
        name, kind = fields[tag >> 3]
        if isinstance(kind, list):
            assert wire == 2
            found.setdefault(name, []).append(message(value, kind[0]))
        else:
            assert name not in found, f"two of {name}"
            found[name] = message(value, kind) if isinstance(kind, dict) else scalar(kind, wire, value)
    return found


def plain(pairs):
    """Attributes as a dict; a name twice is a fault."""
    found = {}
    for pair in pairs:
        (kind, value), = pair["value"].items()
        assert pair["key"] not in found, pair["key"]
        found[pair["key"]] = int(value) if kind == "intValue" else value
    return found


class Span:
    def __init__(self, raw, service):
        self.raw, self.service = raw, service
        self.name, self.kind = raw["name"], KINDS[raw["kind"]]
        self.trace, self.id, self.parent = raw["traceId"], raw["spanId"], raw.get("parentSpanId", "")
        self.start, self.end = int(raw["startTimeUnixNano"]), int(raw["endTimeUnixNano"])
        self.attributes = plain(raw.get("attributes", []))
        self.events = [(event["name"], plain(event.get("attributes", []))) for event in raw.get("events", [])]
        self.failed = raw.get("status", {}).get("code") == 2
        assert len(self.trace) == 32 and len(self.id) == 16 and len(self.parent) in (0, 16)

    def __repr__(self):
        return f"{self.service}: {self.kind} {self.name!r} {self.attributes}"


class Collector:
    """Answers each POST by `answer(body)`: (status, headers, body), or None: the connection is reset; by default all is well."""

    def __init__(self):
        self.spans, self.requests, self.resources = [], [], []
        self.lock = threading.Lock()
        self.answer = None
        self.hang = threading.Event()
        self.hang.set()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.hang.wait(60)
                told = collector.take(self.path, self.headers, body)
                if told is None:
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                    self.close_connection = True
                    return
                status, headers, answer = told
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    for name, value in {"Content-Length": len(answer), **headers}.items():
                        self.send_header(name, str(value))
                    self.end_headers()
                    self.wfile.write(answer)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.hang.set()
        self.server.shutdown()
        self.server.server_close()

    def take(self, path, headers, body):
        with self.lock:
            self.requests.append((time.monotonic(), path, dict(headers), body))
            answer = self.answer(body) if self.answer else (200, {}, b"")
            if answer and answer[0] == 200 and path == "/v1/traces":
                is_json = headers["Content-Type"] == "application/json"
                self.keep(json.loads(body) if is_json else message(body, REQUEST))
        return answer

    def keep(self, request):
        for part in request["resourceSpans"]:
            resource = plain(part["resource"]["attributes"])
            self.resources.append(resource)
            for scope in part["scopeSpans"]:
                self.spans += [Span(raw, resource["service.name"]) for raw in scope["spans"]]

    def trace(self, trace_id, count, seconds=15):
        """The spans of a trace, once there are so many."""
        def found():
            with self.lock:
                return [span for span in self.spans if span.trace == trace_id]
        wait_until(lambda: len(found()) >= count, seconds, f"{count} spans of trace {trace_id}; there are {found()}")
        return found()


def told(collector, **more):
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **more}


def is_inside(spans):
    """One root, every other span has its parent among them and begins no sooner than it, none is there twice: the root, and all by id."""
    by_id = {span.id: span for span in spans}
    assert len(by_id) == len(spans), spans
    roots = [span for span in spans if span.parent not in by_id]
    assert len(roots) == 1, roots
    for span in spans:
        assert span.end >= span.start
        parent = by_id.get(span.parent)
        if parent is not None:
            assert span.start >= parent.start or parent.service != span.service, (parent, span)
    return roots[0], by_id


# What goes on when its parent may have ended long ago.
LATER = {"producer", "consumer"}


def is_nested(spans, later=()):
    """As is_inside(); and what its parent waited for lies within its parent's time, in whichever process. `later`: names of spans
    that, beside those with a message between them and their parent, nobody waited for."""
    root, by_id = is_inside(spans)
    for span in spans:
        parent = by_id.get(span.parent)
        if parent is None:
            continue
        assert span.start >= parent.start, (parent, span)
        if span.kind not in LATER and span.name not in later:
            assert span.end <= parent.end, (parent, span, span.end - parent.end)
    return root, by_id


def one(spans, name):
    found = [span for span in spans if span.name == name]
    assert len(found) == 1, (name, spans)
    return found[0]

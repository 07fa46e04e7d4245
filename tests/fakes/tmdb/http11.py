"""HTTP/1.1 as a server: reads requests, one after the other, and lets an answer take as long as it likes.

A connection belongs to the loop until it is lost. While an answer is owed (`busy`) the next request waits in the buffer,
so answers keep the order of the requests. Limits: a head of 32 KB, a body of 64 KB, and reading stops at 256 KB.
"""
import asyncio
import contextlib
import email.utils
import gzip
import http
import socket
import struct
import time

HEAD_MAX = 32 * 1024
BODY_MAX = 64 * 1024
BUFFER_MAX = 256 * 1024
GZIP_FROM = 1024
NO_LINGER = struct.pack("ii", 1, 0)


class Request:
    __slots__ = ("method", "target", "version", "headers", "body")

    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, self.version = lines[0].split(" ")
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        self.body = b""

    def keeps_alive(self):
        wanted = self.headers.get("connection", "").lower()
        return wanted != "close" if self.version == "HTTP/1.1" else wanted == "keep-alive"

    def takes_gzip(self):
        for part in self.headers.get("accept-encoding", "").split(","):
            name, _, weight = part.strip().partition(";")
            if name in ("gzip", "*"):
                return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
        return False


class Answer:
    """What will be said: shared by all who ask the same, so nobody changes one. What goes over the wire is kept."""
    __slots__ = ("status", "body", "headers", "etag", "chunked", "wires", "packed")

    def __init__(self, status, body, headers=(), etag=None, chunked=False):
        self.status = status
        self.body = body
        self.headers = list(headers)
        self.etag = etag
        self.chunked = chunked
        self.wires = {}
        self.packed = None

    def not_modified(self):
        kept = [pair for pair in self.headers if pair[0] in ("cache-control", "vary", "age")]
        return Answer(304, b"", kept, self.etag)

    def coded(self, zipped):
        """(the body as it goes out, whether it is compressed)"""
        if not zipped or len(self.body) <= GZIP_FROM:
            return self.body, False
        if self.packed is None:
            self.packed = gzip.compress(self.body, 6, mtime=0)
        return self.packed, True

    def head(self, length, zipped=False, keep=True):
        """All of the head but its first two lines; a length of None is chunked."""
        pairs = list(self.headers)
        if self.etag:
            pairs.append(("etag", self.etag))
        if zipped:
            pairs.append(("content-encoding", "gzip"))
        if length is None:
            pairs.append(("transfer-encoding", "chunked"))
        elif self.status != 304:
            pairs.append(("content-length", str(length)))
        pairs.append(("connection", "keep-alive" if keep else "close"))
        return "".join(f"{name}: {value}\r\n" for name, value in pairs).encode("latin-1") + b"\r\n"

    def wire(self, zipped, chunks, keep):
        """(first line, all that follows the date), made once for each way to send it."""
        which = (zipped, chunks, keep)
        made = self.wires.get(which)
        if made is None:
            body, packed = self.coded(zipped)
            if self.chunked and chunks and body:
                head, body = self.head(None, packed, keep), b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
            else:
                head = self.head(len(body), packed, keep)
            made = self.wires[which] = (first_line(self.status), head + body)
        return made


def first_line(status):
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    return f"HTTP/1.1 {status} {phrase}\r\n".encode()


class Clock:
    """The date header, made once a second."""
    second = 0
    line = b""

    @classmethod
    def date(cls):
        now = int(time.time())
        if now != cls.second:
            cls.second = now
            cls.line = f"date: {email.utils.formatdate(now, usegmt=True)}\r\n".encode()
        return cls.line


class Connection(asyncio.Protocol):
    """One client. `serve(connection, request)` must end in send() or finish(), now or later, or in a reset()."""

    def __init__(self, serve, connections):
        self.serve = serve
        self.connections = connections
        self.transport = None
        self.buffer = bytearray()
        self.busy = False
        self.pumping = False
        self.full = False
        self.keep = True
        self.request = None
        self.counted = False
        self.lost = None  # called once if the client goes while an answer is owed

    def connection_made(self, transport):
        self.transport = transport
        self.connections.add(self)
        with contextlib.suppress(OSError):
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, reason):
        self.connections.discard(self)
        lost, self.lost = self.lost, None
        self.busy = True
        if lost:
            lost()

    def data_received(self, data):
        self.buffer += data
        if len(self.buffer) > BUFFER_MAX:
            self.transport.pause_reading()
        if not self.busy:
            self.pump()

    def pause_writing(self):
        self.full = True

    def resume_writing(self):
        self.full = False
        if not self.busy:
            self.pump()

    def pump(self):
        """Serves what has come completely, as long as answers go out."""
        self.pumping = True
        while not self.busy and not self.full and self.buffer:
            request = self.next_request()
            if request is None:
                break
            self.busy = True
            self.request = request
            self.keep = request.keeps_alive()
            self.serve(self, request)
        self.pumping = False
        if len(self.buffer) <= BUFFER_MAX and not self.transport.is_closing():
            self.transport.resume_reading()

    def next_request(self):
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return self.refuse(431) if len(self.buffer) > HEAD_MAX else None
        try:
            request = Request(bytes(self.buffer[:end]))
            length = int(request.headers.get("content-length", "0"))
        except ValueError:
            return self.refuse(400)
        if "transfer-encoding" in request.headers or not 0 <= length <= BODY_MAX:
            return self.refuse(413)
        if len(self.buffer) < end + 4 + length:
            return None
        request.body = bytes(self.buffer[end + 4:end + 4 + length])
        del self.buffer[:end + 4 + length]
        return request

    def refuse(self, status):
        self.busy = True
        self.keep = False
        self.send(Answer(status, b"", [("content-type", "text/plain")]))

    def send(self, answer):
        zipped = self.request is not None and self.request.takes_gzip()
        chunks = self.request is not None and self.request.version == "HTTP/1.1"
        first, rest = answer.wire(zipped, chunks, self.keep)
        self.transport.write(b"".join((first, Clock.date(), rest)))
        self.finish()

    def finish(self):
        """The answer is out."""
        self.lost = None
        self.busy = False
        if not self.keep:
            self.busy = True
            self.transport.close()

    def go_on(self):
        """After a finish() that may be later than serve(): takes up the next request."""
        if not self.busy and not self.pumping:
            self.pump()

    def reset(self):
        """RST instead of FIN; nothing that is not yet sent will be."""
        self.busy = True
        self.keep = False
        with contextlib.suppress(OSError):
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.transport.abort()

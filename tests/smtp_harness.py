"""A real SMTP server (aiosmtpd) that keeps what it is sent, and can be told to be slow, rude or gone."""
import asyncio
import collections
import email
import email.policy
import ssl
import threading
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from harness import free_port


class Mail:
    """What came in one transaction."""

    def __init__(self, envelope):
        self.sender, (self.recipient, *more) = envelope.mail_from, envelope.rcpt_tos
        assert not more
        self.data = envelope.content
        self.message = email.message_from_bytes(self.data, policy=email.policy.default)
        self.at = time.monotonic()


class SmtpServer:
    """As a context manager: listens; up() and down() in between. `rcpt` and `data` say what a recipient's RCPT and DATA are
    answered with, one answer an attempt, then yes: "550 5.1.1 No such user", "hang", or "drop", which closes the connection
    without a word."""

    def __init__(self, tls=None, implicit=False, login=None, delay_s=0):
        self.port = free_port()
        self.tls, self.implicit = tls, implicit  # its certificate, the key beside it; TLS from the first byte
        self.login, self.delay_s = login, delay_s
        self.mails = []     # taken, each with our 250
        self.attempts = []  # every message that came as far as its end
        self.rcpt, self.data = collections.defaultdict(list), collections.defaultdict(list)
        self.logins = []  # (name, password) tried
        self.verbs = collections.Counter()
        self.lock = threading.Lock()
        self.busy, self.busy_max = collections.Counter(), collections.Counter()  # messages at once: in all (None), for one
        self.controller = None

    @property
    def url(self):
        return f"smtp{'s' if self.implicit else ''}://127.0.0.1:{self.port}"

    def up(self):
        options = {"enable_SMTPUTF8": True, "hostname": "127.0.0.1", "port": self.port, "ready_timeout": 30}
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.tls, self.tls.with_suffix(".key"))
            options |= {"ssl_context": context} if self.implicit else {"tls_context": context, "require_starttls": True}
        if self.login:
            options |= {"authenticator": self.authenticate, "auth_required": not self.implicit,
                        "auth_require_tls": not self.implicit}
        self.controller = Controller(self, **options)
        self.controller.start()
        return self

    def down(self):
        if self.controller:
            if hasattr(self.controller.server, "close_clients"):  # from Python 3.13, which waits for them otherwise
                self.controller.loop.call_soon_threadsafe(self.controller.server.close_clients)
            self.controller.stop()
        self.controller = None

    def __enter__(self):
        return self.up()

    def __exit__(self, *_):
        self.down()

    def to(self, recipient):
        return [mail for mail in self.mails if mail.recipient == recipient]

    # What aiosmtpd calls, in its own thread.

    def authenticate(self, server, session, envelope, mechanism, data):
        assert isinstance(data, LoginPassword)
        given = (data.login.decode(), data.password.decode())
        self.logins.append(given)
        return AuthResult(success=given == self.login, handled=False)

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.verbs["EHLO"] += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        self.verbs["MAIL"] += 1
        envelope.mail_from = address
        return "250 OK"

    async def answer(self, server, planned):
        what = planned.pop(0) if planned else "250 OK"
        if what == "hang":
            await asyncio.sleep(3600)
        if what == "drop":
            server.transport.abort()
        return what

    async def handle_RCPT(self, server, session, envelope, address, options):
        what = await self.answer(server, self.rcpt[address])
        if what.startswith("250"):
            envelope.rcpt_tos.append(address)
        return what

    async def handle_DATA(self, server, session, envelope):
        mail = Mail(envelope)
        with self.lock:
            self.attempts.append(mail)
            for who in (None, mail.recipient):
                self.busy[who] += 1
                self.busy_max[who] = max(self.busy_max[who], self.busy[who])
        await asyncio.sleep(self.delay_s)
        with self.lock:
            for who in (None, mail.recipient):
                self.busy[who] -= 1
        what = await self.answer(server, self.data[mail.recipient])
        if what.startswith("250"):
            self.mails.append(mail)
            return f"250 2.0.0 taken as {len(self.mails)}"
        return what

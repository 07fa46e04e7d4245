"""A real RabbitMQ for the tests: Debian's rabbitmq-server on free ports of loopback in a scratch folder, with an epmd of its
own, hurt in every way, stopped by the ids they were started with. It ends with the thread that started it."""
import atexit
import logging
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

import pika
import pika.exceptions

import harness
logging.getLogger("pika").setLevel(logging.CRITICAL)  # it would tell of every failed look at a dead server
ROOT = next(pathlib.Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*"))
USER, PASSWORD = "guest", "guest"
CONFIG = """
listeners.tcp.1 = 127.0.0.1:{port}
listeners.ssl.1 = 127.0.0.1:{tls_port}
ssl_options.certfile = {folder}/server.pem
ssl_options.keyfile = {folder}/server.key
log.console = true
log.console.level = warning
log.file = false
queue_index_embed_msgs_below = 4096
vm_memory_high_watermark.absolute = 2GB
disk_free_limit.absolute = 50MB
"""


def as_server_user(command):
    user = ["--reuid", "rabbitmq", "--regid", "rabbitmq", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *user, "--pdeathsig", "TERM", *command]


class RabbitMQ:
    """One broker. It keeps its ports and what it has when it is killed and started again."""

    def __init__(self, config="", environment=()):
        self.port, self.tls_port, self.epmd_port, self.dist_port = (harness.free_port() for _ in range(4))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="cinesync-rabbitmq-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.certificate = harness.certificate(self.folder, "server")
        (self.folder / "rabbitmq.conf").write_text(
            CONFIG.format(port=self.port, tls_port=self.tls_port, folder=self.folder) + config)
        (self.folder / "enabled_plugins").write_text("[].\n")
        (self.folder / ".erlang.cookie").write_text("scratch")
        (self.folder / ".erlang.cookie").chmod(0o400)
        if os.geteuid() == 0:
            user = pwd.getpwnam("rabbitmq")
            for path in [self.folder, *self.folder.rglob("*")]:
                os.chown(path, user.pw_uid, user.pw_gid)
        self.node = f"rabbit{self.port}@localhost"
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(self.epmd_port), "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self.node, "RABBITMQ_DIST_PORT": str(self.dist_port),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"), "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none"),
            # Few threads of the machine, and sleeping ones: it shares two cores with everything that is tested.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
            **dict(environment),
        }
        self.epmd = self.process = None
        self.vhost, self.vhosts = "%2F", 0

    @property
    def url(self):
        return self.url_of(USER, PASSWORD)

    def url_of(self, user, password):
        return f"amqp://{user}:{password}@127.0.0.1:{self.port}/{self.vhost}"

    def fresh(self):
        """A virtual host of its own for a test: no exchanges, no queues."""
        self.vhosts += 1
        self.vhost = f"test{self.vhosts}"
        self.ctl("eval", f"""
            rabbit_vhost:add(<<"{self.vhost}">>, <<"test">>),
            rabbit_auth_backend_internal:set_permissions(<<"{USER}">>, <<"{self.vhost}">>, <<".*">>, <<".*">>, <<".*">>, <<"test">>).""")
        return self

    def start(self, wait=True):
        assert self.process is None, "RabbitMQ runs already"
        if self.epmd is None:
            self.epmd = subprocess.Popen(as_server_user(["epmd", "-address", "127.0.0.1", "-port", str(self.epmd_port)]),
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        with open(self.folder / "log.txt", "ab") as log:
            self.process = subprocess.Popen(as_server_user([str(ROOT / "sbin" / "rabbitmq-server")]), env=self.environment,
                                            cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            start_new_session=True)
        if wait:
            harness.wait_until(self.answers, 90, "RabbitMQ answers")
        return self

    @staticmethod
    def version():
        return tuple(int(part) for part in ROOT.name.rpartition("-")[2].split(".")[:2])

    def log(self):
        return (self.folder / "log.txt").read_text(errors="replace")

    def connect(self):
        return pika.BlockingConnection(pika.URLParameters(self.url + "?socket_timeout=5&heartbeat=0"))

    def answers(self):
        assert self.process.poll() is None, self.log()
        try:
            self.connect().close()
        except (pika.exceptions.AMQPError, OSError):
            return False
        return True

    def channel(self):
        """As a context manager: a channel to look and do harm with."""
        return Channel(self)

    def ctl(self, *words):
        done = subprocess.run(as_server_user([str(ROOT / "sbin" / "rabbitmqctl"), "-q", *words]), env=self.environment,
                              cwd=self.folder, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def alarm(self, on):
        """Short of memory, or no longer: then no publisher's connection is read from."""
        self.ctl("set_vm_memory_high_watermark", *(["0.0000001"] if on else ["absolute", "2GB"]))

    def depth(self, queue):
        """Messages that are ready; None: there is no such queue."""
        with self.channel() as channel:
            try:
                return channel.queue_declare(queue, passive=True).method.message_count
            except pika.exceptions.ChannelClosedByBroker:
                return None

    def _signal(self, number):
        # The script, the virtual machine and what it has started are one session.
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def kill(self):
        self._signal(signal.SIGKILL)
        self.process.wait(20)
        self.process = None

    def freeze(self):
        self._signal(signal.SIGSTOP)

    def thaw(self):
        self._signal(signal.SIGCONT)

    def stop(self):
        if self.process is not None:
            self.thaw()
            self.kill()
        if self.epmd is not None:
            self.epmd.kill()
            self.epmd.wait(10)
            self.epmd = None
        shutil.rmtree(self.folder, ignore_errors=True)


class Channel:
    """What is published on it is in the queues when publish() returns: RabbitMQ drops what a channel that closes has not confirmed."""

    def __init__(self, server):
        self.server = server
        self.connection = None

    def __enter__(self):
        self.connection = self.server.connect()
        channel = self.connection.channel()
        channel.confirm_delivery()
        return channel

    def __exit__(self, *_):
        if self.connection.is_open:
            self.connection.close()

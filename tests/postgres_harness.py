"""A real PostgreSQL to start, stop, kill and fill: Debian's newest, on a free port of loopback, in a scratch folder.

PostgreSQL does not run as root; for root it runs as "nobody". One cluster is made once a process and copied for each server,
since initdb takes seconds. A server ends with the thread that started it, however that ends: a test run that is killed leaves
none behind.
"""
import atexit
import contextlib
import fcntl
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid

import psycopg2
from harness import free_port, wait_until

ROLE, PASSWORD = "cinesync", "scratch-password"
_template = None


def programs():
    """The folder of PostgreSQL's programs; the newest version there is."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    assert found, "PostgreSQL is not installed (deploy/packages.test)"
    return found[-1].parent


def as_server_user(command):
    user = ["--reuid", "nobody", "--regid", "nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *user, "--pdeathsig", "QUIT", *command]


def give_away(folder):
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, nobody.pw_uid, nobody.pw_gid)


def scratch_folder():
    """One that the server's user can reach, whatever the test's own folder is like."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="cinesync-postgres-"))
    folder.chmod(0o755)
    return folder


def template():
    """A fresh cluster, made once a process, or once for all of a test run that names a folder to share."""
    global _template
    if _template is None:
        shared = os.environ.get("TEST_SHARED")
        _template = shared_template(pathlib.Path(shared)) if shared else make_template(scratch_folder())
        if not shared:
            atexit.register(shutil.rmtree, _template.parent, ignore_errors=True)
    return _template


def shared_template(shared):
    """Whoever comes first makes it; the others wait."""
    folder = shared / "postgres-template"
    with open(shared / "postgres-template.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = scratch_folder()
            make_template(unfinished)
            unfinished.rename(folder)
    return folder / "data"


def make_template(folder):
    """Where its data is."""
    password = folder / "password"
    password.write_text(PASSWORD + "\n")
    give_away(folder)
    subprocess.run(as_server_user([str(programs() / "initdb"), "-D", str(folder / "data"), "-U", ROLE, "-E", "UTF8",
                                   "--locale", "C.UTF-8", "--auth", "scram-sha-256", "--pwfile", str(password),
                                   "--no-sync"]),
                   check=True, stdout=subprocess.DEVNULL, cwd="/")
    return folder / "data"


class Postgres:
    """One server. Durability off (fsync) but for crashes of the machine: a killed server still recovers."""

    def __init__(self, **settings):
        self.port = free_port()
        self.folder = scratch_folder()
        self.data = self.folder / "data"
        shutil.copytree(template(), self.data, symlinks=True)
        self.data.chmod(0o700)
        give_away(self.folder)
        self.settings = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "",
                         "fsync": "off", "max_connections": 200, "shared_buffers": "16MB", "logging_collector": "off",
                         "log_min_messages": "warning", **settings}
        self.process = None

    # ---- its life ----

    def start(self, wait=True):
        command = [str(programs() / "postgres"), "-D", str(self.data)]
        for name, value in self.settings.items():
            command += ["-c", f"{name}={value}"]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(as_server_user(command), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            cwd="/", start_new_session=True)
        if wait:
            wait_until(self.answers, 30, "PostgreSQL ready")
        return self

    def answers(self):
        assert self.process.poll() is None, (self.folder / "log").read_text(errors="replace")[-4000:]
        with contextlib.suppress(psycopg2.OperationalError):
            self.connect().close()
            return True
        return False

    def stop(self, how=signal.SIGINT):
        """A fast shutdown: sessions are ended, what they had not committed is gone."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None

    def kill(self):
        """SIGKILL to the first process; the others notice and end."""
        children = self.children()
        self.process.kill()
        self.process.wait(10)
        self.process = None
        wait_until(lambda: not [pid for pid in children if pathlib.Path(f"/proc/{pid}").exists()], 10, "the children's end")

    def restart(self):
        self.stop()
        return self.start()

    def pause(self):
        """Everything stops, as when the machine hangs: connections stay, nothing is answered."""
        for pid in [self.process.pid, *self.children()]:
            os.kill(pid, signal.SIGSTOP)

    def resume(self):
        for pid in [self.process.pid, *self.children()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def children(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in text.split()]

    def close(self):
        if self.process is not None:
            self.resume()
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    # ---- what is in it ----

    def url(self, name="postgres"):
        return f"postgres://{ROLE}:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    def connect(self, name="postgres"):
        connection = psycopg2.connect(self.url(name), connect_timeout=5)
        connection.autocommit = True
        return connection

    def run(self, sql, *arguments, name="postgres"):
        """The rows of one statement, [] when it gives none."""
        with contextlib.closing(self.connect(name)) as connection, connection.cursor() as cursor:
            cursor.execute(sql, arguments or None)
            return cursor.fetchall() if cursor.description else []

    def database(self):
        """The URL of a fresh, empty database; text sorts as on most people's servers, which is not by bytes.
        Files are copied, which takes half the time of writing each block to the log."""
        name = "db_" + uuid.uuid4().hex[:12]
        self.run(f"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' "
                 "STRATEGY file_copy")
        return self.url(name)

    def kill_backends(self, url):
        """SIGKILL to one server process at work on that database, which makes the server start over. How many there were."""
        found = self.run("SELECT pid FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", name_of(url))
        for (pid,) in found[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(found)

    def end_backends(self, url):
        """Ends all sessions of that database, as an administrator does."""
        return len(self.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
                            name_of(url)))

    def read_only(self, is_on):
        """As a standby: every transaction is read-only, also in sessions that are open."""
        self.run(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if is_on else 'off'}")
        self.run("SELECT pg_reload_conf()")
        wait_until(lambda: self.run("SHOW default_transaction_read_only")[0][0] == ("on" if is_on else "off"), 5, "the setting")


def name_of(url):
    return re.search(r"/(\w+)$", url).group(1)


def main():
    """with_postgres: runs a command with STORE_TEST_URL naming a fresh database of a server of its own."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # a test that took too long
    with Postgres() as server:
        code = subprocess.run(sys.argv[1:], env={**os.environ, "STORE_TEST_URL": server.database()}).returncode
    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()

"""A real redis-server for the tests: started on a free port in a scratch folder, hurt in every way, stopped by its id."""
import pathlib
import signal
import subprocess

import redis

import harness


class Redis:
    """One server. It keeps its port when it is started again."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = harness.free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.process = None

    def start(self, *arguments):
        assert self.process is None, "Redis runs already"
        with open(self.folder / "redis.log", "ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                 "--dir", str(self.folder), "--daemonize", "no", *arguments],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        harness.wait_until(self.answers, 10, "Redis answers")
        return self

    def client(self):
        return redis.Redis(port=self.port, socket_timeout=5)

    def answers(self):
        assert self.process.poll() is None, (self.folder / "redis.log").read_text()
        try:
            return self.client().ping()
        except redis.RedisError:
            return False

    def command(self, *words):
        with self.client() as client:
            return client.execute_command(*words)

    def keys(self, pattern="*"):
        with self.client() as client:
            return sorted(client.keys(pattern))

    def kill(self):
        self.process.kill()
        self.process.wait(10)
        self.process = None

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        if self.process is not None:
            self.thaw()
            self.kill()

"""Events on their way out of the user service: replicas share the outbox, whatever happens to one of them."""
import concurrent.futures
import contextlib
import os
import random
import threading
import time

import httpx
from harness import LONG, Client, Services, mails, metric, wait_until

KILLS = 50 if LONG else 4
WRITERS = 2  # a replica


class Registrations:
    """People who register at one replica as fast as they can."""

    def __init__(self, url, name):
        self.url, self.name = url, name
        self.registered = []
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            address = f"{self.name}-{len(self.registered)}-{os.urandom(3).hex()}@example.org"
            with Client(self.url) as client, contextlib.suppress(httpx.HTTPError):
                if client.register(address).status_code == 201:
                    self.registered.append(address)
            time.sleep(0.02)


def delivered(service):
    return metric(service.url, "cinesync_outbox_deliveries_total", outcome="delivered")


def test_replicas_share_the_outbox(tmp_path, postgres):
    shared = {"MASTER_KEY_FILE": tmp_path / "master.key", "SIGNING_KEY_FILE": tmp_path / "signing-key.json"}
    three = Services(tmp_path, postgres=postgres, **shared).start()
    second = three.another_user(tmp_path / "second").start()
    seed = os.urandom(4).hex()
    print("seed", seed)
    chance = random.Random(seed)
    crowds = [Registrations(service.url, f"{service.port}-{n}") for service in (three.user, second) for n in range(WRITERS)]
    with concurrent.futures.ThreadPoolExecutor(len(crowds)) as pool:
        done = [pool.submit(crowd.run) for crowd in crowds]
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.1, 0.6))
            second.kill()
            second.start()
        before = [len(crowd.registered) for crowd in crowds]
        wait_until(lambda: all(len(crowd.registered) > n + 10 for crowd, n in zip(crowds, before, strict=True)), 60, "both work")
        wait_until(lambda: delivered(three.user) > 0 and delivered(second) > 0, 10, "both deliver")
        for crowd in crowds:
            crowd.stopping.set()
        for one in done:
            one.result(60)

    registered = {address for crowd in crowds for address in crowd.registered}
    folder = three.notification.data / "mail"
    # What the killed one had claimed comes when the claims are over.
    wait_until(lambda: metric(three.user.url, "cinesync_outbox_pending") == 0 and len(mails(folder)) >= len(registered), 60,
               "a mail to everybody")
    mailed = [mail.to_address for mail in mails(folder)]
    assert len(mailed) == len(set(mailed))  # the notification service knows an event that comes again
    assert not registered - set(mailed)
    assert [second.stop(), *three.stop()] == [0] * 4

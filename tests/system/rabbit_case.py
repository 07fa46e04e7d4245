"""What the tests with RabbitMQ share."""
import collections
import contextlib
import json

import httpx
import pika
import psycopg2
from harness import Client, Service, mails, wait_until

QUEUE, DEAD, RETRY, EXCHANGE = "notification.user-events", "notification.dead", "notification.retry", "cinesync.events"
CONTENT_TYPE = "application/cloudevents+json"


def publish(channel, one, **properties):
    properties = {"content_type": CONTENT_TYPE, "delivery_mode": 2, "message_id": one["id"], **properties}
    channel.basic_publish(EXCHANGE, one["type"], json.dumps(one).encode(), pika.BasicProperties(**properties))


def take_all(channel, queue):
    """[(properties, body)] of what is in the queue, taken out."""
    found = []
    while True:
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        if method is None:
            return found
        found.append((properties, body))


def notification(folder, rabbit, **settings):
    service = Service("notification", folder, AMQP_URL=rabbit.url, **settings).start()
    wait_until(lambda: health(service)["rabbitmq"] == "ok", 20, "it consumes")
    return service


def health(service):
    answer = httpx.get(service.url + "/readyz", timeout=5)
    return {name: check["status"] for name, check in answer.json()["checks"].items()}


def mailed(folder):
    return collections.Counter(mail.to_address for mail in mails(folder))


def register_people(url, names):
    with Client(url) as client:
        for name in names:
            assert client.register(f"{name}@example.org").status_code == 201
    return {f"{name}@example.org" for name in names}


def wait_for_mails(services, people, seconds):
    folder = services.notification.data / "mail"
    wait_until(lambda: len(list(folder.glob("*.eml"))) >= len(people), seconds, "a mail to everybody")
    wait_until(lambda: set(mailed(folder)) == people, 10, "these mails")
    assert set(mailed(folder).values()) == {1}


def rows(user, query):
    with contextlib.closing(psycopg2.connect(user.settings["DATABASE_URL"])) as database, database, database.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall() if cursor.description else []

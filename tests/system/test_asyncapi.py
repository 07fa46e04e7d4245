"""The AsyncAPI document tells the truth about the events, and what was released stays as it was."""
import copy
import json
import pathlib
import subprocess
import sys

import jsonschema
import pytest
from harness import ROOT, Client, Services, base_environment, program, wait_until
from rabbit_case import EXCHANGE, health, register_people, take_all

sys.path.insert(0, str(ROOT / "tools"))
import asyncapi_compatible  # noqa: E402

RELEASED = ROOT / "docs" / "asyncapi.json"


def printed():
    done = subprocess.run([program("user"), "--print-asyncapi"], env=base_environment(), check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def document():
    return printed()


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_document_is_whole(document):
    assert document["asyncapi"] == "3.0.0" and set(document["channels"]) == set(document["operations"])
    for reference in references(document):
        asyncapi_compatible.resolve(document, {"$ref": reference})
    for name, channel in document["channels"].items():
        assert channel["address"] == name and name.startswith("com.cinesync.user.") and name.endswith(".v1")
        assert channel["bindings"]["amqp"]["exchange"]["name"] == EXCHANGE
        jsonschema.Draft202012Validator.check_schema(document["components"]["messages"][name]["payload"])
    assert printed() == document and "additionalProperties" not in json.dumps(document)  # it may grow


def test_events_are_as_the_document_says(tmp_path, rabbit, document):
    services = Services(tmp_path, AMQP_URL=rabbit.url).start()
    wait_until(lambda: health(services.notification)["rabbitmq"] == "ok", 20, "it consumes")
    with rabbit.channel() as channel:
        channel.queue_declare("copy")
        channel.queue_bind("copy", EXCHANGE, "#")
        register_people(services.user.url, ["first", "second"])
        with Client(services.user.url) as client:
            assert client.post("/auth/password/forgot", json={"email": "first@example.org"}).status_code == 202
        wait_until(lambda: rabbit.depth("copy") >= 3, 20, "events")
        events = [json.loads(body) for _, body in take_all(channel, "copy")]
    assert {"com.cinesync.user.created.v1", "com.cinesync.user.password-reset-requested.v1"} <= {one["type"] for one in events}
    for one in events:
        payload = {**document["components"]["messages"][one["type"]]["payload"], "components": document["components"]}
        jsonschema.Draft202012Validator(payload).validate(one)
    assert services.stop() == [0, 0, 0]


def test_nothing_released_is_broken(document):
    released = json.loads(pathlib.Path(RELEASED).read_text(encoding="utf-8"))
    assert list(asyncapi_compatible.breaks(released, document)) == []


def data(document, name="UserCreated"):
    return document["components"]["schemas"][name]


def test_what_breaks_a_consumer_is_found(document):
    """Each change by itself, on a copy of the real document."""
    def told(change):
        new = copy.deepcopy(document)
        change(new)
        return "\n".join(asyncapi_compatible.breaks(document, new))

    created = "com.cinesync.user.created.v1"
    assert told(lambda new: None) == ""
    assert "not sent any more" in told(lambda new: new["channels"].pop(created))
    assert "routing key was" in told(lambda new: new["channels"][created].update(address="elsewhere"))
    assert "exchange was" in told(lambda new: new["channels"][created]["bindings"]["amqp"]["exchange"].update(name="other"))
    assert "content type was" in told(lambda new: new["components"]["messages"][created].update(contentType="text/plain"))
    assert "email: it is gone" in told(lambda new: data(new)["properties"].pop("email"))
    assert "email: it is not always there" in told(lambda new: data(new)["required"].remove("email"))
    assert "type was string, is null|string" in told(lambda new: data(new)["properties"]["email"].update(type=["string", "null"]))
    assert "format was" in told(lambda new: data(new)["properties"]["created_at"].update(format="time"))
    assert "values were" in told(lambda new: data(new)["properties"]["language"]["enum"].append("xx"))
    assert "maxLength was" in told(lambda new: data(new)["properties"]["email"].update(maxLength=1000))
    assert "time: it is gone" in told(lambda new: data(new, "CloudEvent")["properties"].pop("time"))
    # Additions are fine: a field, a type, a tighter promise.
    assert told(lambda new: data(new)["properties"].update(shoe_size={"type": "integer"})) == ""
    assert told(lambda new: new["channels"].update(more=new["channels"][created])) == ""
    assert told(lambda new: data(new)["required"].append("sealed_token")) == ""

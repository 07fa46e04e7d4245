#!/usr/bin/env python3
"""Says what of a new AsyncAPI document breaks consumers of an old one.

usage: asyncapi_compatible.py OLD.json NEW.json

Within a version of a type of event only additions are allowed: a type that goes, a channel that moves, a field that goes, is no
longer always there, may be null now, or may hold what it could not hold before, is told, one a line; exit 1 then.
"""
import json
import sys

# A value that grows past these may surprise whoever relied on them; one that shrinks is fine for those who read.
UPPER, LOWER = ("maxLength", "maximum", "maxItems"), ("minLength", "minimum", "minItems")


def resolve(document, node):
    while "$ref" in node:
        target = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def types(node):
    found = node.get("type")
    if found is None:
        return None
    return {found} if isinstance(found, str) else set(found)


def bounds(old, new, where):
    for word in UPPER:
        if word in old and (word not in new or new[word] > old[word]):
            yield f"{where}: {word} was {old[word]}"
    for word in LOWER:
        if word in old and (word not in new or new[word] < old[word]):
            yield f"{where}: {word} was {old[word]}"


def values(old, new, where):
    was, now = types(old), types(new)
    if was is not None and (now is None or not now <= was):
        yield f"{where}: type was {'|'.join(sorted(was))}, is {'|'.join(sorted(now or {'any'}))}"
    for word in ("format", "pattern", "const"):
        if word in old and new.get(word) != old[word]:
            yield f"{where}: {word} was {old[word]}"
    if "enum" in old and not set(map(str, new.get("enum", ["(any)"]))) <= set(map(str, old["enum"])):
        yield f"{where}: values were {old['enum']}"
    yield from bounds(old, new, where)


def schema(old_document, new_document, old, new, where):
    old, new = resolve(old_document, old), resolve(new_document, new)
    yield from values(old, new, where)
    for name, part in old.get("properties", {}).items():
        if name not in new.get("properties", {}):
            yield f"{where}.{name}: it is gone"
        else:
            yield from schema(old_document, new_document, part, new["properties"][name], f"{where}.{name}")
    for name in old.get("required", []):
        if name not in new.get("required", []):
            yield f"{where}.{name}: it is not always there any more"
    if "items" in old:
        yield from schema(old_document, new_document, old["items"], new.get("items", {}), f"{where}[]")
    for number, part in enumerate(old.get("allOf", [])):
        parts = new.get("allOf", [])
        yield from schema(old_document, new_document, part, parts[number] if number < len(parts) else {}, where)


def breaks(old, new):
    """Each break, in words."""
    for name, channel in old["channels"].items():
        if name not in new["channels"]:
            yield f"{name}: it is not sent any more"
            continue
        if channel["address"] != new["channels"][name]["address"]:
            yield f"{name}: its routing key was {channel['address']}"
        exchanges = [one["channels"][name]["bindings"]["amqp"]["exchange"]["name"] for one in (old, new)]
        if exchanges[0] != exchanges[1]:
            yield f"{name}: its exchange was {exchanges[0]}"
        messages = [one["channels"][name]["messages"]["event"] for one in (old, new)]
        was, now = resolve(old, messages[0]), resolve(new, messages[1])
        if was["contentType"] != now["contentType"]:
            yield f"{name}: its content type was {was['contentType']}"
        yield from schema(old, new, was["payload"], now["payload"], name)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.split("\n\n")[1])
    old, new = (json.load(open(name, encoding="utf-8")) for name in sys.argv[1:])
    found = list(breaks(old, new))
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()

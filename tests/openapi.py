"""The OpenAPI document as the tests use it: structural checks, validators of replies, values for requests."""
import re
import string

import jsonschema
from hypothesis import strategies as st

METHODS = ("get", "post", "put", "patch", "delete")


def operations(document):
    """(method, path, operation) of each."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def references(node):
    """Every $ref below the node."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from references(child)


def resolve(document, reference):
    """What a local reference stands for; KeyError when there is nothing."""
    assert reference.startswith("#/"), f"{reference} leads out of the document"
    node = document
    for part in reference[2:].split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return node


def check_document(document):
    """Everything that OpenAPI 3.1 asks of what we use of it."""
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"] and document["info"]["version"]
    for reference in references(document):
        resolve(document, reference)
    for name, schema in document["components"]["schemas"].items():
        assert re.fullmatch("[A-Za-z0-9._-]+", name)
        jsonschema.Draft202012Validator.check_schema(schema)
    tags = [tag["name"] for tag in document["tags"]]
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(tags)) == len(tags) and len(set(ids)) == len(ids)
    for method, path, operation in operations(document):
        check_operation(document, method, path, operation, tags)


def check_operation(document, method, path, operation, tags):
    where = f"{method} {path}"
    assert operation["summary"] and set(operation["tags"]) <= set(tags), where
    names = [(parameter["in"], parameter["name"]) for parameter in operation.get("parameters", [])]
    assert len(set(names)) == len(names), where
    assert sorted(name for place, name in names if place == "path") == sorted(re.findall(r"{(\w+)}", path)), where
    for parameter in operation.get("parameters", []):
        assert parameter["in"] in ("path", "query", "header") and parameter["description"], where
        assert parameter["in"] != "path" or parameter["required"] is True, where
        jsonschema.Draft202012Validator.check_schema(parameter["schema"])
    assert any(re.fullmatch("2..", status) for status in operation["responses"]), where
    for status, answer in operation["responses"].items():
        assert re.fullmatch("[1-5]..|default", status) and answer["description"], where
        kinds = set(answer.get("content", {}))
        assert kinds == {"application/problem+json"} or not re.fullmatch("[45]..|default", status), where
    for requirement in operation.get("security", []):
        assert set(requirement) <= set(document["components"]["securitySchemes"]), where
    assert "requestBody" not in operation or method in ("post", "put", "patch", "delete"), where


def validator(document, schema):
    """Checks values against one schema of the document, formats included."""
    whole = {"components": document["components"], "allOf": [schema]}
    return jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker())


def answer_schema(operation, status, kind):
    """What the document says of such an answer; AssertionError when it does not foresee it."""
    answers = operation["responses"]
    answer = answers.get(str(status), answers["default"] if status >= 400 else None)
    assert answer is not None, f"a {status} is not in the document"
    contents = answer.get("content", {})
    if not contents:
        assert kind is None, f"a {status} has a body: {kind}"
        return None
    assert kind in contents, f"a {status} is of type {kind}"
    return contents[kind].get("schema", {})


# ---- values for requests ----

TEXT = st.text(st.characters(blacklist_categories=("Cs",)), max_size=40)
ODD_TEXT = st.sampled_from(["", " ", "0", "-1", "null", "true", "1e9", "9" * 40, "\0", "a\r\nb", "%00", "../", "'\"<>", "𝕏" * 300, "x" * 5000,
                            "\ufeff", "\u202e", "a@b", "@", "ａ", "1;drop", "[]", "{}"])
JUNK = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT | ODD_TEXT,
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=5)
FORMATS = {
    "email": st.builds("{}@{}.example".format, st.text(string.ascii_letters + string.digits, min_size=1, max_size=30),
                       st.text(string.ascii_lowercase, min_size=1, max_size=20)),
    "date": st.dates().map(str), "uuid": st.uuids().map(str),
}


def fitting(document, schema):
    """Values that the schema takes, or nearly: for what it cannot generate it guesses."""
    if "$ref" in schema:
        return fitting(document, resolve(document, schema["$ref"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = schema.get("type", "string")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return st.one_of([of_type(document, schema, kind) for kind in kinds])


def of_type(document, schema, kind):
    if kind == "object":
        required = {name: fitting(document, schema["properties"][name]) for name in schema.get("required", [])}
        optional = {name: fitting(document, child) for name, child in schema["properties"].items() if name not in required}
        return st.fixed_dictionaries(required, optional=optional)
    if kind == "integer":
        return st.integers(schema.get("minimum", -(2 ** 63)), schema.get("maximum", 2 ** 63 - 1))
    if kind == "array":
        return st.lists(fitting(document, schema["items"]), min_size=schema.get("minItems", 0), max_size=min(schema.get("maxItems", 5), 5))
    if kind == "string":
        examples = st.sampled_from(schema["examples"]) if "examples" in schema else st.nothing()
        pattern = st.from_regex(schema["pattern"], fullmatch=True) if "pattern" in schema else None
        text = st.text(st.characters(blacklist_categories=("Cs",)), min_size=schema.get("minLength", 0),
                       max_size=min(schema.get("maxLength", 200), 200))
        return examples | (FORMATS.get(schema.get("format"), text) if pattern is None else pattern)
    return {"boolean": st.booleans(), "number": st.floats(allow_nan=False), "null": st.none()}[kind]


def bodies(document, operation):
    """JSON values for the operation's body: those that fit, those with one thing wrong, and junk."""
    content = operation["requestBody"]["content"]["application/json"].get("schema")
    if content is None:  # a file
        return st.recursive(JUNK | TEXT, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))
    good = fitting(document, content)
    spoilt = st.builds(lambda body, name, value: {**body, name: value} if isinstance(body, dict) else body, good,
                       st.sampled_from(sorted(resolve(document, content["$ref"])["properties"])) | TEXT, JUNK)
    return good | spoilt | JUNK


def as_text(value):
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(as_text, value)) if isinstance(value, list) else str(value)


def parameters(document, operation, place):
    """{name: text} for the parameters of this place."""
    found = [p for p in operation.get("parameters", []) if p["in"] == place]
    choices = {p["name"]: fitting(document, p["schema"]).map(as_text) | ODD_TEXT | TEXT for p in found}
    required = {p["name"]: choices[p["name"]] for p in found if p["required"]}
    optional = {name: choice for name, choice in choices.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional)

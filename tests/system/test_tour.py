"""The five-minute tour of README.md, in both languages, word for word; and that the one who takes it would notice a lie."""
import re

import pytest
import tour
from harness import ROOT, System, assert_clean

SAMPLE = """# A document

```sh
echo not part of the tour; exit 9
```

<!-- tour:begin -->
First:

```sh
NAME=world
printf '{"hello":"%s","at":%s}' "$NAME" "$(date +%s)"
```

```json
{"hello":"world","at":…}
```

A variable lives on, and an output may be left out.

```sh
test "$NAME" = world
```

```sh
echo one
echo two
```

```text
…
two
```
<!-- tour:end -->
"""


def test_a_true_document(tmp_path):
    steps = tour.run(SAMPLE, tmp_path)
    assert [step.printed for step in steps][1:] == ["", "one\ntwo\n"]
    assert all(step.fits() for step in steps), "\n".join(map(str, steps))


@pytest.mark.parametrize("truth, lie, wrong", [
    ('"world","at"', '"World","at"', 0), ('"at":…}', '"at":1}', 0), ('{"hello":"world","at":…}', '{"hell":"world","at":…}', 0), ("…}", "…", None), ("echo two", "echo three", 2),
    ('test "$NAME" = world', "false", 1), ("\ntwo\n```", "\ntw\n```", 2), ("\n…\ntwo", "\ntwo", 2),
])
def test_a_lie_is_noticed(tmp_path, truth, lie, wrong):
    assert truth in SAMPLE
    steps = tour.run(SAMPLE.replace(truth, lie), tmp_path)
    assert [number for number, step in enumerate(steps) if not step.fits()] == ([] if wrong is None else [wrong])


def test_a_shell_that_ends_is_noticed(tmp_path):
    steps = tour.run(SAMPLE.replace("echo one\n", "exit 0\n"), tmp_path)
    assert [step.fits() for step in steps] == [True, True, False]


@pytest.mark.parametrize("document", ["", "<!-- tour:begin --><!-- tour:end -->", SAMPLE + SAMPLE, "<!-- tour:begin -->\n```text\nx\n```\n<!-- tour:end -->"])
def test_a_document_without_a_tour(document):
    with pytest.raises(ValueError):
        tour.steps_of(document)


@pytest.mark.parametrize("name", ["README.md", "README.ru.md"])
def test_the_tour(tmp_path, name):
    system = System(tmp_path / "var")  # of its own: the tour makes an account that must be new
    system.up()
    try:
        steps = tour.run((ROOT / name).read_text(), tmp_path, [("http://127.0.0.1:8080", system.url)], DATA=str(system.data))
    finally:
        system.down()
    assert len(steps) >= 8 and sum(step.expected is not None for step in steps) >= 8
    assert not [str(step) for step in steps if not step.fits()]
    for path in (system.data / "log").glob("*.log"):
        assert_clean(path.read_text(errors="replace"))


def test_both_languages_take_the_same_tour():
    """The people in it may be others; what they do is the same."""
    def paths(name):
        return [re.findall(r"/api/v1/[\w/.]+|^sleep", step.commands) for step in tour.steps_of((ROOT / name).read_text())]
    assert paths("README.md") == paths("README.ru.md") and all(paths("README.md"))

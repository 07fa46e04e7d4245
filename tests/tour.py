"""Runs the shell blocks of a document in one shell, in their order, and compares what they print with what the document says they
print. Between <!-- tour:begin --> and <!-- tour:end -->: each ```sh block runs, the ```json or ```text block behind it is its output,
in which … stands for anything."""
import os
import re
import subprocess

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


class Step:
    def __init__(self, commands):
        self.commands, self.expected, self.printed, self.code = commands, None, "", None

    def fits(self):
        """A block without an expected output may print what it likes; it still must not fail."""
        if self.code != 0:
            return False
        if self.expected is None:
            return True
        pattern = ".*?".join(re.escape(part) for part in self.expected.strip().split("…"))
        return re.fullmatch(pattern, self.printed.strip(), re.S) is not None

    def __str__(self):
        return f"$ {self.commands}exit code {self.code}, printed:\n{self.printed}\nnot:\n{self.expected}"


def steps_of(document):
    """The blocks between the markers; ValueError when the document has no tour, or an output without a command."""
    tours = re.findall(r"<!-- tour:begin -->(.*?)<!-- tour:end -->", document, re.S)
    if len(tours) != 1:
        raise ValueError(f"{len(tours)} tours in the document")
    steps = []
    for kind, text in BLOCK.findall(tours[0]):
        if kind == "sh":
            steps.append(Step(text))
        elif kind in ("json", "text"):
            if not steps or steps[-1].expected is not None:
                raise ValueError(f"an output without a command: {text}")
            steps[-1].expected = text
        else:
            raise ValueError(f"a block of kind {kind}")
    if not steps:
        raise ValueError("an empty tour")
    return steps


def run(document, folder, replacements=(), **environment):
    """The steps of the document's tour, run in this folder by one sh."""
    for old, new in replacements:
        document = document.replace(old, new)
    steps = steps_of(document)
    mark = f"<end of step {os.urandom(8).hex()}>"
    script = "".join(f"{step.commands}\nprintf '%s%s\\n' '{mark}' $?\n" for step in steps)
    done = subprocess.run(["sh", "-s"], input=script, cwd=folder, env={**os.environ, **environment}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120)
    rest = done.stdout
    for step in steps:
        step.printed, found, rest = rest.partition(mark)
        code, _, rest = rest.partition("\n")
        step.code = int(code) if found else None
    return steps

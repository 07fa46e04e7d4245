#!/usr/bin/env python3
"""Keeps the table of metrics what the services' /metrics say it is.

usage: metrics_table.py [--check] PAPER.md SERVICE=FILE...        (FILE: a saved /metrics of that service)

The lines between `<!-- metrics:begin -->` and `<!-- metrics:end -->` become the table. With --check nothing is written; exit 1 when it
differs.
"""
import dataclasses
import pathlib
import re
import sys

BLOCK = re.compile(r"(<!-- metrics:begin -->\n).*?(<!-- metrics:end -->)", re.S)
LABEL = re.compile(r'(\w+)="((?:\\.|[^"\\])*)"')


@dataclasses.dataclass
class Family:
    """One metric of one service, as its /metrics tells of it."""
    name: str
    help: str
    type: str = ""
    labels: dict = dataclasses.field(default_factory=dict)  # name: the set of values seen
    n_samples: int = 0


def families(text):
    """{name: Family} of a text in Prometheus' format, in its order."""
    found, now = {}, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name, _, words = line.removeprefix("# HELP ").partition(" ")
            now = found[name] = Family(name, words)
        elif line.startswith("# TYPE "):
            name, _, now.type = line.removeprefix("# TYPE ").partition(" ")
            assert name == now.name, line
        else:
            head = line.rpartition(" ")[0]
            assert re.fullmatch(re.escape(now.name) + r"(_bucket|_sum|_count)?", head.partition("{")[0]), line
            now.n_samples += 1
            for label, value in LABEL.findall(head):
                if label != "le":
                    now.labels.setdefault(label, set()).add(value)
    return found


def merged(by_service):
    """{name: (Family, [service])}, where each service has something to say of the labels."""
    all_ = {}
    for service, found in by_service.items():
        for name, family in found.items():
            first, services = all_.setdefault(name, (dataclasses.replace(family, labels=dict(family.labels)), []))
            assert (first.help, first.type) == (family.help, family.type), f"{name} is not the same in {services} and {service}"
            services.append(service)
            for label, values in family.labels.items():
                first.labels[label] = first.labels.get(label, set()) | values
    return all_


GATEWAY = "gateway"  # it is no service, and has few of their metrics


def of_whom(services, n_services):
    own = [service for service in services if service != GATEWAY]
    return ", ".join((["every service"] if len(own) == n_services else own) + [GATEWAY] * (GATEWAY in services))


def table(all_, n_services):
    lines = ["| metric | type | labels | of | what |", "|---|---|---|---|---|"]
    for name, (family, services) in sorted(all_.items()):
        labels = ", ".join(f"`{label}`" for label in family.labels)
        lines.append(f"| `{name}` | {family.type} | {labels} | {of_whom(services, n_services)} | {family.help} |")
    return "\n".join(lines) + "\n"


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--check"]
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    by_service = {}
    for argument in arguments[1:]:
        service, _, file = argument.partition("=")
        by_service[service] = families(pathlib.Path(file).read_text(encoding="utf-8"))
    path = pathlib.Path(arguments[0])
    old = path.read_text(encoding="utf-8")
    if not BLOCK.search(old):
        sys.exit(f"{path}: there is no block for metrics")
    wanted = table(merged(by_service), len(by_service.keys() - {GATEWAY}))
    new = BLOCK.sub(lambda match: match.group(1) + "\n" + wanted + "\n" + match.group(2), old)
    if new == old:
        return 0
    if "--check" not in sys.argv:
        path.write_text(new, encoding="utf-8")
        return 0
    print(f"{path}: the table of metrics is not what the services say; run\n    tools/metrics_table.py {' '.join(arguments)}")
    return 1


if __name__ == "__main__":
    sys.exit(main())

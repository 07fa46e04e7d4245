#!/usr/bin/env python3
"""CPU a cached request of the movie service with every trace recorded and sent, against the same without a collector.

usage: tracing.py BUILD [--rounds 25] [--seconds 1] [--connections 64]

Services in turn, the same question, the answer in memory: one has no collector, the others send all spans (a request's own and that of
its look into the cache) in protobuf or JSON, or record one trace of twenty; first as they come, with a line in the log for each request,
then with no such line, which leaves a request next to nothing else to do. The processor time of the whole process counts, the exporter's
thread with it. The collector is an nginx that reads each batch and answers 200, on the other core with the load generator; the queue is
long enough that nothing is dropped, and the share that is says so if it is not.
"""
import argparse
import contextlib
import pathlib
import re
import tempfile

import measure

SEARCH = "/search?query=toy+story"
PLAIN = "no collector"
SETTINGS = {
    "all, protobuf": {},
    "all, JSON": {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
    "one of twenty": {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.05"},
}
LOGS = {
    "with a line in the log for each request": {"LOG_ACCESS": "true", "LOG_LEVEL": "info"},
    "without": {},
}


def counted(url, name, label):
    text = measure.get(url.replace("/api/v1/movies", "/metrics"))[0].decode()
    found = re.search(rf'^{name}\{{error_type="{label}"\}} (\S+)$', text, re.M)
    return float(found.group(1)) if found else 0


def compare(given, log):
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        build = given.build.resolve()
        base = stack.enter_context(measure.collector(folder / "collector"))
        services = {PLAIN: stack.enter_context(measure.movie(build, folder / "plain", **log))}
        for label, settings in SETTINGS.items():
            services[label] = stack.enter_context(measure.movie(
                build, folder / label.replace(" ", "-"), OTEL_EXPORTER_OTLP_ENDPOINT=base, OTEL_BSP_MAX_QUEUE_SIZE=50000, **settings, **log))
        turns = {}
        for _, url in services.values():
            measure.get(url + SEARCH)
        for number in range(given.rounds):
            # Each first as often as last: the machine changes under it.
            for label in list(services)[::1 if number % 2 else -1]:
                pid, url = services[label]
                turns.setdefault(label, []).append(measure.load(pid, url + SEARCH, given.seconds, given.connections))
        measure.report(turns, {label: PLAIN for label in SETTINGS})
        for label in SETTINGS:
            sent = counted(services[label][1], "otel_sdk_exporter_span_exported_total", "")
            lost = counted(services[label][1], "otel_sdk_processor_span_processed_total", "queue_full")
            print(f"{label}: {sent:,.0f} spans sent, {lost:,.0f} dropped")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--connections", type=int, default=64)
    given = parser.parse_args()
    print(f"{given.connections} connections, {given.rounds} turns of {given.seconds} s each")
    for words, log in LOGS.items():
        print(f"-- {words}")
        compare(given, log)


if __name__ == "__main__":
    main()

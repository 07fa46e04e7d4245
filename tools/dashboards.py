#!/usr/bin/env python3
"""Writes Grafana's dashboards: what is on them is told here, where a person can read it.

usage: dashboards.py [--check] [FOLDER]        (deploy/observability/dashboards)

With --check nothing is written; exit 1 when a file is not what this program writes.
"""
import json
import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "deploy" / "observability" / "dashboards"
PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}
WIDE = 24  # columns of Grafana's grid
TRACED = "http_server_request_duration_seconds_bucket"  # its samples have traces beside them
REAL = 'route!~"/livez|/readyz|/metrics"'
BEHIND = f'job!="gateway",{REAL}'


def rate(metric, matchers="", by="job"):
    return f"sum by ({by}) (rate({metric}{{{matchers}}}[$__rate_interval]))"


def quantile(q, histogram, matchers="", by="job"):
    return f"histogram_quantile({q}, sum by ({by}, le) (rate({histogram}_bucket{{{matchers}}}[$__rate_interval])))"


def panel(title, *queries, unit="short", kind="timeseries", width=8, height=7, about="", most=None, stacked=False):
    """queries: (expression, what its lines are called)."""
    custom = {"fillOpacity": 30 if stacked else 8, "lineWidth": 1, "showPoints": "never", "stacking": {"mode": "normal" if stacked else "none"}}
    defaults = {"unit": unit, "min": 0, **({"max": most} if most is not None else {})}
    options = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
    if kind == "stat":
        options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background", "graphMode": "area", "textMode": "value_and_name"}
    else:
        defaults["custom"] = custom
    return {"title": title, "description": about, "type": kind, "datasource": PROMETHEUS, "width": width, "height": height,
            "fieldConfig": {"defaults": defaults, "overrides": []}, "options": options,
            "targets": [{"refId": chr(ord("A") + i), "expr": expression, "legendFormat": legend, "datasource": PROMETHEUS,
                         **({"exemplar": True} if TRACED in expression and kind == "timeseries" else {})}
                        for i, (expression, legend) in enumerate(queries)]}


def states(made, mappings, bad):
    """Numbers that mean something: their words, and from where on it is bad."""
    made["fieldConfig"]["defaults"].update(
        mappings=[{"type": "value", "options": {str(value): {"text": text} for value, text in mappings.items()}}],
        thresholds={"mode": "absolute", "steps": [{"color": color, "value": value} for value, color in bad]})
    return made


def text(title, words, width=WIDE, height=3):
    return {"title": title, "type": "text", "width": width, "height": height, "options": {"mode": "markdown", "content": words}}


def row(title):
    return {"title": title, "type": "row", "width": WIDE, "height": 1, "collapsed": False, "panels": []}


def placed(panels):
    """Left to right, then the next line."""
    x = y = tallest = 0
    for number, each in enumerate(panels, 1):
        width, height = each.pop("width"), each.pop("height")
        if x + width > WIDE:
            x, y, tallest = 0, y + tallest, 0
        each["id"] = number
        each["gridPos"] = {"x": x, "y": y, "w": width, "h": height}
        x, tallest = x + width, max(tallest, height)
    return panels


def dashboard(uid, title, panels):
    return {"uid": "cinesync-" + uid, "title": "CineSync: " + title, "tags": ["cinesync"], "schemaVersion": 39, "version": 1,
            "timezone": "", "refresh": "30s", "time": {"from": "now-1h", "to": "now"}, "editable": True, "graphTooltip": 1,
            "links": [{"type": "dashboards", "title": "CineSync", "tags": ["cinesync"], "asDropdown": False, "keepTime": True}],
            "annotations": {"list": []}, "templating": {"list": []}, "panels": placed(panels)}


def requests(job):
    """Rate, errors, duration of one service, by route."""
    mine = f'job="{job}",{REAL}'
    count = "http_server_request_duration_seconds_count"
    return [
        panel("Requests a second", (rate(count, mine, "method, route"), "{{method}} {{route}}"), unit="reqps", stacked=True),
        panel("Answers that are no success", (rate(count, mine + ',status=~"[45].."', "route, status"), "{{status}} {{route}}"), unit="reqps"),
        panel("Time of an answer, 99 of 100", (quantile(0.99, "http_server_request_duration_seconds", mine, "route"), "{{route}}"), unit="s"),
    ]


def process(job):
    """What a process has and uses."""
    mine = f'job="{job}"'
    return [
        row("Processes"),
        panel("Processors in use", (rate("process_cpu_seconds_total", mine, "instance"), "{{instance}}"), width=6),
        panel("Memory", (f"process_resident_memory_bytes{{{mine}}}", "{{instance}}"),
              (f"min(cinesync_process_memory_limit_bytes{{{mine}}})", "limit"), unit="bytes", width=6),
        panel("Lag of the loop, 99 of 100", (quantile(0.99, "cinesync_loop_lag_seconds", mine, "instance"), "{{instance}}"), unit="s", width=6),
        panel("Fibers", (f"cinesync_fibers{{{mine}}}", "{{instance}}"), width=6),
        panel("Deepest stack of a fiber", (f"cinesync_fiber_stack_high_water_bytes{{{mine}}}", "{{instance}}"), unit="bytes", width=6),
        panel("Open descriptors", (f"process_open_fds{{{mine}}}", "{{instance}}"), width=6),
        panel("Connections of clients", (f"http_server_connections{{{mine}}}", "{{instance}}"), width=6),
        panel("Spans dropped", (rate("otel_sdk_processor_span_processed_total", mine + ',error_type="queue_full"', "instance"), "{{instance}}"),
              unit="ops", width=6, about="The collector is away or slow: traces have holes."),
    ]


def database(job):
    mine = f'job="{job}"'
    return [
        row("Database, and work off the loop"),
        panel("Connections", (f"sum by (pool, state) (cinesync_store_connections{{{mine}}})", "{{pool}}: {{state}}"), width=6, stacked=True),
        panel("Who waits for a connection", (f"sum by (pool) (cinesync_store_pool_waiting{{{mine}}})", "{{pool}}"), width=6),
        panel("Wait for a connection, 99 of 100", (quantile(0.99, "cinesync_store_pool_wait_seconds", mine, "pool"), "{{pool}}"), unit="s", width=6),
        panel("Errors", (rate("cinesync_store_errors_total", mine, "error"), "{{error}}"), unit="ops", width=6),
        panel("Who waits for a thread", (f"sum by (lane) (cinesync_lane_waiting{{{mine}}})", "{{lane}}"), width=6),
        panel("Threads in use", (f"sum by (lane) (cinesync_lane_running{{{mine}}}) / sum by (lane) (cinesync_lane_threads{{{mine}}})", "{{lane}}"),
              unit="percentunit", most=1, width=6),
        panel("Mean wait for a thread",
              (f"{rate('cinesync_lane_wait_seconds_total', mine, 'lane')} / {rate('cinesync_lane_calls_total', mine, 'lane')}", "{{lane}}"), unit="s", width=6),
        panel("Turned away", (rate("cinesync_lane_refused_total", mine, "lane"), "{{lane}}"), unit="ops", width=6,
              about="password: log-ins and registrations answered 503."),
    ]


def overview():
    services = 'job=~"movie|user|notification"'
    return dashboard("overview", "overview", [
        panel("Replicas that answer", ('sum by (job) (up{job=~"movie|user|notification|gateway"})', "{{job}}"), kind="stat", height=4),
        panel("Failed requests, 5 minutes", ("job:http_requests_failed:ratio_rate5m", "{{job}}"), kind="stat", unit="percentunit", height=4),
        panel("Error budget spent in 3 days, of 30 days' worth", ("job:http_requests_failed:ratio_rate3d / 0.001 * 3 / 30", "{{job}}"), kind="stat",
              unit="percentunit", height=4),
        panel("Alerts", ('sum by (alertname, severity) (ALERTS{alertstate="firing"})', "{{severity}}: {{alertname}}"), width=WIDE, height=5, stacked=True),
        panel("Requests a second", ("job:http_requests:rate5m", "{{job}}"), unit="reqps"),
        panel("Failed", ("job:http_requests_failed:ratio_rate5m", "{{job}}"), unit="percentunit"),
        panel("Time of an answer", (quantile(0.5, "http_server_request_duration_seconds", REAL), "{{job}}: half"),
              (quantile(0.99, "http_server_request_duration_seconds", REAL), "{{job}}: 99 of 100"), unit="s"),
        panel("Requests under way", (f"sum by (job) (http_server_active_requests{{{services}}})", "{{job}}")),
        panel("Processors in use", (rate("process_cpu_seconds_total", services), "{{job}}")),
        panel("Memory, of what it may have", (f"max by (job) (process_resident_memory_bytes{{{services}}} / cinesync_process_memory_limit_bytes)", "{{job}}"),
              unit="percentunit", most=1),
        panel("Lag of the loop, 99 of 100", (quantile(0.99, "cinesync_loop_lag_seconds"), "{{job}}"), unit="s"),
        panel("Disk, free", ("min by (job) (cinesync_data_free_bytes / cinesync_data_size_bytes)", "{{job}}"), unit="percentunit", most=1),
        panel("What runs", ("count by (service, version) (cinesync_build_info)", "{{service}} {{version}}")),
    ])


def movie():
    stale = "cinesync_movie_cache_stale_l1_total"
    asked = " + ".join(f"sum(rate({name}[$__rate_interval]))" for name in (
        "cinesync_movie_cache_hits_l1_total", "cinesync_movie_cache_hits_l2_total", stale, "cinesync_movie_cache_stale_l2_total",
        "cinesync_movie_cache_misses_total", "cinesync_movie_cache_revalidated_total", "cinesync_movie_cache_failed_total"))
    return dashboard("movie", "movie service", [
        *requests("movie"),
        row("Cache"),
        panel("Share of answers from", (f"(sum(rate(cinesync_movie_cache_hits_l1_total[$__rate_interval])) + sum(rate({stale}[$__rate_interval]))) / ({asked})", "memory"),
              ("(sum(rate(cinesync_movie_cache_hits_l2_total[$__rate_interval])) + sum(rate(cinesync_movie_cache_stale_l2_total[$__rate_interval])))"
               f" / ({asked})", "Redis"), unit="percentunit", most=1, width=6),
        panel("Stale answers, failures", (rate(stale), "stale, memory"), (rate("cinesync_movie_cache_stale_l2_total"), "stale, Redis"),
              (rate("cinesync_movie_cache_stale_if_error_total"), "because the source failed"), (rate("cinesync_movie_cache_failed_total"), "no answer"),
              unit="ops", width=6),
        panel("Memory of answers", ("cinesync_movie_cache_bytes", "{{instance}}"), ("min(cinesync_movie_cache_limit_bytes)", "limit"), unit="bytes", width=6),
        panel("Answers in memory", ("cinesync_movie_cache_entries", "{{instance}}"), (rate("cinesync_movie_cache_evictions_total", "", "instance"), "{{instance}}: evicted a second"), width=6),
        panel("Questions to the source", (rate("cinesync_movie_cache_loads_total"), "asked"), (rate("cinesync_movie_cache_loads_failed_total"), "failed"),
              (rate("cinesync_movie_cache_refreshes_total"), "renewed behind"), (rate("cinesync_movie_cache_lease_waits_total"), "left to another replica"), unit="ops"),
        panel("Commands to Redis", (rate("cinesync_movie_redis_calls_total"), "sent"), (rate("cinesync_movie_redis_failures_total"), "failed"),
              (rate("cinesync_movie_redis_skipped_total"), "not sent: it is away"), unit="ops"),
        states(panel("Redis", ("cinesync_movie_redis_up", "{{instance}}"), kind="stat"), {0: "away, or none", 1: "in use"}, [(None, "orange"), (1, "green")]),
        row("TMDB"),
        states(panel("Circuit breaker", ("cinesync_movie_upstream_breaker_state", "{{instance}}"), kind="stat", width=6),
               {0: "closed", 1: "half-open", 2: "open"}, [(None, "green"), (1, "orange"), (2, "red")]),
        panel("Requests, by what became of them", (rate("cinesync_movie_upstream_requests_total", "", "outcome"), "{{outcome}}"), unit="reqps", width=6, stacked=True),
        panel("Time of an answer", (quantile(0.5, "cinesync_movie_upstream_request_seconds"), "half"),
              (quantile(0.99, "cinesync_movie_upstream_request_seconds"), "99 of 100"), unit="s", width=6),
        panel("Not let through", (rate("cinesync_movie_upstream_rejected_total", "", "reason"), "{{reason}}"), unit="ops", width=6),
        panel("Under way, waiting", ("sum(cinesync_movie_upstream_in_flight)", "under way"), ("sum(cinesync_movie_upstream_waiting)", "waiting"), width=6),
        panel("Retries, hedges", (rate("cinesync_movie_upstream_retries_total"), "retries"), (rate("cinesync_movie_upstream_hedges_total"), "hedges"), unit="ops", width=6),
        panel("Openings of the breaker", ("sum by (cause) (increase(cinesync_movie_upstream_breaker_trips_total[$__rate_interval]))", "{{cause}}"), width=6),
        panel("Films seen", ("cinesync_movie_seen_films", "{{instance}}"), ("cinesync_movie_seen_queued", "{{instance}}: not written yet"), width=6),
        row("Access tokens"),
        panel("Tokens", (rate("cinesync_movie_tokens_accepted_total"), "good"), (rate("cinesync_movie_tokens_refused_total"), "refused"),
              (rate("cinesync_movie_tokens_unchecked_total"), "unchecked: no keys"), unit="ops", width=12),
        panel("Sessions nobody could tell about", (rate("cinesync_movie_revoked_unsure_total"), "unsure"), unit="ops", width=12),
        *database("movie"), *process("movie")])


def user():
    return dashboard("user", "user service", [
        *requests("user"), *database("user"),
        row("Redis, sessions"),
        states(panel("Redis", ("cinesync_user_redis_up", "{{instance}}"), kind="stat", width=6), {0: "away, or none", 1: "in use"}, [(None, "orange"), (1, "green")]),
        panel("Commands to Redis", (rate("cinesync_user_redis_calls_total"), "sent"), (rate("cinesync_user_redis_failures_total"), "failed"),
              (rate("cinesync_user_redis_skipped_total"), "not sent: it is away"), unit="ops", width=6),
        panel("Sessions looked at", (rate("cinesync_user_revoked_checks_total"), "all"), (rate("cinesync_user_revoked_asked_total"), "asked about"),
              (rate("cinesync_user_revoked_unsure_total"), "unsure"), unit="ops", width=6),
        panel("Ends of sessions Redis has not been told", ("cinesync_user_revoked_unsent", "{{instance}}"), width=6),
        *process("user")])


def events():
    return dashboard("events", "events and mails", [
        row("Out of the user service"),
        panel("Age of the oldest event in the outbox", ("max by (job) (cinesync_outbox_oldest_age_seconds)", "{{job}}"), unit="s"),
        panel("Events in the outbox", ("max by (job) (cinesync_outbox_pending)", "{{job}}")),
        panel("Deliveries", (rate("cinesync_outbox_deliveries_total", "", "transport, outcome"), "{{transport}}: {{outcome}}"), unit="ops"),
        row("RabbitMQ"),
        states(panel("In use", ("min by (job, role) (cinesync_rabbitmq_up)", "{{job}}: {{role}}"), kind="stat", width=6), {0: "away", 1: "in use"}, [(None, "red"), (1, "green")]),
        panel("Time until it has a message", (quantile(0.99, "cinesync_rabbitmq_publish_seconds"), "{{job}}: sent, 99 of 100"),
              (quantile(0.99, "cinesync_rabbitmq_confirm_seconds"), "{{job}}: confirmed, 99 of 100"), unit="s", width=6),
        panel("Not confirmed yet", ("sum by (job) (cinesync_rabbitmq_publishing)", "{{job}}"), width=6),
        panel("Consumed", (rate("cinesync_rabbitmq_consumed_total", "", "outcome"), "{{outcome}}"), unit="ops", width=6),
        panel("In the consumer's hands", ("sum(cinesync_rabbitmq_consumer_waiting)", "waiting"), ("sum(cinesync_rabbitmq_consumer_unsettled)", "unsettled"), width=12),
        panel("Dead letters in an hour", ('sum by (job) (increase(cinesync_rabbitmq_consumed_total{outcome="dead"}[1h]))', "{{job}}"), width=12,
              about="`cinesync-notification events list` says why."),
        row("Into the notification service"),
        panel("Events received", (rate("cinesync_events_received_total", "", "result"), "{{result}}"), unit="ops"),
        panel("Mails", (rate("cinesync_mails_total", "", "result"), "{{result}}"), unit="ops"),
        panel("Mails that wait", ("sum(cinesync_mails_pending)", "pending"), ("sum(cinesync_mails_sending)", "being sent")),
        panel("Age of the oldest mail that waits", ("max(cinesync_mails_oldest_age_seconds)", "oldest"), unit="s"),
        *requests("notification")[:2],
        *database("notification"), *process("notification")])


def gateway():
    count = "http_server_request_duration_seconds_count"
    cache, asked = "cinesync_gateway_cache_total", 'state!="bypass"'
    from_cache = 'state=~"hit|stale|updating|revalidated"'
    return dashboard("gateway", "gateway", [
        *requests("gateway"),
        panel("What the cache had", (rate(cache, "", "state"), "{{state}}"), unit="reqps", stacked=True),
        panel("Answered out of the cache", (f"sum(rate({cache}{{{from_cache}}}[$__rate_interval])) / sum(rate({cache}{{{asked}}}[$__rate_interval]))",
                                            "share"), unit="percentunit", most=1),
        panel("Time in the service behind it, 99 of 100",
              (quantile(0.99, "cinesync_gateway_upstream_duration_seconds", "", "route"), "{{route}}"), unit="s"),
        panel("Refused by a limit", (rate("cinesync_gateway_limited_total", "", "limit"), "{{limit}}"), unit="reqps"),
        panel("Access tokens", (rate("cinesync_gateway_auth_total", "", "result"), "{{result}}"), unit="reqps"),
        panel("Connections of clients", ("sum by (state) (cinesync_gateway_connections)", "{{state}}"), stacked=True),
        panel("New connections", (rate("cinesync_gateway_connections_accepted_total", "", "instance"), "{{instance}}"),
              (f"{rate('cinesync_gateway_connections_accepted_total', '', 'instance')} - "
               f"{rate('cinesync_gateway_connections_handled_total', '', 'instance')}", "{{instance}}: dropped"), unit="ops"),
        panel("Requests, those without an answer among them", (rate("cinesync_gateway_requests_total", "", "instance"), "{{instance}}"), unit="reqps"),
        row("As the services behind it see it"),
        panel("Requests that it passed on", (rate(count, BEHIND), "{{job}}"), unit="reqps", stacked=True),
        panel("Answered by status", (rate(count, BEHIND, "status"), "{{status}}"), unit="reqps", stacked=True),
        panel("Share of failures", ("job:http_requests_failed:ratio_rate5m{job!=\"gateway\"}", "{{job}}"), unit="percentunit"),
        panel("Time of an answer behind it", (quantile(0.5, "http_server_request_duration_seconds", BEHIND), "{{job}}: half"),
              (quantile(0.99, "http_server_request_duration_seconds", BEHIND), "{{job}}: 99 of 100"), unit="s"),
        panel("Over a second", ("job:http_requests_slow:ratio_rate5m{job!=\"gateway\"}", "{{job}}"), unit="percentunit"),
        panel("Clients that left, or it gave up", (rate(count, BEHIND + ',status="499"'), "{{job}}"), unit="reqps"),
        panel("Refused: not signed in, not allowed, too often", (rate(count, BEHIND + ',status=~"401|403|429"', "job, status"), "{{job}}: {{status}}"), unit="reqps"),
        panel("Overloaded or away", (rate(count, BEHIND + ',status=~"502|503|504"', "job, route, status"), "{{job}}: {{status}} {{route}}"), unit="reqps"),
        panel("Its connections to the services", ("sum by (job) (http_server_connections)", "{{job}}")),
    ])


def files():
    for made in (overview(), movie(), user(), events(), gateway()):
        yield made["uid"].removeprefix("cinesync-") + ".json", json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--check"]
    folder = pathlib.Path(arguments[0]) if arguments else FOLDER
    stale = 0
    for name, wanted in files():
        path = folder / name
        if path.exists() and path.read_text(encoding="utf-8") == wanted:
            continue
        stale += 1
        if "--check" in sys.argv:
            print(f"{path}: not what tools/dashboards.py writes; run it")
        else:
            path.write_text(wanted, encoding="utf-8")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())

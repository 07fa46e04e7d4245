"""What each alert has to see to be raised, and what must not raise it."""
import dataclasses

COUNT = "http_server_request_duration_seconds_count"
BUCKET = "http_server_request_duration_seconds_bucket"
MOVIE = 'job="movie",instance="10.0.0.1:8081"'
USER = 'job="user",instance="10.0.0.2:8082"'
NOTIFICATION = 'job="notification",instance="10.0.0.3:8083"'
GATEWAY = 'job="gateway",instance="10.0.0.4:8090"'
ROUTE = MOVIE + ',method="GET",route="/api/v1/movies/search"'


@dataclasses.dataclass
class Case:
    alert: str
    raised: dict  # series: values, as promtool writes them
    quiet: list  # of such dicts: each raises nothing
    labels: dict  # of the one that is raised, beside severity
    at: str  # when it is looked at
    value: str = ""  # as its texts tell it
    every: str = "1m"
    early: str = ""  # when it must not be raised yet: its `for` is not over
    known: dict = dataclasses.field(default_factory=dict)  # always there


def answers(ok, failed, n=200, route=ROUTE, status="500"):
    """So many more of each at every step."""
    return {f'{COUNT}{{{route},status="200"}}': f"0+{ok}x{n}", f'{COUNT}{{{route},status="{status}"}}': f"0+{failed}x{n}"}


def times(all_, quick, n=200, route=ROUTE):
    return {f'{COUNT}{{{route},status="200"}}': f"0+{all_}x{n}", f'{BUCKET}{{{route},status="200",le="1"}}': f"0+{quick}x{n}"}


def stays(series, value, n=200):
    return {series: f"{value}x{n}"}


def recovered(ok, failed, n, after):
    """Failures that are over: the long window remembers them, the short one does not."""
    both = answers(ok, failed, n)
    ok_series, failed_series = both
    return {ok_series: f"0+{ok}x{n + after}", failed_series: f"0+{failed}x{n} {failed * n}x{after}"}


UP = {f"up{{{MOVIE}}}": "1x60", f"up{{{USER}}}": "1x60", f"up{{{NOTIFICATION}}}": "1x60", f"up{{{GATEWAY}}}": "1x60"}
POLLED = MOVIE + ',method="GET",route="/readyz"'
BREAKER = f"cinesync_movie_upstream_breaker_state{{{MOVIE}}}"
REDIS = "cinesync_movie_redis_up{%s}" % MOVIE, "cinesync_movie_redis_calls_total{%s}" % MOVIE
DEAD = 'cinesync_rabbitmq_consumed_total{%s,outcome="%s"}'
LAG = "cinesync_loop_lag_seconds_bucket{%s,le=\"%s\"}"

CASES = [
    Case("ErrorBudgetBurnsFast", answers(97, 3), [answers(99, 1), answers(0, 30, route=POLLED, status="503"), answers(90, 10, status="499"),
                                                  recovered(97, 3, 80, 20)], {"job": "movie"}, "100m", "3%", early="1m"),
    Case("ErrorBudgetBurns", answers(99, 1, 500), [answers(995, 5, 500), recovered(99, 1, 300, 60)], {"job": "movie"}, "6h", "1%", early="10m"),
    Case("ErrorBudgetBurnsSlowly", answers(995, 5, 200), [answers(998, 2, 200), recovered(995, 5, 100, 30)], {"job": "movie"}, "20h", "0.5%", every="10m",
         early="50m"),
    Case("ErrorBudgetIsSpent", answers(998, 2, 500), [answers(9995, 5, 500), recovered(998, 2, 400, 60)], {"job": "movie"}, "70h", "0.2%", every="10m",
         early="2h"),
    Case("LatencyBudgetBurnsFast", times(100, 80), [times(100, 90)], {"job": "movie"}, "100m", "20%", early="1m"),
    Case("LatencyBudgetBurns", times(100, 90, 500), [times(100, 95, 500)], {"job": "movie"}, "6h", "10%", early="10m"),
    Case("ServiceDown", {**UP, f"up{{{USER}}}": "1x10 0x50"}, [UP, {**UP, 'up{job="user",instance="10.0.0.9:8082"}': "0x60"}], {"job": "user"}, "20m",
         early="11m"),
    Case("ServiceDown", {series: values for series, values in UP.items() if "movie" not in series}, [], {"job": "movie"}, "20m"),
    Case("ServiceDown", {**UP, f"up{{{GATEWAY}}}": "1x10 0x50"}, [], {"job": "gateway"}, "20m", early="11m"),
    Case("ServiceDown", {series: values for series, values in UP.items() if "gateway" not in series}, [], {"job": "gateway"}, "20m"),
    Case("ReplicaDown", {**UP, 'up{job="user",instance="10.0.0.9:8082"}': "1x10 0x50"}, [UP, {'up{job="prometheus",instance="x"}': "0x60"}],
         {"job": "user", "instance": "10.0.0.9:8082"}, "20m", early="12m"),
    Case("ServiceRestarts", {f"process_start_time_seconds{{{USER}}}": "1000x5 1100x3 1200x3 1300x60"}, [{f"process_start_time_seconds{{{USER}}}": "1000x5 1100x60"}],
         {"job": "user", "instance": "10.0.0.2:8082"}, "15m", "3"),
    Case("LoopLags", {LAG % (USER, "0.1"): "0+250x60", LAG % (USER, "0.25"): "0+300x60", LAG % (USER, "+Inf"): "0+300x60"},
         [{LAG % (USER, "0.1"): "0+300x60", LAG % (USER, "+Inf"): "0+300x60"}], {"job": "user", "instance": "10.0.0.2:8082"}, "30m", early="9m"),
    Case("DatabasePoolExhausted", stays(f'cinesync_store_pool_waiting{{{USER},db_system_name="postgresql",pool="connections"}}', 3),
         [{f'cinesync_store_pool_waiting{{{USER},db_system_name="postgresql",pool="connections"}}': "0 3 0 3 0 3 " * 10}],
         {"job": "user", "instance": "10.0.0.2:8082", "db_system_name": "postgresql", "pool": "connections"}, "20m", early="4m"),
    Case("LaneRefuses", {f'cinesync_lane_refused_total{{{USER},lane="password"}}': "0+60x60"}, [{f'cinesync_lane_refused_total{{{USER},lane="password"}}': "0x60"}],
         {"job": "user", "lane": "password"}, "30m", early="9m"),
    Case("BreakerOpen", {BREAKER: "0x5 2x60"}, [{BREAKER: "0x60"}, {BREAKER: "1x60"}, {BREAKER: "0 2 0 2 0 2 " * 10}], {"job": "movie"}, "10m", early="7m"),
    Case("CredentialsRefused", {f'cinesync_movie_upstream_breaker_trips_total{{{MOVIE},cause="credentials"}}': "0x5 1x60"},
         [{f'cinesync_movie_upstream_breaker_trips_total{{{MOVIE},cause="failures"}}': "0x5 1x60"}], {"job": "movie"}, "10m"),
    Case("RedisAway", {REDIS[0]: "1x5 0x60", REDIS[1]: "0+10x60"}, [{REDIS[0]: "1x60", REDIS[1]: "0+10x60"}, {REDIS[0]: "0x60", REDIS[1]: "0x60"}],
         {"job": "movie", "instance": "10.0.0.1:8081"}, "20m", early="9m"),
    Case("RedisAway", {series.replace("movie", "user").replace(MOVIE, USER): values for series, values in {REDIS[0]: "0x60", REDIS[1]: "5x60"}.items()}, [],
         {"job": "user", "instance": "10.0.0.1:8081"}, "20m"),
    Case("RabbitAway", {f'cinesync_rabbitmq_up{{{NOTIFICATION},role="consumer"}}': "1x5 0x60"}, [{f'cinesync_rabbitmq_up{{{NOTIFICATION},role="consumer"}}': "1x60"}],
         {"job": "notification", "instance": "10.0.0.3:8083", "role": "consumer"}, "20m", early="9m"),
    Case("OutboxStuck", {f"cinesync_outbox_oldest_age_seconds{{{USER}}}": "0+60x60"},
         [{f"cinesync_outbox_oldest_age_seconds{{{USER}}}": "290x60"}], {"job": "user"}, "10m", "10m 0s", early="6m"),
    Case("EventsRefused", {f'cinesync_outbox_deliveries_total{{{USER},transport="direct",outcome="refused"}}': "0x5 1x60"},
         [{f'cinesync_outbox_deliveries_total{{{USER},transport="direct",outcome="failed"}}': "0x5 1x60"}], {"job": "user"}, "10m"),
    Case("DeadLetters", {DEAD % (NOTIFICATION, "dead"): "0x5 1x60"}, [{DEAD % (NOTIFICATION, "retried"): "0+1x60", DEAD % (NOTIFICATION, "dead"): "4x60"}],
         {"job": "notification"}, "10m"),
    Case("MailsWait", {f"cinesync_mails_oldest_age_seconds{{{NOTIFICATION}}}": "0+60x60"}, [{f"cinesync_mails_oldest_age_seconds{{{NOTIFICATION}}}": "800x60"}],
         {"job": "notification"}, "30m", "30m 0s", early="18m"),
    Case("MailsRefused", {f'cinesync_mails_total{{{NOTIFICATION},result="refused"}}': "0x5 10x60"}, [{f'cinesync_mails_total{{{NOTIFICATION},result="refused"}}': "0x5 2x60"}],
         {"job": "notification"}, "30m"),
    Case("SpansDropped", {f'otel_sdk_processor_span_processed_total{{{USER},error_type="queue_full"}}': "0+5x60"},
         [{f'otel_sdk_processor_span_processed_total{{{USER},error_type="queue_full"}}': "7x60", f'otel_sdk_processor_span_processed_total{{{USER},error_type=""}}': "0+5x60"}],
         {"job": "user"}, "30m", early="9m"),
    Case("MemoryShort", {f"process_resident_memory_bytes{{{USER}}}": "95x60", f"cinesync_process_memory_limit_bytes{{{USER}}}": "100x60"},
         [{f"process_resident_memory_bytes{{{USER}}}": "85x60", f"cinesync_process_memory_limit_bytes{{{USER}}}": "100x60"}],
         {"job": "user", "instance": "10.0.0.2:8082"}, "10m", "95%", early="4m"),
    Case("DiskShort", {f"cinesync_data_free_bytes{{{USER}}}": "5x60", f"cinesync_data_size_bytes{{{USER}}}": "100x60"},
         [{f"cinesync_data_free_bytes{{{USER}}}": "15x60", f"cinesync_data_size_bytes{{{USER}}}": "100x60"}],
         {"job": "user", "instance": "10.0.0.2:8082"}, "10m", "5%", early="4m"),
    Case("DiskFills", {f"cinesync_data_free_bytes{{{USER}}}": "100000-100x600", f"cinesync_data_size_bytes{{{USER}}}": "200000x600"},
         [{f"cinesync_data_free_bytes{{{USER}}}": "100000-10x600", f"cinesync_data_size_bytes{{{USER}}}": "300000x600"},
          {f"cinesync_data_free_bytes{{{USER}}}": "100x240 60x360", f"cinesync_data_size_bytes{{{USER}}}": "100x600"}],
         {"job": "user", "instance": "10.0.0.2:8082"}, "6h", early="255m"),
    Case("DescriptorsShort", {f"process_open_fds{{{USER}}}": "900x60", f"process_max_fds{{{USER}}}": "1000x60"},
         [{f"process_open_fds{{{USER}}}": "700x60", f"process_max_fds{{{USER}}}": "1000x60"}], {"job": "user", "instance": "10.0.0.2:8082"}, "10m", "90%", early="4m"),
]

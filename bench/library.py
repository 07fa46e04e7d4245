#!/usr/bin/env python3
"""The library on PostgreSQL against pgbench of the same statements, and its pages in a small and in a large table.

usage: library.py BUILD [--turns 3] [--seconds 5] [--rows 10000000] [--people 32] [--only rates|pages]

In turns, over as many connections to the database: pgbench running the very statements of a favourite that is added (one pipeline,
one transaction) and of a page, and the user service doing so for HTTP requests, the movie service asked about each film
included. Printed: requests a second as ratios to pgbench. Then the table is filled up to --rows entries of people with a
thousand each, and the latency of a first page and of a deep one (behind 900 favourites) is printed as a ratio to that with
--people thousand rows: it should be flat. Ten million rows take 4 GB below the folder for temporary files.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid

import measure

sys.path[:0] = [str(measure.ROOT / "tests"), str(measure.ROOT / "tools")]
import postgres_harness  # noqa: E402
import sqlgen  # noqa: E402

PASSWORD = "correct horse battery staple"
CONNECTIONS = 8
SQL = measure.ROOT / "src/user/sql"
STATEMENTS = {name: " ".join(lines).rstrip(";") for file in ("sessions.sql", "library.sql", "library_pages.sql", "library_sync.sql")
              for name, _, lines in sqlgen.statements(SQL / file)}
UNLIMITED = {name: "1000000" for name in ("LIMIT_LOGINS", "LIMIT_REGISTRATIONS", "LIMIT_WRITES")}

# Request n: somebody else each time, and another film each time around.
ADD = """
local tokens, films, n = { %s }, { %s }, %d
function request()
   n = n + 1
   local film = films[math.floor(n / #tokens) %% #films + 1]
   return wrk.format("PUT", "/api/v1/users/me/favorites/" .. film, { ["Authorization"] = "Bearer " .. tokens[n %% #tokens + 1] })
end
"""
PAGE = """
local tokens, queries, n = { %s }, { %s }, 0
function request()
   n = n + 1
   return wrk.format("GET", "/api/v1/users/me/favorites" .. queries[n %% #tokens + 1], { ["Authorization"] = "Bearer " .. tokens[n %% #tokens + 1] })
end
"""


def call(url, body=None, token=None):
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(url, data=json.dumps(body).encode() if body else None, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@contextlib.contextmanager
def services(build, folder, database):
    """(base URL of the user service, of the movie service), on all processors."""
    urls = []
    with contextlib.ExitStack() as stack:
        for name, more in (("movie", {}), ("user", {"DATABASE_URL": database, "DATABASE_CONNECTIONS_MAX": CONNECTIONS, "BCRYPT_COST": 10,
                                                    "ACCESS_TOKEN_TTL_S": 7200, **UNLIMITED})):
            port = measure.free_port()
            settings = {"LISTEN": f"127.0.0.1:{port}", "DATA_DIR": folder / name, "LOG_ACCESS": "false", "LOG_LEVEL": "error",
                        "MOVIE_URL": urls[0] if urls else "http://127.0.0.1:1", **more}
            stack.enter_context(measure.running([build / f"src/{name}/cinesync-{name}"], "0-%d" % (os.cpu_count() - 1),
                                                {key: str(value) for key, value in settings.items()}))
            urls.append(f"http://127.0.0.1:{port}")
            measure.get(urls[-1] + "/livez")
        yield urls[1], urls[0]


def people(url, n):
    """(id, access token) of people who have just registered."""
    made = []
    for number in range(n):
        address = f"{uuid.uuid4().hex}@example.org"
        profile = call(url + "/api/v1/auth/register", {"email": address, "password": PASSWORD})
        made.append((profile["id"], call(url + "/api/v1/auth/login", {"email": address, "password": PASSWORD})["access_token"]))
    return made


def some_films(url):
    found = []
    for page in range(1, 100):
        found += [film["id"] for film in call(f"{url}/api/v1/movies/discover?page={page}")["results"]]
    return found


def wrk(url, seconds, connections, script):
    done = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script), url], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    if "Non-2xx" in done or "Socket errors" in done:
        raise SystemExit(f"{url} did not answer well:\n{done}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done).group(1)), done


# ---- pgbench ----


def statement(name, *values):
    """The statement with pgbench's variables and constants in the place of $1, $2 …"""
    return re.sub(r"\$(\d+)", lambda match: values[int(match.group(1)) - 1], STATEMENTS[name]) + ";\n"


def pgbench(server, database, folder, script, seconds):
    path = folder / "script.pgbench"
    path.write_text(script)
    environment = {**os.environ, "PGPASSWORD": postgres_harness.PASSWORD}
    done = subprocess.run([postgres_harness.programs() / "pgbench", "-h", "127.0.0.1", "-p", str(server.port), "-U", postgres_harness.ROLE,
                           "-n", "-M", "prepared", "-c", str(CONNECTIONS), "-T", str(seconds), "-f", path, postgres_harness.name_of(database)],
                          env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stdout)
    return float(re.search(r"tps = ([\d.]+)", done.stdout).group(1))


ID = "CAST('00000000-0000-7000-8000-' || lpad(CAST(:n AS text), 12, '0') AS uuid)"  # of a person and of their session


def others_make(server, database, n):
    """People for pgbench, whose ids it can make by itself."""
    id_of = ID.replace(":n", "g.n")
    name = postgres_harness.name_of(database)
    server.run("INSERT INTO users (id, email, email_canonical, hashed_password, created_at_ms, updated_at_ms)"
               f" SELECT {id_of}, 'n' || g.n, 'n' || g.n, 'x', 1, 1 FROM generate_series(0, %s) AS g (n)", n - 1, name=name)
    server.run("INSERT INTO sessions (id, user_id, rotation_key, created_at_ms, used_at_ms, expires_at_ms)"
               f" SELECT {id_of}, {id_of}, '', 1, 1, 9000000000000 FROM generate_series(0, %s) AS g (n)", n - 1, name=name)


def add_script(n):
    """What a PUT of a new favourite runs: the session, then one pipeline."""
    return "".join([
        f"\\set n random(0, {n - 1})\n\\set film random(3000000000, 9000000000)\n",
        statement("session_check", ID, "1"),
        "\\startpipeline\nBEGIN;\n",
        statement("film_upsert", "1", "'Film'", "1999", "NULL", "2", "1"),
        statement("library_lock", ID),
        statement("library_put", ID, ":film", "'favorites'", "''", "false", "0", "''", "NULL", "'film'", "1999", "5", "6", "100000000"),
        statement("library_count", ID, ":film", "'favorites'", "''"),
        "COMMIT;\n\\endpipeline\n"])


def page_script(n):
    return "".join([
        f"\\set n random(0, {n - 1})\n",
        statement("session_check", ID, "1"),
        statement("library_page_added_desc", ID, "'favorites'", "9223372036854775807", "9223372036854775807", "'~'", "0", "9999", "0",
                  "20", "'%'", "0", "21")])


# ---- the table ----


def fill(server, database, ids, rows):
    """People with a thousand favourites each, up to that many rows in the table."""
    name = postgres_harness.name_of(database)
    there = server.run("SELECT count(*) FROM library_entries", name=name)[0][0]
    more = max(0, (rows - there) // 1000)
    server.run("INSERT INTO users (id, email, email_canonical, hashed_password, created_at_ms, updated_at_ms)"
               " SELECT gen_random_uuid(), g.n, g.n, 'x', 1, 1 FROM (SELECT gen_random_uuid()::text AS n FROM generate_series(1, %s)) AS g", more, name=name)
    server.run("INSERT INTO library_state (user_id) SELECT id FROM users ON CONFLICT DO NOTHING", name=name)
    server.run("INSERT INTO films (movie_id, title, refreshed_at_ms) SELECT n, 'Film ' || n, 1 FROM generate_series(1, 1000) AS n ON CONFLICT DO NOTHING",
               name=name)
    indexes = server.run("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'library_entries' AND indexname <> 'library_entries_pkey'", name=name)
    for index, _ in indexes:
        server.run(f"DROP INDEX {index}", name=name)
    # Nothing is checked on the way in, and the indexes come afterwards: minutes instead of an hour.
    server.run("SET session_replication_role = replica; "
               "INSERT INTO library_entries (user_id, movie_id, collection, title_key, year_key, added_at_ms, changed_at_ms, added_version, version)"
               " SELECT s.user_id, n, 'favorites', 'film ' || n, 1900 + n %% 120, n, 1, n, n FROM library_state AS s, generate_series(1, 1000) AS n"
               " WHERE s.favorites = 0 AND (s.user_id = ANY(%s::uuid[]) OR %s > 0) ON CONFLICT DO NOTHING", ids, more, name=name)
    for _, definition in indexes:
        server.run(definition, name=name)
    server.run("UPDATE library_state SET favorites = 1000, entries = 1000, version = 1000 WHERE favorites = 0 AND (user_id = ANY(%s::uuid[]) OR %s > 0)",
               ids, more, name=name)
    server.run("VACUUM ANALYZE", name=name)
    return server.run("SELECT count(*) FROM library_entries", name=name)[0][0]


def deep_query(url, token):
    """Behind the person's first 900 favourites."""
    cursor = ""
    for _ in range(9):
        page = call(f"{url}/api/v1/users/me/favorites?limit=100{cursor}", token=token)
        cursor = "&cursor=" + page["next_cursor"]
    return "?limit=20" + cursor


def page_write(path, tokens, queries):
    path.write_text(PAGE % tuple(", ".join(f'"{one}"' for one in list_) for list_ in (tokens, queries)))
    return path


def latencies(url, seconds, turns, script):
    out = [wrk(url, seconds, 1, script)[1] for _ in range(turns)]
    return [statistics.median(measure.percentile_ms(one, percent) for one in out) for percent in (50, 99)]


def measure_rates(options, server, database, folder, url, scripts):
    others_make(server, database, options.people)
    for label, script, mine in (("favourite added", add_script(options.people), scripts["add"]),
                                ("page of 20", page_script(options.people), lambda _: scripts["page"])):
        pairs = []
        for turn in range(options.turns):
            pairs.append((wrk(url, options.seconds, 4 * CONNECTIONS, mine(turn))[0], pgbench(server, database, folder, script, options.seconds)))
        ratios = [ours / theirs for ours, theirs in pairs]
        print(f"{label:16} {statistics.median(ours for ours, _ in pairs):8,.0f} requests/s; pgbench {statistics.median(theirs for _, theirs in pairs):8,.0f}"
              f" transactions/s; ratio median {statistics.median(ratios):.2f} ({min(ratios):.2f}..{max(ratios):.2f})")


def measure_pages(options, server, database, folder, url, made):
    name = postgres_harness.name_of(database)
    ids, tokens = zip(*made)
    server.run("DELETE FROM library_entries", name=name)
    server.run("UPDATE library_state SET favorites = 0, entries = 0, version = 0", name=name)
    first, seen = page_write(folder / "page.lua", tokens, [""] * len(tokens)), []
    for rows in (0, options.rows):
        begin = time.monotonic()
        there = fill(server, database, list(ids), rows)
        print(f"{there:,} rows, filled in {time.monotonic() - begin:.0f} s", flush=True)
        deep = page_write(folder / "deep.lua", tokens, [deep_query(url, token) for token in tokens])
        seen.append((there, {"first": latencies(url, options.seconds, options.turns, first),
                             "deep": latencies(url, options.seconds, options.turns, deep)}))
    (small, few), (large, many) = seen
    for kind in few:
        print(f"{kind} page of 20, one at a time: {few[kind][0]:.2f} ms (p99 {few[kind][1]:.2f}) with {small:,} rows; {many[kind][0]:.2f} ms"
              f" (p99 {many[kind][1]:.2f}) with {large:,}; ratio {many[kind][0] / few[kind][0]:.2f} (p99 {many[kind][1] / few[kind][1]:.2f})")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--people", type=int, default=32)
    parser.add_argument("--only", choices=("rates", "pages"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, postgres_harness.Postgres(fsync="on", shared_buffers="512MB", max_wal_size="4GB",
                                                                          maintenance_work_mem="256MB") as server:
        folder, database = pathlib.Path(name), server.database()
        with services(options.build.resolve(), folder, database) as (url, movie_url):
            made, films = people(url, options.people), some_films(movie_url)
            ids, tokens = [one[0] for one in made], ", ".join(f'"{one[1]}"' for one in made)

            def add(turn):
                (folder / f"add{turn}.lua").write_text(ADD % (tokens, ", ".join(map(str, films)), turn * len(films) * len(ids) // options.turns))
                return folder / f"add{turn}.lua"

            if options.only != "pages":
                page = page_write(folder / "page.lua", [one[1] for one in made], [""] * len(made))
                measure_rates(options, server, database, folder, url, {"add": add, "page": page})
            if options.only != "rates":
                measure_pages(options, server, database, folder, url, made)


if __name__ == "__main__":
    main()

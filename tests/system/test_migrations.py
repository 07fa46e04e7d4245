"""The schema of every service that has one: up, down and up again on both engines, which end with the same tables; printed
instead of run; and by many at once."""
import concurrent.futures
import contextlib
import re
import sqlite3
import subprocess

import psycopg2
import pytest
from harness import LONG, ROOT, base_environment, program, wait_until

STORING = ("user", "notification")
MANY = 8

# What a column of SQLite's STRICT tables may be on PostgreSQL. A boolean is known by its check.
TYPES = {"INTEGER": {"bigint", "boolean"}, "TEXT": {"text", "uuid"}, "REAL": {"double precision"}, "BLOB": {"bytea"}}

PG_COLUMNS = """SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
                       co.collname
                FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid
                     AND d.adnum = a.attnum LEFT JOIN pg_collation co ON co.oid = a.attcollation
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
                ORDER BY c.relname, a.attnum"""
# Everything else that a migration can make and its way back can forget.
PG_REST = ["SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
           "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
           "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
           "SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
           "SELECT relname, relkind::text FROM pg_class WHERE relnamespace = 'public'::regnamespace",
           "SELECT typname, typtype::text FROM pg_type WHERE typnamespace = 'public'::regnamespace",
           "SELECT rulename, definition FROM pg_rules WHERE schemaname = 'public'"]


class Sqlite:
    name = "sqlite"

    def __init__(self, service, folder):
        self.path = folder / f"{service}.db"
        self.settings = {"DATA_DIR": folder}

    def ask(self, query):
        with contextlib.closing(sqlite3.connect(self.path)) as database:
            return database.execute(query).fetchall()

    def script(self, text):
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as database:
            database.executescript(text)

    def schema(self):
        return sorted(self.ask("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_seq%' "
                               "AND tbl_name <> 'schema_migrations'"), key=str)

    def columns(self):
        """{table: {column: (type, may be null)}}"""
        tables = [name for name, in self.ask("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
        return {table: {name: (kind, not must and not key) for _, name, kind, must, _, key in self.ask(f"PRAGMA table_info({table})")}
                for table in tables}

    def keys(self):
        """{(table, columns, unique)} of every index, and the foreign keys."""
        found = set()
        for table in self.columns():
            for _, name, unique, _, partial in self.ask(f"PRAGMA index_list({table})"):
                columns = tuple(column for _, _, column in self.ask(f"PRAGMA index_info({name})"))
                found.add((table, columns, bool(unique), bool(partial)))
            key = sorted((place, name) for _, name, _, _, _, place in self.ask(f"PRAGMA table_info({table})") if place)
            found.add((table, tuple(name for _, name in key), True, False))
        return found

    def references(self):
        return {(table, column, other, on_delete) for table in self.columns()
                for _, _, other, column, _, _, on_delete, _ in self.ask(f"PRAGMA foreign_key_list({table})")}


class Postgres:
    name = "postgres"

    def __init__(self, service, folder, server):
        self.url = server.database()
        self.settings = {"DATA_DIR": folder, "DATABASE_URL": self.url}
        self.connection = psycopg2.connect(self.url)
        self.connection.autocommit = True

    def ask(self, query):
        with self.connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def script(self, text):
        done = subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", self.url], input=text, text=True, capture_output=True,
                              timeout=60)
        assert done.returncode == 0, done.stderr

    def schema(self):
        rows = [row for query in [PG_COLUMNS, *PG_REST] for row in self.ask(query)]
        return sorted((row for row in rows if "schema_migrations" not in str(row)), key=str)

    def columns(self):
        found = {}
        for table, column, kind, must, *_ in self.ask(PG_COLUMNS):
            found.setdefault(table, {})[column] = (kind, not must)
        return found

    def keys(self):
        rows = self.ask("""SELECT indrelid::regclass::text, array_agg(a.attname::text ORDER BY k.place), indisunique,
                                  indpred IS NOT NULL
                           FROM pg_index i CROSS JOIN LATERAL unnest(indkey) WITH ORDINALITY k (number, place)
                                LEFT JOIN pg_attribute a ON a.attrelid = indrelid AND a.attnum = k.number AND k.number > 0
                           WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
                           GROUP BY i.indexrelid, 1, 3, 4""")
        return {(table, tuple(columns), unique, partial) for table, columns, unique, partial in rows}

    def references(self):
        actions = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
        rows = self.ask("""SELECT conrelid::regclass::text, a.attname::text, confrelid::regclass::text, confdeltype::text
                           FROM pg_constraint CROSS JOIN LATERAL unnest(conkey) k (number)
                                JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = k.number WHERE contype = 'f'""")
        return {(table, column, other, actions[action]) for table, column, other, action in rows}


def migrate(database, service, *arguments):
    return subprocess.run([program(service), "migrate", *map(str, arguments)], env=base_environment(**database.settings),
                          capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


def migrated(database, service, *arguments):
    done = migrate(database, service, *arguments)
    assert done.returncode == 0, done
    return done.stdout


def files(service, engine="sqlite"):
    folder = ROOT / "src" / service / "sql" / engine
    return sorted(path.name for path in folder.glob("*.sql"))


def versions(service):
    return [name.split(".")[0] for name in files(service) if name.endswith(".up.sql")]


def steps_of(script):
    """The parts of a printed script, one a migration; the table that remembers comes before the first."""
    parts = re.split(r"^(?=-- \d{4}_\w+\.(?:up|down)\.sql$)", script, flags=re.M)
    assert re.fullmatch(r"(CREATE TABLE IF NOT EXISTS schema_migrations [^;]+;\n\n)?", parts[0])
    tail = re.search(r"-- (\d+) to be \w+\n$", parts[-1])
    assert int(tail[1]) == len(parts) - 1
    parts[-1] = parts[-1][:tail.start()]
    return [parts[0] + part if place == 0 else part for place, part in enumerate(parts[1:])]


@pytest.fixture(params=["sqlite", "postgres"])
def make(request):
    """make(service, folder): an empty database of it."""
    if request.param == "sqlite":
        return Sqlite
    server = request.getfixturevalue("postgres")
    return lambda service, folder: Postgres(service, folder, server)


@pytest.mark.parametrize("service", STORING)
def test_both_engines_have_the_same_files_and_a_way_back_for_each(service):
    assert files(service) == files(service, "postgres") and files(service)
    assert [name.replace(".down.", ".up.") for name in files(service)[::2]] == files(service)[1::2]


@pytest.mark.parametrize("service", STORING)
def test_each_migration_up_down_up(service, make, tmp_path):
    """A way back leads to exactly where the way up began, and the way up again to where it led first. Of the older ones, which nobody
    changes any more, in the long run alone."""
    database = make(service, tmp_path)
    steps = steps_of(migrated(database, service, "up", "--dry-run"))
    assert [step.split("-- ")[1].split(".")[0] for step in steps] == versions(service)
    assert database.schema() == []  # it was only printed
    older = 0 if LONG else max(0, len(steps) - 4)
    for step in steps[:older]:
        database.script(step)
    above = database.schema()
    for version, step in list(zip(versions(service), steps, strict=True))[older:]:
        before = above
        database.script(step)
        above = database.schema()
        assert above != before, version
        assert migrated(database, service, "down") == "1 reverted\n"
        assert database.schema() == before, version
        database.script(step)
        assert database.schema() == above, version
    assert migrated(database, service, "up") == "0 applied\n"
    assert migrate(database, service, "status").returncode == 0


@pytest.mark.parametrize("service", STORING)
def test_what_is_printed_is_what_is_done(service, make, tmp_path):
    database, by_hand = make(service, tmp_path / "a"), make(service, tmp_path / "b")
    by_hand.script(migrated(by_hand, service, "up", "--dry-run"))
    assert migrated(database, service, "up") == f"{len(versions(service))} applied\n"
    applied = "SELECT version, name, checksum FROM schema_migrations ORDER BY version"
    assert by_hand.schema() == database.schema() and by_hand.ask(applied) == database.ask(applied)

    full = database.schema()
    script = migrated(database, service, "down", 3, "--dry-run")
    assert [step.split()[1] for step in steps_of(script)] == [name + ".down.sql" for name in versions(service)[:-4:-1]]
    assert database.schema() == full
    by_hand.script(script)
    migrated(database, service, "down", 3)
    assert by_hand.schema() == database.schema() != full and by_hand.ask(applied) == database.ask(applied)


def test_favourites_move_into_the_library_and_back(make, tmp_path):
    database = make("user", tmp_path)
    steps = steps_of(migrated(database, "user", "up", "--dry-run"))
    place = versions("user").index("0010_library")
    database.script("".join(steps[:place]))
    people = ["0190c0de-0000-7000-8000-000000000001", "0190c0de-0000-7000-8000-000000000002"]
    for number, person in enumerate(people):
        database.script(f"INSERT INTO users (id, email, email_canonical, hashed_password, created_at_ms, updated_at_ms) "
                        f"VALUES ('{person}', '{number}@example.org', '{number}@example.org', 'x', 1, 1);"
                        f"INSERT INTO favorites VALUES ('{person}', 278, 'It''s a 電影', 1994, NULL, {number + 5}), "
                        f"('{person}', {number}, 'Other', NULL, '/p.jpg', 7);")
    kept = "SELECT CAST(user_id AS TEXT), movie_id, movie_title, movie_year, poster_path, created_at_ms FROM favorites ORDER BY 1, 2"
    before = database.ask(kept)
    assert len(before) == 4
    database.script(steps[place])
    assert database.ask("SELECT collection, CAST(sum(version) AS INTEGER), CAST(count(*) AS INTEGER) FROM library_entries "
                        "GROUP BY collection") == [("favorites", 6, 4)]
    assert database.ask("SELECT version, entries, favorites FROM library_state") == [(2, 2, 2)] * 2
    assert migrated(database, "user", "down") == "1 reverted\n"
    assert database.ask(kept) == before


@pytest.mark.parametrize("service", STORING)
def test_both_engines_end_with_the_same_tables(service, postgres, tmp_path):
    small, big = Sqlite(service, tmp_path), Postgres(service, tmp_path, postgres)
    for database in (small, big):
        migrated(database, service, "up")
    assert small.columns().keys() == big.columns().keys()
    for table, columns in small.columns().items():
        others = big.columns()[table]
        assert list(columns) == list(others), table
        for column, (kind, is_optional) in columns.items():
            assert others[column][0] in TYPES[kind.upper().replace("BIGINT", "INTEGER")], (table, column)
            assert others[column][1] == is_optional, (table, column)
            if others[column][0] == "boolean":
                sql, = [sql for sql, in small.ask(f"SELECT sql FROM sqlite_master WHERE name = '{table}'")]
                assert f"{column} IN (0, 1)" in sql, (table, column)
    assert small.keys() == big.keys()
    assert small.references() == big.references()


# ---- by many at once ----

@pytest.mark.parametrize("service", STORING)
def test_many_go_up_and_look_at_once(service, postgres, tmp_path):
    database = Postgres(service, tmp_path, postgres)
    with concurrent.futures.ThreadPoolExecutor(MANY * 2) as pool:
        ups = [pool.submit(migrated, database, service, "up") for _ in range(MANY)]
        looks = [pool.submit(migrate, database, service, "status") for _ in range(MANY)]
        applied = [int(up.result().split()[0]) for up in ups]
        seen = [look.result() for look in looks]
    assert sum(applied) == max(applied) == len(versions(service))
    assert {look.returncode for look in seen} <= {0, 1} and not any(look.stderr for look in seen)


def test_a_dead_migrators_lock_is_free(postgres, tmp_path):
    """Who holds the lock and hangs makes others wait; its end frees them, and nothing is applied twice."""
    database = Postgres("user", tmp_path, postgres)
    holder = psycopg2.connect(database.url)
    holder.cursor().execute("SELECT pg_advisory_lock(4857370427393994339)")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(migrated, database, "user", "up")
        wait_until(lambda: database.ask("SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
                                        "WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()")[0][0],
                   20, "somebody who waits for the lock")
        assert database.columns() == {} and not waiting.done()
        holder.close()
        assert waiting.result() == f"{len(versions('user'))} applied\n"


def test_another_services_database_is_left_alone(postgres, tmp_path):
    database = Postgres("user", tmp_path, postgres)
    migrated(database, "user", "up")
    before = database.schema()
    for arguments in (["status"], ["up"], ["up", "--dry-run"], ["down", "9"]):
        done = migrate(database, "notification", *arguments)
        assert done.returncode == 65 and "is that another service's?" in done.stderr and len(done.stderr.splitlines()) == 1
    assert database.schema() == before

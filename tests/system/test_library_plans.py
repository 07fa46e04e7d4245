"""How the engines run the library's statements: each page is one range of one index, in order, whatever the size of the table; and the
migration that brought the library carries the favourites over, both ways."""
import contextlib
import re
import sqlite3
import subprocess
import sys
import uuid

import psycopg2
import pytest
from harness import ROOT, base_environment, program

sys.path.insert(0, str(ROOT / "tools"))
import sqlgen  # noqa: E402

SQL = ROOT / "src" / "user" / "sql"
PAGES = {name: " ".join(lines).rstrip(";") for name, _, lines in sqlgen.statements(SQL / "library_pages.sql")}
OTHERS = {name: " ".join(lines).rstrip(";") for file in ("library.sql", "library_lists.sql", "library_sync.sql", "library_keeper.sql")
          for name, _, lines in sqlgen.statements(SQL / file)}
PEOPLE, FILMS = 40, 120


def migrate(*arguments, **settings):
    done = subprocess.run([program("user"), "migrate", *arguments], env=base_environment(**settings), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


class Sqlite:
    name = "sqlite"

    def __init__(self, folder):
        self.settings = {"DATA_DIR": folder}

    def connect(self):
        return contextlib.closing(sqlite3.connect(self.settings["DATA_DIR"] / "user.db", isolation_level=None))

    def run(self, sql, *values):
        with self.connect() as connection:
            return connection.execute(sql.replace("%s", "?"), values).fetchall()

    def plan(self, statement, values):
        with self.connect() as connection:
            return "\n".join(row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + re.sub(r"\$(\d+)", r"?\1", statement), values))


class Postgres:
    name = "postgres"

    def __init__(self, server, folder):
        self.settings = {"DATA_DIR": folder, "DATABASE_URL": server.database()}

    def run(self, sql, *values):
        connection = psycopg2.connect(self.settings["DATABASE_URL"])
        with contextlib.closing(connection), connection, connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []

    def plan(self, statement, values):
        """The one that a prepared statement has once it is used often: for any values."""
        connection = psycopg2.connect(self.settings["DATABASE_URL"])
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute("SET plan_cache_mode = force_generic_plan")
            cursor.execute("PREPARE it AS " + statement)
            cursor.execute("EXPLAIN EXECUTE it (%s)" % ", ".join(["%s"] * len(values)), values)
            return "\n".join(row[0] for row in cursor.fetchall())


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def engine(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    made = Sqlite(folder) if request.param == "sqlite" else Postgres(request.getfixturevalue("postgres"), folder)
    migrate("up", **made.settings)
    return made


@pytest.fixture(scope="module")
def somebody(engine):
    """Some people with all of the films; the id of one of them."""
    people = [str(uuid.uuid4()) for _ in range(PEOPLE)]
    for number, person in enumerate(people):
        engine.run("INSERT INTO users (id, email, email_canonical, hashed_password, created_at_ms, updated_at_ms)"
                   " VALUES (%s, %s, %s, 'x', 1, 1)", person, f"p{number}@example.org", f"p{number}@example.org")
    engine.run("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s)"
               " INSERT INTO films (movie_id, title, year, refreshed_at_ms) SELECT i, 'Film ' || i, 1900 + i, 1 FROM n", FILMS)
    engine.run("INSERT INTO library_state (user_id) SELECT id FROM users")
    for collection in ("favorites", "watched"):
        engine.run("INSERT INTO library_entries (user_id, movie_id, collection, item_id, title_key, year_key, rating, position, added_at_ms,"
                   " changed_at_ms, added_version, version) SELECT u.id, f.movie_id, %s, '', 'film ' || f.movie_id, f.year, f.movie_id %% 21,"
                   " f.movie_id, f.movie_id, 1, f.movie_id, f.movie_id FROM users AS u CROSS JOIN films AS f".replace(
                       "%%", "%" if engine.name == "sqlite" else "%%"), collection)
    if engine.name == "postgres":  # which does so by itself in time; SQLite goes without
        engine.run("ANALYZE")
    return people[7]


def assert_one_range(engine, plan, index):
    """One index, in its order: no other way in, nothing sorted."""
    assert index in plan, plan
    if engine.name == "sqlite":
        assert f"SEARCH e USING INDEX {index}" in plan and "TEMP B-TREE" not in plan and "SCAN" not in plan, plan
    else:
        assert "Sort" not in plan and "Seq Scan on library_entries" not in plan and "Bitmap" not in plan, plan


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_one_range_of_one_index(engine, somebody, name):
    key = "t" if "title" in name else "2000-01-01" if "watched_on" in name else 5
    collection = "watched" if "watched_on" in name else "favorites"
    values = (somebody, collection, key, 5, "", 0, 9999, 0, 20, "%", 0, 21)
    index = "library_" + re.fullmatch("library_page_(.*)_(?:asc|desc)", name)[1]
    plan = engine.plan(PAGES[name], values)
    assert_one_range(engine, plan, index)
    if engine.name == "postgres":
        assert re.search(r"Index Cond: .*ROW\(", plan), plan  # the place to begin is part of the range, not a filter behind it


@pytest.mark.parametrize("name, values, index", [
    ("library_changes", ("{}", 5, 99, 21), "library_changes"),
    ("pending_films", (0, 50), "library_pending"),
])
def test_other_ranges(engine, somebody, name, values, index):
    plan = engine.plan(OTHERS[name], tuple(somebody if value == "{}" else value for value in values))
    assert index in plan and ("TEMP B-TREE" not in plan or name == "pending_films"), plan
    if engine.name == "postgres" and name == "library_changes":
        assert "Sort" not in plan, plan


def test_the_state_of_a_page_is_read_by_key(engine, somebody):
    plan = engine.plan(OTHERS["library_films"], (somebody, "0000000001" * 20))
    if engine.name == "sqlite":
        assert re.search(r"SEARCH e USING \w+ \w+ \((user_id=\? AND movie_id=\?|movie_id=\? AND user_id=\?)\)", plan), plan
        assert "BLOOM" not in plan, plan  # which reads it all first
    else:
        assert "library_entries_pkey" in plan and "Seq Scan on library_entries" not in plan, plan


def test_favourites_move_in_and_out(request, tmp_path):
    """Down to before the library, with favourites as they were kept then; up; and down again."""
    for made in (Sqlite(tmp_path / "s"), Postgres(request.getfixturevalue("postgres"), tmp_path / "p")):
        migrate("up", **made.settings)
        migrate("down", str(made.run("SELECT count(*) FROM schema_migrations WHERE version >= 10")[0][0]), **made.settings)
        ada, bob = str(uuid.uuid4()), str(uuid.uuid4())
        for person in (ada, bob):
            made.run("INSERT INTO users (id, email, email_canonical, hashed_password, created_at_ms, updated_at_ms)"
                     " VALUES (%s, %s, %s, 'x', 1, 1)", person, person, person)
        rows = [(ada, 550, "Fight Club", 1999, "/a.jpg", 30), (ada, 603, "The Matrix", None, None, 20), (bob, 550, "FIGHT CLUB", 1999, None, 40)]
        for row in rows:
            made.run("INSERT INTO favorites (user_id, movie_id, movie_title, movie_year, poster_path, created_at_ms)"
                     " VALUES (%s, %s, %s, %s, %s, %s)", *row)
        migrate("up", **made.settings)
        assert made.run("SELECT movie_id, title, year FROM films ORDER BY movie_id") == [(550, "FIGHT CLUB", 1999), (603, "The Matrix", None)]
        assert made.run("SELECT version, entries, favorites FROM library_state WHERE user_id = %s", ada) == [(2, 2, 2)]
        assert made.run("SELECT movie_id, collection, title_key, year_key, added_at_ms, version FROM library_entries WHERE user_id = %s"
                        " ORDER BY version", ada) == [(603, "favorites", "the matrix", 0, 20, 1), (550, "favorites", "fight club", 1999, 30, 2)]
        migrate("down", str(made.run("SELECT count(*) FROM schema_migrations WHERE version >= 10")[0][0]), **made.settings)
        assert sorted(made.run("SELECT movie_id, movie_title, created_at_ms FROM favorites")) == [
            (550, "FIGHT CLUB", 30), (550, "FIGHT CLUB", 40), (603, "The Matrix", 20)]

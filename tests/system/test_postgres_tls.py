"""PostgreSQL over TLS: everything goes through it, and a server that is not who it says is refused in one clear line."""
import os
import shutil
import subprocess

import pytest
from harness import LONG, Client, Service, base_environment, certificate, program
from postgres_harness import Postgres, give_away, scratch_folder


@pytest.fixture(scope="module")
def secured():
    """(a server that takes TLS, its certificate, the certificate of somebody else)."""
    folder = scratch_folder()
    own, other = certificate(folder, "own"), certificate(folder, "other")
    give_away(folder)
    with Postgres(ssl="on", ssl_cert_file=own, ssl_key_file=own.with_suffix(".key")) as server:
        yield server, own, other
    shutil.rmtree(folder)


def refused_start(tmp_path, url):
    """The one line with which a service does not start."""
    done = subprocess.run([program("user")], env=base_environment(DATABASE_URL=url, DATA_DIR=tmp_path, LISTEN="127.0.0.1:0",
                                                                  DATABASE_START_WAIT_MS=0),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    lines = [line for line in done.stdout.splitlines() if '"level":"alert"' in line]
    assert done.returncode == 69 and len(lines) == 1 and "scratch-password" not in done.stdout
    return lines[0]


def test_all_of_it_goes_through_tls(tmp_path, secured):
    server, own, _ = secured
    service = Service("user", tmp_path, DATABASE_URL=f"{server.database()}?sslmode=verify-full&sslrootcert={own}", BCRYPT_COST=4)
    service.start()
    with Client(service.url) as client:
        client.new_person()
        assert client.get("/users/me").status_code == 200
    sessions = server.run("SELECT ssl, application_name FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                          "WHERE pid <> pg_backend_pid() AND usename IS NOT NULL")
    assert sessions and set(sessions) == {(True, "cinesync-user")}
    assert service.stop() == 0


def test_a_server_with_another_certificate_is_refused(tmp_path, secured):
    server, _, other = secured
    assert "certificate verify failed" in refused_start(tmp_path, f"{server.url()}?sslmode=verify-full&sslrootcert={other}")


def test_a_server_without_tls_is_refused_where_it_is_required(tmp_path, postgres):
    assert "does not support SSL" in refused_start(tmp_path, f"{postgres.url()}?sslmode=require")


def test_what_the_driver_promises_holds_over_tls(secured):
    """The driver's own tests, on such a connection."""
    server, own, _ = secured
    tests = os.path.join(os.path.dirname(os.path.dirname(program("user"))), "store")
    for name in ["batch", "postgres_edges", "store"] if LONG else ["batch"]:
        done = subprocess.run([os.path.join(tests, f"test_store_{name}")],
                              env={**os.environ, "STORE_TEST_URL": f"{server.database()}?sslmode=verify-full&sslrootcert={own}"},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        assert done.returncode == 0, done.stdout[-3000:]

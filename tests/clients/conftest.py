"""What others wrote, from npm, in a scratch folder of the build. It has to be downloaded, so these tests run when asked
for (TEST_CLIENTS=1)."""
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

import harness
from fakes.tmdb_harness import FakeTmdb

HERE = pathlib.Path(__file__).resolve().parent
INSTALL_S = 300
sys.path.insert(0, str(HERE.parent / "system"))  # a harness borrows from there
collect_ignore = [] if os.environ.get("TEST_CLIENTS") == "1" else ["test_clients.py", "test_kubernetes_api.py", "test_otlp.py"]


def install(folder):
    """What package-lock.json names, checked against its hashes; what is there already is not fetched again."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = (HERE / "package-lock.json").read_bytes()
    installed = folder / "installed"
    for path in (*HERE.glob("*.mjs"), *(HERE / name for name in ("package.json", "package-lock.json", ".npmrc"))):
        shutil.copy(path, folder)
    if installed.exists() and installed.read_bytes() == lock:
        return
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=INSTALL_S)
    assert done.returncode == 0, done.stdout
    installed.write_bytes(lock)


@pytest.fixture(scope="session")
def clients():
    """The folder in which the clients are installed."""
    folder = harness.BUILD / "clients"
    install(folder)
    return folder


@pytest.fixture(scope="session")
def fake(tmp_path_factory):
    with FakeTmdb(tmp_path_factory.mktemp("fake")).start() as running:
        yield running

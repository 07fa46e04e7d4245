"""deploy/kubernetes against the schemas of the Kubernetes API, as files and, where kubectl is new enough, as what it renders."""
import copy
import json
import re
import shutil
import subprocess

import pytest
import yaml

import harness

FOLDER = harness.ROOT / "deploy" / "kubernetes"
KUBECTL_MIN = 21  # the minor version that came with today's Kustomize; Debian 12 has 1.20


def objects(text):
    return [one for one in yaml.safe_load_all(text) if one]


def faults(clients, found):
    done = subprocess.run(["node", clients / "validate.mjs"], input=json.dumps(found, default=str), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


FILES = sorted(path for path in FOLDER.rglob("*.yaml") if path.name != "kustomization.yaml")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_file(clients, path):
    found = objects(path.read_text())
    assert found and faults(clients, found) == []


def test_the_schemas_find_faults(clients):
    [deployment] = [one for one in objects((FOLDER / "base" / "movie.yaml").read_text()) if one["kind"] == "Deployment"]
    broken = copy.deepcopy(deployment)
    broken["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"] = "http"
    missing = copy.deepcopy(deployment)
    del missing["spec"]["selector"]
    assert len(faults(clients, [deployment, broken, missing])) == 2


def has_kustomize():
    if not shutil.which("kubectl"):
        return False
    told = subprocess.run(["kubectl", "version", "--client", "--output=json"], stdout=subprocess.PIPE, text=True, check=True)
    return int(re.match(r"\d+", json.loads(told.stdout)["clientVersion"]["minor"])[0]) >= KUBECTL_MIN


def rendered(folder):
    done = subprocess.run(["kubectl", "kustomize", folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return objects(done.stdout)


@pytest.mark.parametrize("what", ["base", "overlays/dev", "overlays/production"] if has_kustomize() else [])
def test_what_is_rendered(clients, tmp_path, what):
    shutil.copytree(FOLDER, tmp_path / "kubernetes")
    subprocess.run([harness.ROOT / "deploy" / "make-secrets", tmp_path / "kubernetes" / "overlays" / "dev" / "secrets"], check=True)
    found = rendered(tmp_path / "kubernetes" / what)
    for one in found:
        if one["kind"] == "Secret":  # broken into lines, which the API takes and the schema's format does not
            one["data"] = {name: value.replace("\n", "") for name, value in one["data"].items()}
    assert faults(clients, found) == []
    names = {(one["kind"], one["metadata"]["name"]) for one in found}
    assert {("Deployment", name) for name in ("movie", "user", "notification", "gateway")} <= names and len(names) == len(found)
    assert {one["metadata"]["namespace"] for one in found if one["kind"] != "Namespace"} == {"cinesync"}

"""deploy/kubernetes without a cluster: files that are what they say, and fit together."""
import collections
import re
import subprocess

import pytest
import yaml
from harness import ROOT, base_environment, program

FOLDER = ROOT / "deploy" / "kubernetes"
SERVICES = {"movie": 8081, "user": 8082, "notification": 8083, "gateway": 8080}
# What may stand in an object of a kind, as far as these files use it (kubernetes.io/docs/reference): a slip of the pen is in none.
FIELDS = {
    "Deployment": "replicas revisionHistoryLimit strategy selector template", "StatefulSet": "serviceName replicas selector template",
    "Job": "backoffLimit ttlSecondsAfterFinished template", "Service": "selector ports", "Namespace": "",
    "PodDisruptionBudget": "maxUnavailable selector", "HorizontalPodAutoscaler": "scaleTargetRef minReplicas maxReplicas metrics behavior",
    "Ingress": "rules", "NetworkPolicy": "podSelector policyTypes ingress egress",
}
VERSIONS = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "Job": "batch/v1", "Service": "v1", "Namespace": "v1", "PodDisruptionBudget": "policy/v1",
            "HorizontalPodAutoscaler": "autoscaling/v2", "Ingress": "networking.k8s.io/v1", "NetworkPolicy": "networking.k8s.io/v1"}
POD = set("automountServiceAccountToken enableServiceLinks terminationGracePeriodSeconds restartPolicy securityContext topologySpreadConstraints "
          "containers volumes".split())
CONTAINER = set("name image args ports envFrom env startupProbe livenessProbe readinessProbe lifecycle resources securityContext "
                "volumeMounts".split())


def objects(folder):
    return [one for path in sorted(folder.glob("*.yaml")) if path.name != "kustomization.yaml"
            for one in yaml.safe_load_all(path.read_text()) if one]


BASE, DEV = objects(FOLDER / "base"), objects(FOLDER / "overlays" / "dev")


def pods(kinds=("Deployment", "StatefulSet", "Job"), of=BASE):
    return [(one["metadata"]["name"], one["spec"]["template"]) for one in of if one["kind"] in kinds]


@pytest.mark.parametrize("one", BASE + DEV, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_an_object_is_what_its_kind_may_be(one):
    assert one["apiVersion"] == VERSIONS[one["kind"]]
    assert set(one) <= {"apiVersion", "kind", "metadata", "spec"} and re.fullmatch("[a-z][a-z0-9-]*", one["metadata"]["name"])
    assert set(one.get("spec", {})) <= set(FIELDS[one["kind"]].split())
    if one["kind"] in ("Deployment", "StatefulSet", "Job"):
        assert set(one["spec"]["template"]["spec"]) <= POD
        for container in one["spec"]["template"]["spec"]["containers"]:
            assert set(container) <= CONTAINER and {"name", "image", "resources", "securityContext"} <= set(container)


def test_names_are_given_once():
    names = collections.Counter((one["kind"], one["metadata"]["name"]) for one in BASE + DEV)
    assert max(names.values()) == 1


def test_labels_and_ports_fit_together():
    labels = {name: template["metadata"]["labels"] for name, template in pods(of=BASE + DEV)}
    ports = {name: {port["name"]: port["containerPort"] for port in template["spec"]["containers"][0].get("ports", [])}
             for name, template in pods(of=BASE + DEV)}
    for one in BASE + DEV:
        name, spec = one["metadata"]["name"], one.get("spec", {})
        if one["kind"] in ("Deployment", "StatefulSet"):
            assert spec["selector"]["matchLabels"].items() <= labels[name].items()
        if one["kind"] == "Service":
            port, = spec["ports"]
            assert spec["selector"].items() <= labels[name].items() and ports[name][port["targetPort"]] == port["port"]
        if one["kind"] == "PodDisruptionBudget":
            assert spec["selector"]["matchLabels"].items() <= labels[name].items()
        if one["kind"] == "HorizontalPodAutoscaler":
            assert spec["scaleTargetRef"]["name"] in labels and spec["minReplicas"] >= 2
    assert {name: ports[name]["http"] for name in SERVICES} == SERVICES


def test_every_container_of_ours_has_no_rights():
    for name, template in pods():
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] and spec["securityContext"]["runAsUser"] == 10001
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in spec["containers"]:
            rights = container["securityContext"]
            assert rights["readOnlyRootFilesystem"] and not rights["allowPrivilegeEscalation"] and rights["capabilities"] == {"drop": ["ALL"]}
            assert {"requests", "limits"} == set(container["resources"])
        mounted = [{mount["name"] for mount in container["volumeMounts"]} for container in spec["containers"]]
        assert set().union(*mounted) == mounted[0] == {volume["name"] for volume in spec["volumes"]}
    for _, template in pods(("Deployment",)):
        probes = template["spec"]["containers"][0]
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(probes)


def kustomization(overlay):
    return yaml.safe_load((FOLDER / "overlays" / overlay / "kustomization.yaml").read_text())


def test_settings_are_settings_and_secrets_are_made(tmp_path):
    base = yaml.safe_load((FOLDER / "base" / "kustomization.yaml").read_text())
    common = {literal.split("=", 1)[0] for literal in base["configMapGenerator"][0]["literals"]}
    files = {one["name"]: {file.split("=")[0] for file in one["files"]} for one in kustomization("dev")["secretGenerator"]}
    known = collections.defaultdict(set)
    for name in ("movie", "user", "notification"):
        printed = subprocess.run([program(name), "--print-settings"], env=base_environment(), check=True, stdout=subprocess.PIPE, text=True)
        known[name] = set(re.findall(r"^\| `([A-Z_0-9]+)`", printed.stdout, re.M))
    every = set().union(*known.values())
    assert common <= every
    for name, template in pods(("Deployment", "Job")):
        service = name.removeprefix("migrate-")
        if service == "gateway":
            continue
        container, = template["spec"]["containers"]
        for variable in container["env"]:
            assert variable["name"].removesuffix("_FILE") in known[service] or variable["name"] in known[service], (name, variable)
            if variable["value"].startswith("/run/secrets/"):
                assert variable["value"].rpartition("/")[2] in files[f"cinesync-{service}"], (name, variable)
    subprocess.run([ROOT / "deploy" / "make-secrets", tmp_path / "secrets"], check=True)
    for one in kustomization("dev")["secretGenerator"]:
        for file in one["files"]:
            assert (tmp_path / file.split("=")[-1]).stat().st_size > 0, file


def test_only_who_may_talks_to_whom():
    """As in compose.yaml: the gateway to movie and user, these to each other, nobody to the notification service."""
    policies = {one["metadata"]["name"]: one["spec"] for one in BASE if one["kind"] == "NetworkPolicy"}
    assert policies["nobody"]["podSelector"] == {} and set(policies["nobody"]["policyTypes"]) == {"Ingress", "Egress"}

    def names(peers):
        return {peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for peer in peers if "podSelector" in peer}

    into = {name: set().union(*(names(rule["from"]) for rule in policies[name]["ingress"])) for name in SERVICES}
    out_of = {name: set().union(*(names(rule.get("to", [])) for rule in policies[name]["egress"])) for name in SERVICES}
    assert into == {"movie": {"gateway", "user"}, "user": {"gateway", "movie"}, "notification": set(), "gateway": set()}
    assert out_of == {"movie": {"user"}, "user": {"movie"}, "notification": set(), "gateway": {"movie", "user"}}


def test_overlays_name_what_is_there():
    base = {(one["kind"], one["metadata"]["name"]) for one in BASE}
    for overlay in ("dev", "production"):
        found = kustomization(overlay)
        assert {one["name"] for one in found["images"]} == {f"cinesync-{name}" for name in SERVICES}
        assert all(("Deployment", one["name"]) in base for one in found["replicas"])
        for resource in found["resources"]:
            assert (FOLDER / "overlays" / overlay / resource).exists(), resource
        for patch in found["patches"]:
            operations = yaml.safe_load(patch["patch"])
            assert all({"op", "path", "value"} == set(one) for one in operations)
            if "name" in patch["target"]:
                assert (patch["target"]["kind"], patch["target"]["name"]) in base
    for name in ("postgres.sh", "rabbitmq.conf"):
        assert (FOLDER / "overlays/dev" / name).read_text() == (ROOT / "deploy/compose" / name).read_text()

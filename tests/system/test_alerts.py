"""Each alert is raised by what it is for and by nothing near it, and all that rules and dashboards ask for is there."""
import json
import re
import subprocess

import pytest
import yaml
from alert_cases import CASES, times
from harness import ROOT

FOLDER = ROOT / "deploy" / "observability"
RULES = FOLDER / "rules.yaml"
GROUPS = yaml.safe_load(RULES.read_text())["groups"]
ALERTS = {rule["alert"]: rule for group in GROUPS for rule in group["rules"] if "alert" in rule}


def promtool(*arguments):
    done = subprocess.run(["promtool", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
    return done.stdout


def told(text, case):
    """An annotation with its variables filled in."""
    text = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda match: case.labels[match.group(1)], text)
    return re.sub(r"\{\{ \$value[^}]*\}\}", lambda _: case.value, text)


def expected(case):
    rule = ALERTS[case.alert]
    return {"exp_labels": {**rule["labels"], **case.labels},
            "exp_annotations": {name: told(text, case) for name, text in rule["annotations"].items()}}


RECORDS = {rule["record"]: rule for group in GROUPS for rule in group["rules"] if "record" in rule}


def needed_by(rule):
    """The recorded series that its expression asks for, and what those do."""
    named = {name for name in RECORDS if re.search(rf"{re.escape(name)}\b", rule["expr"])}
    return named.union(*(needed_by(RECORDS[name]) for name in named))


def rules_of(alert):
    """Without the others, which would be worked out as well, minute by minute, for days."""
    wanted = needed_by(ALERTS[alert]) | {alert}
    groups = [{**group, "rules": [rule for rule in group["rules"] if rule.get("alert", rule.get("record")) in wanted]} for group in GROUPS]
    return {"groups": [group for group in groups if group["rules"]]}


def trial(case, series, looks):
    """looks: (when, the alerts raised then)."""
    return {"interval": case.every, "input_series": [{"series": name, "values": values.strip()} for name, values in series.items()],
            "alert_rule_test": [{"eval_time": at, "alertname": case.alert, "exp_alerts": alerts} for at, alerts in looks]}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_an_alert_is_raised_when_it_is_time_and_by_nothing_near_it(tmp_path, case):
    early = [(case.early, [])] if case.early else []
    trials = [trial(case, case.raised, [*early, (case.at, [expected(case)])]), *(trial(case, series, [(case.at, [])]) for series in case.quiet)]
    path = tmp_path / "case.yaml"
    (tmp_path / "rules.yaml").write_text(json.dumps(rules_of(case.alert)))
    path.write_text(json.dumps({"rule_files": ["rules.yaml"], "evaluation_interval": case.every,
                                "group_eval_order": [group["name"] for group in GROUPS], "tests": trials}))  # which is YAML too
    promtool("test", "rules", path)


def test_who_never_failed_has_a_share_of_zero_and_who_is_not_asked_has_none(tmp_path):
    shares = [name for name in RECORDS if ":ratio_rate" in name]
    assert len(shares) > 10
    for series, found in (times(100, 100), [0]), (times(0, 0), []):
        looks = [{"expr": name, "eval_time": "60m", "exp_samples": [{"labels": f'{name}{{job="movie"}}', "value": value} for value in found]} for name in shares]
        trials = [{"interval": "1m", "input_series": [{"series": name, "values": values} for name, values in series.items()], "promql_expr_test": looks}]
        path = tmp_path / "case.yaml"
        path.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": trials}))
        promtool("test", "rules", path)


def test_every_alert_has_a_case_and_what_a_person_needs():
    assert {case.alert for case in CASES} == set(ALERTS) == {case.alert for case in CASES if case.quiet}
    for name, rule in ALERTS.items():
        assert rule["labels"]["severity"] in ("page", "ticket"), name
        assert set(rule["annotations"]) == {"summary", "description"}, name
    assert {case.alert for case in CASES if case.early} >= {name for name, rule in ALERTS.items() if "for" in rule}


def test_the_configuration_is_one(tmp_path):
    promtool("check", "rules", "--lint=all", "--lint-fatal", RULES)
    text = (FOLDER / "prometheus.yml").read_text()
    (tmp_path / "prometheus.yml").write_text(text.replace("/etc/prometheus/", f"{FOLDER}/"))
    promtool("check", "config", tmp_path / "prometheus.yml")


def test_the_layer_hands_over_files_that_are_there():
    layer = yaml.safe_load((ROOT / "deploy" / "compose" / "observability.yaml").read_text())
    base = yaml.safe_load((ROOT / "compose.yaml").read_text())
    assert layer["services"].pop("gateway") == {"environment": {"GATEWAY_STATUS_LISTEN": "0.0.0.0:8090"}}  # what is scraped, and not published
    for name, service in layer["services"].items():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith("./") else source in layer["volumes"], (name, volume)
            assert source.startswith("./") <= volume.endswith(":ro"), (name, volume)
        for port in service["ports"]:
            assert port.startswith("127.0.0.1:"), (name, port)
        assert not re.search(r":(latest)?$", service["image"]) and service["cap_drop"] == ["ALL"] and service["mem_limit"], name
        assert set(service["networks"]) <= set(base["networks"]), name
    scraped = {name for job in yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
               for source in job.get("dns_sd_configs", []) for name in source["names"]}
    assert scraped == {"movie", "user", "notification", "gateway"}
    for name in scraped:  # they share a network with it
        assert set(base["services"][name]["networks"]) & set(layer["services"]["prometheus"]["networks"]), name


def test_dashboards_ask_what_prometheus_understands(tmp_path):
    """As rules, which it reads as strictly."""
    asked = [target["expr"].replace("$__rate_interval", "5m") for path in sorted((FOLDER / "dashboards").glob("*.json"))
             for panel in json.loads(path.read_text())["panels"] for target in panel.get("targets", [])]
    assert len(asked) > 100
    rules = [{"record": f"asked:{number}", "expr": expression} for number, expression in enumerate(asked)]
    (tmp_path / "asked.yaml").write_text(json.dumps({"groups": [{"name": "asked", "rules": rules}]}))
    promtool("check", "rules", "--lint=none", tmp_path / "asked.yaml")


def test_lines_are_called_by_labels_that_they_keep():
    """What is summed up keeps the labels it is summed up by; what is not is one line a replica, told apart."""
    named = 0
    for path in sorted((FOLDER / "dashboards").glob("*.json")):
        for target in (target for panel in json.loads(path.read_text())["panels"] for target in panel.get("targets", [])):
            wanted = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            kept = [set(re.split(r",\s*", by)) for by in re.findall(r"by \(([^)]*)\)", target["expr"])]
            kept += [set()] * bool(not kept and re.search(r"\b(sum|min|max|count)\(", target["expr"]))
            assert all(wanted <= labels for labels in kept), (path.stem, target)
            assert kept or "instance" in wanted or re.match("job:", target["expr"]), (path.stem, target)
            named += len(wanted)
    assert named > 50


def test_dashboards_are_what_their_program_writes():
    subprocess.run([ROOT / "tools" / "dashboards.py", "--check"], check=True)
    for path in sorted((FOLDER / "dashboards").glob("*.json")):
        made = json.loads(path.read_text())
        assert made["uid"] == "cinesync-" + path.stem
        boxes = [panel["gridPos"] for panel in made["panels"]]
        assert all(box["x"] + box["w"] <= 24 for box in boxes), path.stem
        cells = [(x, y) for box in boxes for x in range(box["x"], box["x"] + box["w"]) for y in range(box["y"], box["y"] + box["h"])]
        assert len(cells) == len(set(cells)), f"{path.stem}: panels overlap"

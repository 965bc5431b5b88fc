"""deploy/: the dashboard, the alerts and the Kubernetes example name only what exists."""

from __future__ import annotations

import copy
import json
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.db.connect import DatabaseUrl
from bot.exceptions import StartupError
from bot.observability.metrics import Metrics
from bot.settings import DRAIN_SECONDS, Settings
from tests.repository.shell import ROOT, run

DEPLOY = ROOT / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
RULES = [rule for group in yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
KUBERNETES = {item["kind"]: item for item in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())}
METRIC = re.compile(r"\b(applivery_bot_\w+|process_\w+)(?:\{([^}]*)\})?")
OF_THE_SCRAPE = {"job", "instance"}  # what Prometheus adds

EXPRESSIONS = [(rule["alert"], rule["expr"]) for rule in RULES] + [
    (panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]
]


def there_are() -> dict[str, set[str]]:
    """The name of every sample that is scraped, with its labels."""
    found: dict[str, set[str]] = {}
    for family in Metrics().registry.collect():
        endings = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(family.type, [""])
        labels = _labels(family.name) | ({"le"} if family.type == "histogram" else set())
        found |= {family.name + ending: labels for ending in endings}
    return found


def _labels(family: str) -> set[str]:
    own = [var for var in vars(Metrics()).values() if getattr(var, "_name", None) == family]
    return set(own[0]._labelnames) if own else set()


THERE_ARE = there_are()


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS, ids=lambda part: str(part)[:40])
def test_every_metric_and_label_that_is_named_exists(where: str, expression: str) -> None:
    named = METRIC.findall(expression)
    assert named, where
    for name, selectors in named:
        assert name in THERE_ARE, f"{where}: {name}"
        labels = set(re.findall(r"(\w+)\s*[=!]~?", selectors))
        assert labels <= THERE_ARE[name] | OF_THE_SCRAPE, f"{where}: {name}{labels}"
    together = set().union(*(THERE_ARE[name] for name, _ in named)) | OF_THE_SCRAPE
    for grouped in re.findall(r"\bby \(([^)]*)\)", expression):
        assert {label.strip() for label in grouped.split(",")} <= together, where
    assert expression.count("(") == expression.count(")")
    assert expression.count("{") == expression.count("}")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["annotations"]["what_to_do"].endswith(".")
    grouped = set(re.findall(r"\w+", " ".join(re.findall(r"\bby \(([^)]*)\)", rule["expr"]))))
    single = {label for name, _ in METRIC.findall(rule["expr"]) for label in THERE_ARE[name]}
    shown = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    assert shown <= (grouped or single | OF_THE_SCRAPE)


def test_names_of_alerts_and_panels_are_told_apart() -> None:
    for names in ([rule["alert"] for rule in RULES], [panel["title"] for panel in DASHBOARD["panels"]]):
        assert len(names) == len(set(names))


def test_a_legend_shows_only_labels_that_its_line_has() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            shown = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            grouped = re.findall(r"\bby \(([^)]*)\)", target["expr"])
            have = set(re.findall(r"\w+", " ".join(grouped))) or OF_THE_SCRAPE
            assert shown <= have, panel["title"]


def test_panels_stand_side_by_side_and_not_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_every_metric_is_on_dashboard_or_in_alert() -> None:
    named = {name for _, expression in EXPRESSIONS for name, _ in METRIC.findall(expression)}
    ours = {family.name for family in Metrics().registry.collect() if family.name.startswith("applivery_bot_")}
    assert not {text for text in ours if not any(name.startswith(text) for name in named)}


# ------------------------------------------------------------------ Kubernetes


@pytest.fixture
def pod() -> dict[str, Any]:
    spec: dict[str, Any] = KUBERNETES["Deployment"]["spec"]["template"]["spec"]
    return spec


def test_there_are_two_replicas_and_one_is_always_there() -> None:
    assert KUBERNETES["Deployment"]["spec"]["replicas"] == 2
    assert KUBERNETES["PodDisruptionBudget"]["spec"]["minAvailable"] == 1
    labels = KUBERNETES["Deployment"]["spec"]["template"]["metadata"]["labels"]
    for selector in (
        KUBERNETES["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        KUBERNETES["Deployment"]["spec"]["selector"]["matchLabels"],
        KUBERNETES["Service"]["spec"]["selector"],
        KUBERNETES["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
    ):
        assert selector == labels


def test_deployment_settings_exist_and_secrets_are_from_secret(pod: dict[str, Any]) -> None:
    [container] = pod["containers"]
    names = {variable["name"] for variable in container["env"]}
    assert names <= {name.upper() for name in Settings.model_fields}
    inline = {variable["name"] for variable in container["env"] if "value" in variable}
    assert not [name for name in inline if re.search("TOKEN|SECRET|PASSWORD|DATABASE", name)]
    assert container["envFrom"] == [{"secretRef": {"name": "applivery-bot"}}]


def variable(pod: dict[str, Any], name: str) -> Any:
    [container] = pod["containers"]
    [found] = [variable for variable in container["env"] if variable["name"] == name]
    return found.get("value", found.get("valueFrom"))


def test_no_pod_starts_without_the_address_of_postgresql(pod: dict[str, Any]) -> None:
    """A key that a secretKeyRef names and the secret lacks keeps a container from starting, unless it is optional."""
    assert variable(pod, "DATABASE_URL") == {"secretKeyRef": {"name": "applivery-bot", "key": "DATABASE_URL"}}
    assert variable(pod, "REPLICAS") == str(KUBERNETES["Deployment"]["spec"]["replicas"])


def test_deployment_settings_are_accepted_by_bot(pod: dict[str, Any]) -> None:
    [container] = pod["containers"]
    given = {each["name"].lower(): each["value"] for each in container["env"] if "value" in each}
    needed = {"slack_bot_token": "xoxb-1", "slack_app_token": "xapp-1", "applivery_token": "t"}
    settings = Settings(_env_file=None, **needed, applivery_organization="acme", **given)
    with pytest.raises(StartupError, match="REPLICAS is 2, and SQLite"):
        DatabaseUrl.parse(settings.database_url).check_replicas(settings.replicas)
    DatabaseUrl.parse("postgresql://postgres/bot").check_replicas(settings.replicas)


def test_metrics_and_readiness_are_not_in_the_service(pod: dict[str, Any]) -> None:
    [container] = pod["containers"]
    ports = {port["name"]: str(port["containerPort"]) for port in container["ports"]}
    assert ports == {"http": variable(pod, "PORT"), "metrics": variable(pod, "METRICS_PORT")}
    assert [port["targetPort"] for port in KUBERNETES["Service"]["spec"]["ports"]] == ["http"]
    annotations = KUBERNETES["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == ports["metrics"]


def test_replicas_are_spread_over_nodes_and_zones(pod: dict[str, Any]) -> None:
    spread = {each["topologyKey"]: each for each in pod["topologySpreadConstraints"]}
    assert spread.keys() == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    labels = KUBERNETES["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert all(each["labelSelector"]["matchLabels"] == labels for each in spread.values())


def test_network_policy_admits_what_the_bot_needs_alone() -> None:
    policy = KUBERNETES["NetworkPolicy"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    let_in = {port["port"]: rule["from"] for rule in policy["ingress"] for port in rule["ports"]}
    assert let_in.keys() == {"http", "metrics"}
    assert all(peers and all("namespaceSelector" in peer for peer in peers) for peers in let_in.values())
    let_out = {(port["protocol"], port["port"]) for rule in policy["egress"] for port in rule["ports"]}
    assert let_out == {("UDP", 53), ("TCP", 53), ("TCP", 443), ("TCP", 5432)}


@pytest.mark.parametrize("version", ["1.27", "1.30", "1.37"])
@pytest.mark.parametrize("kind", KUBERNETES)
def test_kubernetes_takes_the_manifest(kind: str, version: str) -> None:
    import kubernetes_validate  # takes over a second, which each worker of a test run would pay

    kubernetes_validate.validate(KUBERNETES[kind], version, strict=True)


def test_a_wrong_manifest_is_not_taken() -> None:
    import kubernetes_validate

    wrong = copy.deepcopy(KUBERNETES["Deployment"])
    wrong["spec"]["template"]["spec"]["topologySpreadConstraint"] = []
    with pytest.raises(kubernetes_validate.ValidationError, match="topologySpreadConstraint"):
        kubernetes_validate.validate(wrong, "1.30", strict=True)


def test_deployment_probes_match_server_and_allow_slow_stop(pod: dict[str, Any]) -> None:
    [container] = pod["containers"]
    asked = {name: container[name]["httpGet"]["path"] for name in container if name.endswith("Probe")}
    assert asked == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    assert {container[name]["httpGet"]["port"] for name in asked} == {"metrics"}
    assert pod["terminationGracePeriodSeconds"] > DRAIN_SECONDS + 10


def test_deployment_runs_with_least_rights(pod: dict[str, Any]) -> None:
    [container] = pod["containers"]
    user = re.search(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert user
    assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]) == (int(user[1]), int(user[2]))
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert container["resources"]["limits"]["memory"]


# ------------------------------------------------------------------ systemd

UNIT = DEPLOY / "applivery-bot.service"
PROGRAM = "/opt/applivery-bot/bin/applivery-bot"
EXPOSURE = 20  # tenths, of 100: 2.0
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="needs systemd-analyze: sudo apt-get install systemd"
)


@needs_systemd
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """It looks whether the program exists, so one that does stands in for it."""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(PROGRAM, "/bin/true"))
    done = run("systemd-analyze", "verify", "--man=no", unit, cwd=tmp_path)
    assert (done.code, done.said.strip()) == (0, "")


@needs_systemd
def test_the_unit_is_sandboxed() -> None:
    done = run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", UNIT, cwd=ROOT)
    assert done.code == 0, done.said


def test_the_unit_names_settings_and_the_program_that_exist() -> None:
    lines = UNIT.read_text().splitlines()
    [names] = [line.removeprefix("Environment=").split() for line in lines if line.startswith("Environment=")]
    credentials = [line.partition("=")[2].partition(":") for line in lines if line.startswith("LoadCredential=")]
    names.remove("MALLOC_ARENA_MAX=2")  # the C library's
    for name in [name.partition("=")[0].lower() for name in names] + [name for name, _, _ in credentials]:
        assert name in Settings.model_fields
    assert all(Path(file).name == name for name, _, file in credentials)
    assert f"ExecStart={PROGRAM} run" in lines
    assert "applivery-bot" in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]

"""deploy/alerts.yml and the dashboard, asked of a real Prometheus: what fires, what doesn't, what is answered.

https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from tests.conftest import Environment
from tests.e2e.test_cli import a_free_port
from tests.repository.test_deploy import DASHBOARD, DEPLOY, RULES
from tests.support.waiting import until

pytestmark = pytest.mark.skipif(
    not (shutil.which("promtool") and shutil.which("prometheus")),
    reason="needs promtool and prometheus: sudo apt-get install prometheus",
)
CASES = yaml.safe_load((Path(__file__).parent / "alert_cases.yml").read_text())


def shown(words: str, labels: dict[str, str]) -> str:
    """An annotation with its labels filled in."""
    return re.sub(r"{{ \$labels\.(\w+) }}", lambda found: labels.get(found[1], ""), words)


def expected(case: dict[str, Any]) -> list[dict[str, Any]]:
    [rule] = [rule for rule in RULES if rule["alert"] == case["alert"]]
    return [
        {
            "exp_labels": {**rule["labels"], **labels},
            "exp_annotations": {name: shown(words, labels) for name, words in rule["annotations"].items()},
        }
        for labels in case["fires"]
    ]


def test_alerts_fire_when_they_should_and_only_then(tmp_path: Path) -> None:
    tests = [
        {
            "interval": "1m",
            "name": f"{number} {case['alert']}",
            "input_series": [{"series": name, "values": values} for name, values in case["series"].items()],
            "alert_rule_test": [
                {"eval_time": f"{case['minute']}m", "alertname": case["alert"], "exp_alerts": expected(case)},
            ],
        }
        for number, case in enumerate(CASES)
    ]
    file = tmp_path / "tests.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(DEPLOY / "alerts.yml")], "tests": tests}))
    done = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_tried_both_ways() -> None:
    for rule in RULES:
        ways = {bool(case["fires"]) for case in CASES if case["alert"] == rule["alert"]}
        assert ways == {True, False}, rule["alert"]


def test_no_rule_knows_the_name_of_a_job() -> None:
    text = (DEPLOY / "alerts.yml").read_text() + (DEPLOY / "grafana-dashboard.json").read_text()
    assert re.findall(r'job="|job=\\"', text) == []


# ------------------------------------------------------------------ the dashboard


@asynccontextmanager
async def prometheus(folder: Path, port: int) -> AsyncIterator[str]:
    """A Prometheus that scrapes a bot on this port each second and has loaded the alerts."""
    scraped = {"job_name": "any-name", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(DEPLOY / "alerts.yml")],
        "scrape_configs": [scraped],
    }
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(config))
    own = a_free_port()
    process = await asyncio.create_subprocess_exec(
        "prometheus",
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{own}",
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{own}/api/v1"
    finally:
        process.kill()
        await process.wait()


async def result(session: aiohttp.ClientSession, api: str, query: str) -> list[Any]:
    """What Prometheus answers to a query; empty while it is not there yet."""
    try:
        async with session.get(f"{api}/query", params={"query": query}) as answer:
            found = await answer.json(content_type=None)
    except (aiohttp.ClientError, json.JSONDecodeError):
        return []
    assert found["status"] == "success", f"{query}: {found}"
    rows: list[Any] = found["data"]["result"]
    return rows


async def test_dashboard_queries_are_answered_by_prometheus(world: Environment) -> None:
    await world.start(jobs=True)
    await world.ask("subscribe courier")
    world.applivery.build(world.courier, version="1")
    await world.slack.until(world.said)
    await world.ask("get courier")
    async with prometheus(world.folder, world.bot.web.port) as api, aiohttp.ClientSession() as session:

        async def scraped_thrice() -> bool:
            counted = await result(session, api, "count_over_time(applivery_bot_info[1m])")
            return bool(counted) and int(counted[0]["value"][1]) >= 3

        await until(scraped_thrice)
        for panel in DASHBOARD["panels"]:
            for target in panel["targets"]:
                query = target["expr"].replace("$__rate_interval", "1m").replace("$job", ".*")
                assert await result(session, api, query), f"{panel['title']} is empty: {query}"
        async with session.get(f"{api}/rules") as answer:
            rules = [rule for group in (await answer.json())["data"]["groups"] for rule in group["rules"]]
        assert {rule["name"]: rule["health"] for rule in rules} == {rule["alert"]: "ok" for rule in RULES}
        assert [rule["name"] for rule in rules if rule["state"] == "firing"] == []

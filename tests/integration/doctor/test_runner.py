from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from bot.db import app_polls, idempotency, subscriptions
from bot.db.database import Database
from bot.doctor import admins, applivery, service, slack
from bot.doctor import database as doctor_database
from bot.doctor.results import CheckOutcome, CheckResult, DoctorReport
from bot.doctor.runner import CHECKS, SETTINGS, examine
from bot.domain.model import BuildEvent
from bot.exceptions import DatabaseUnavailable
from bot.setting_values import InvalidSettings
from bot.slack.scopes import OPTIONAL, REQUIRED, SCOPES
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.e2e.test_cli import a_free_port
from tests.support.builders import subscribe as subscribe_app
from tests.support.waiting import patience

WELL, WARNING, BROKEN, SKIPPED = CheckOutcome.WELL, CheckOutcome.WARNING, CheckOutcome.BROKEN, CheckOutcome.SKIPPED
SECRET = "a-webhook-secret-nobody-knows"


def never(_: str) -> bool:
    return False


async def examined(world: Environment, *, consent: Any = never, later: float = 0.0, **changes: Any) -> DoctorReport:
    """What the doctor says of this world; `later` is how many seconds this machine's clock is ahead."""
    return await examine(world.settings(**changes), consent, clock=lambda: datetime.now(UTC) + timedelta(seconds=later))


def of(report: DoctorReport, check: str) -> list[CheckResult]:
    return [finding for finding in report.findings if finding.check == check]


def the(report: DoctorReport, check: str) -> CheckResult:
    [finding] = of(report, check)
    return finding


def outcomes(report: DoctorReport) -> dict[str, set[CheckOutcome]]:
    return {finding.check: {other.outcome for other in of(report, finding.check)} for finding in report.findings}


async def subscribed(world: Environment, channel: Any) -> None:
    """A subscription in the database, as a bot that has stopped leaves it."""
    store = await Database.open(world.database)
    await store.run(
        subscriptions.add_subscription,
        "T",
        channel.id,
        world.courier.id,
        "Courier",
        [BuildEvent.PROCESSED],
        "",
        world.ana.id,
    )
    await store.close()


# ------------------------------------------------------------------ all at once


async def test_a_world_in_order_is_fine_while_the_bot_runs(world: Environment) -> None:
    world.applivery.build(world.courier)
    bot = await world.start()
    await world.ask("subscribe courier")
    await world.look()
    asked = len(world.applivery.requests)
    report = await examined(
        world,
        port=bot.web.port,
        public_url=f"http://127.0.0.1:{bot.web.port}",
        applivery_webhook_secret=SECRET,
        consent=lambda _: True,
    )
    assert report.fine, report.text()
    assert outcomes(report) == {
        SETTINGS: {WELL},
        slack.TOKEN: {WELL},
        slack.SCOPE: {WELL},
        slack.CLOCK: {WELL},
        slack.SOCKETS: {WELL},
        applivery.HOSTS: {WELL},
        applivery.CREDENTIAL: {WELL},
        applivery.PERMISSION: {WELL, SKIPPED},  # minting is never tried
        doctor_database.DATABASE: {WELL},
        admins.ADMINS: {WELL},
        doctor_database.CHANNELS: {WELL},
        slack.HISTORY: {WELL},
        doctor_database.POLLING: {WELL},
        doctor_database.OUTBOX: {WELL},
        service.RUNNING: {WELL},
        service.PUBLIC: {WELL},
        service.WEBHOOK: {WELL},
    }, report.text()
    paths = [(request.method, request.path) for request in world.applivery.requests[asked:]]
    assert not [path for _, path in paths if "downloadToken" in path]
    assert [path for method, path in paths if method != "GET"] == ["/v1/organizations/acme/notifications"]
    assert world.applivery.minted == []
    await world.slack.until(lambda: len(world.slack.sockets) == 1)  # it has hung up


async def test_every_check_says_what_it_found_in_one_line_and_as_json(world: Environment) -> None:
    report = await examined(world)
    lines = report.text().splitlines()
    checks = [line for line in lines if line[:1] in "✓!✗–-" and line]
    assert len(checks) <= len(report.findings)
    assert all(re.match(r"[✓!✗–] [A-Z][\w ,]+: \S", line) for line in checks)
    for finding in report.findings:
        assert any(finding.check.casefold() in line.casefold() for line in checks), finding
    assert [line for line in lines if line.startswith("Next: ")] == lines[-1:]
    assert lines[-2].endswith("not checked.")
    said = json.loads(report.json())
    assert said["ok"] is report.fine
    assert [check["check"] for check in said["checks"]] == [finding.check for finding in report.findings]
    assert all(finding.fix for finding in report.findings if finding.outcome in (WARNING, BROKEN))


async def test_doctor_wrong_settings_reported_each_without_traceback() -> None:
    wrong = InvalidSettings(["PORT: is odd. Example: PORT=3000", "SLACK_BOT_TOKEN: is missing. Example: xoxb-1"])
    report = await examine(wrong, never)
    assert not report.fine
    faults = of(report, SETTINGS)
    assert [fault.said for fault in faults] == ["PORT is odd.", "SLACK_BOT_TOKEN is missing."]
    assert "PORT=3000" in faults[0].fix
    assert {finding.outcome for finding in report.findings if finding.check != SETTINGS} == {SKIPPED}


async def test_doctor_without_network_prints_line_for_every_check(world: Environment) -> None:
    nowhere = f"http://127.0.0.1:{a_free_port()}"
    hosts = dict.fromkeys(("applivery_api_url", "applivery_download_url", "applivery_dashboard_url"), nowhere)
    report = await examined(world, slack_api_url=nowhere, **hosts)
    assert not report.fine
    found = outcomes(report)
    assert found[slack.TOKEN] == {BROKEN}
    assert [finding.outcome for finding in of(report, applivery.HOSTS)] == [BROKEN, BROKEN, WELL, WARNING]
    for check in (slack.SCOPE, slack.CLOCK, slack.SOCKETS, doctor_database.CHANNELS, doctor_database.OUTBOX):
        assert the(report, check).said == "fix Slack token first."
    for check in (applivery.CREDENTIAL, applivery.PERMISSION, doctor_database.POLLING, service.WEBHOOK):
        assert the(report, check).said == "fix Applivery host first."
        assert the(report, check).outcome is SKIPPED
    assert report.text().count("connection refused") == 4
    assert "itself failed" not in report.text()


# ------------------------------------------------------------------ one cause, and what it leads to


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(status=401, code=4004), "HTTP 401, code 4004"),
        (Fault(status=403), "HTTP 403"),
        (Fault(status=404), "HTTP 404"),
        (Fault(status=400, code=5004), "code 5004"),
        (Fault(status=500), "HTTP 500"),
        (Fault(body="null"), "HTTP 200, null"),
        (Fault(body="<html>"), "a web page"),
        (Fault(drop=True), "closed before an answer came"),
    ],
)
async def test_consequences_are_not_reported_as_causes(world: Environment, fault: Fault, words: str) -> None:
    await subscribed(world, world.releases)
    world.applivery.faults.add("GET /v1/organizations/*", fault, times=None)
    world.applivery.faults.add("GET /v1/organizations/acme", fault, times=None)
    report = await examined(world, public_url="https://bot.acme.test", applivery_webhook_secret=SECRET)
    assert [finding.check for finding in report.findings if finding.outcome is BROKEN] == [applivery.CREDENTIAL]
    assert words in the(report, applivery.CREDENTIAL).said
    for check in (applivery.PERMISSION, doctor_database.POLLING, service.WEBHOOK):
        assert (the(report, check).outcome, the(report, check).said) == (SKIPPED, "fix Applivery token first.")


async def test_a_wrong_bot_token_hides_no_app_token(world: Environment) -> None:
    world.slack.revoke()
    report = await examined(world)
    assert "Slack doesn't accept it (token_revoked)" in the(report, slack.TOKEN).said
    assert the(report, slack.SOCKETS).outcome is WELL
    for check in (slack.SCOPE, slack.CLOCK, doctor_database.CHANNELS, doctor_database.OUTBOX):
        assert (the(report, check).outcome, the(report, check).said) == (SKIPPED, "fix Slack token first.")


async def test_a_bot_that_cannot_poll_is_a_consequence(world: Environment) -> None:
    bot = await world.start()
    await world.ask("subscribe courier")
    world.applivery.faults.add("GET *", Fault(status=401, code=4004), times=None)
    await world.look()
    report = await examined(world, port=bot.web.port)
    assert [finding.check for finding in report.findings if finding.outcome is BROKEN] == [applivery.CREDENTIAL]
    assert the(report, service.RUNNING).outcome is SKIPPED
    assert "because of what is broken above (polling: " in the(report, service.RUNNING).said


async def test_an_unknown_certificate_is_called_one(world: Environment) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).parents[2] / "support/untrusted.pem")
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    nowhere = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    report = await examined(world, slack_api_url=nowhere, applivery_api_url=nowhere)
    server.close()
    for found in (the(report, slack.TOKEN), of(report, applivery.HOSTS)[0]):
        assert found.outcome is BROKEN
        assert "the certificate is not accepted: self-signed certificate" in found.said
        assert "SSL_CERT_FILE" in found.fix
    assert "SlackUnsure" not in report.text()
    assert "AppliveryDown" not in report.text()


async def test_doctor_failing_check_is_a_line_and_stops_no_other(
    world: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stumble(_: object) -> list[CheckResult]:
        raise RuntimeError("xoxb-1-hunter2")

    monkeypatch.setitem(CHECKS, applivery.HOSTS, stumble)
    report = await examined(world)
    assert "itself failed (RuntimeError: " in the(report, applivery.HOSTS).said
    assert "hunter2" not in report.text() + report.json()
    assert the(report, applivery.CREDENTIAL).outcome is WELL


# ------------------------------------------------------------------ Slack


async def test_a_token_slack_does_not_take_is_broken(world: Environment) -> None:
    world.slack.revoke()
    report = await examined(world)
    assert the(report, slack.TOKEN).outcome is BROKEN
    assert "token_revoked" in the(report, slack.TOKEN).said
    assert "SLACK_BOT_TOKEN" in the(report, slack.TOKEN).fix


async def test_a_missing_scope_is_named_with_what_needs_it(world: Environment) -> None:
    world.slack.scopes -= {"users:read"}
    lost = the(await examined(world), slack.SCOPE)
    assert lost.outcome is BROKEN
    assert "users:read" in lost.said
    assert SCOPES["users:read"] in lost.said
    assert "manifest" in lost.fix


async def test_a_missing_optional_scope_is_a_feature_off(world: Environment) -> None:
    world.slack.scopes = set(REQUIRED)
    report = await examined(world)
    granted, *features = of(report, slack.SCOPE)
    assert (granted.outcome, granted.said) == (WELL, f"all {len(REQUIRED)} required ones granted.")
    assert {feature.outcome for feature in features} == {CheckOutcome.OFF}
    assert [re.findall(r"\((\S+)\)", feature.said) for feature in features] == [[scope] for scope in OPTIONAL]
    assert "- Slack scopes: off: user groups (usergroups:read): grants to groups, `mention:`" in report.text()
    assert report.fine
    assert report.next_step.startswith("Start the bot")


@pytest.mark.parametrize(
    ("seconds", "outcome"), [(0, WELL), (100, WARNING), (-100, WARNING), (310, BROKEN), (-310, BROKEN)]
)
async def test_a_clock_that_is_five_minutes_off_is_broken(
    world: Environment, seconds: float, outcome: CheckOutcome
) -> None:
    assert the(await examined(world, later=seconds), slack.CLOCK).outcome is outcome


async def test_doctor_app_token_without_scope_told_from_bot_token(world: Environment) -> None:
    world.slack.faults.add("apps.connections.open", Fault(error="missing_scope"))
    found = the(await examined(world), slack.SOCKETS)
    assert found.outcome is BROKEN
    assert "missing_scope" in found.said
    assert "SLACK_APP_TOKEN" in found.fix


async def test_socket_mode_unreached_is_no_fault_of_the_token(world: Environment) -> None:
    world.slack.faults.add("apps.connections.open", Fault(drop=True), times=None)
    found = the(await examined(world), slack.SOCKETS)
    assert found.outcome is BROKEN
    assert "can't reach Slack" in found.said
    assert "proxy or firewall" in found.fix


async def test_doctor_keeps_to_no_proxy(world: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    assert the(await examined(world), slack.TOKEN).outcome is WELL
    assert the(await examined(world), slack.SOCKETS).outcome is WELL


async def test_a_connection_that_is_never_greeted_is_broken(world: Environment) -> None:
    world.slack.refuse_handshakes(None)
    found = the(await examined(world), slack.SOCKETS)
    assert found.outcome is BROKEN
    assert "wss" in found.fix


async def test_another_process_on_the_same_app_token_is_told(world: Environment) -> None:
    await world.start(slack_socket_connections=2)
    await world.slack.until(lambda: len(world.slack.sockets) == 2)
    strangers = the(await examined(world, port=a_free_port()), slack.SOCKETS)
    assert strangers.outcome is WARNING
    assert "2 connections" in strangers.said
    assert "no bot runs here" in strangers.said
    own = the(await examined(world, port=world.bot.web.port), slack.SOCKETS)
    assert (own.outcome, own.said) == (WELL, "2 connections, all from this bot.")


@pytest.mark.postgres
async def test_doctor_connections_of_replicas_are_no_warning(world: Environment, postgres_url: str) -> None:
    world.database = postgres_url
    await world.start(slack_socket_connections=2, replicas=2)
    await world.slack.until(lambda: len(world.slack.sockets) == 2)
    elsewhere = {"port": a_free_port(), "replicas": 2}
    found = the(await examined(world, slack_socket_connections=1, **elsewhere), slack.SOCKETS)
    assert (found.outcome, found.said) == (WELL, "2 connections, as 2 replicas have.")
    more = the(await examined(world, slack_socket_connections=6, **elsewhere), slack.SOCKETS)
    assert more.outcome is WARNING
    assert more.said == "2 replicas with 6 connections each are more than the ten that Slack allows."


async def test_ten_connections_are_all_there_are(world: Environment) -> None:
    await world.start(slack_socket_connections=10)
    await world.slack.until(lambda: len(world.slack.sockets) == 10)
    found = the(await examined(world), slack.SOCKETS)
    assert found.outcome is WARNING
    assert "all ten connections" in found.said


async def test_doctor_http_mode_opens_no_socket(world: Environment) -> None:
    report = await examined(world, slack_app_token=None)
    assert the(report, slack.SOCKETS).outcome is SKIPPED
    assert world.slack.socket_mode.handshakes == []


# ------------------------------------------------------------------ Applivery


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"applivery_token": "wrong"}, "APPLIVERY_TOKEN"),
        ({"applivery_organization": "other"}, "APPLIVERY_ORGANIZATION"),
    ],
)
async def test_a_wrong_token_and_a_wrong_workspace_are_told_apart(
    world: Environment, changes: dict[str, str], names: str
) -> None:
    found = the(await examined(world, **changes), applivery.CREDENTIAL)
    assert found.outcome is BROKEN
    assert names in found.fix


@pytest.mark.parametrize(
    ("path", "permission", "needed_for", "outcome"),
    [
        ("apps", "mad.application.management.list", "every command", BROKEN),
        ("apps/*/builds", "list builds", "every announcement", BROKEN),
        ("apps/*/downloads/by-user", "mad.download.management.list", "downloads", BROKEN),
        ("notifications", "base.organization.notification.list", "webhook", WARNING),
    ],
)
@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_missing_permission_is_named_with_what_it_is_for(
    world: Environment, path: str, permission: str, needed_for: str, outcome: CheckOutcome, status: int
) -> None:
    world.applivery.faults.add(f"GET /v1/organizations/acme/{path}", Fault(status=status), times=None)
    report = await examined(world)
    assert the(report, applivery.CREDENTIAL).outcome is WELL
    [found] = [finding for finding in of(report, applivery.PERMISSION) if finding.outcome in (WARNING, BROKEN)]
    assert found.outcome is outcome
    assert f"{permission}" in found.said
    assert needed_for in found.said
    assert str(status) in found.said
    assert "Service Account" in found.fix


async def test_the_role_is_named_and_minting_is_not_tried(world: Environment) -> None:
    found = [finding.said for finding in of(await examined(world), applivery.PERMISSION)]
    assert "role org.viewer" in found[0]
    assert "creating links isn't tested" in found[-1]


async def test_a_credential_that_sees_no_app_is_told(world: Environment) -> None:
    world.applivery.apps.clear()
    found = of(await examined(world), applivery.PERMISSION)
    assert found[0].outcome is WARNING
    assert "sees no apps" in found[0].said
    assert {finding.outcome for finding in found[1:]} == {SKIPPED}


async def test_a_plan_without_download_logs_is_a_warning(world: Environment) -> None:
    refusal = Fault(status=400, code=5004, error="Subscription does not allow this")
    world.applivery.faults.add("GET /v1/*/downloads/by-user", refusal)
    report = await examined(world)
    assert report.fine
    assert "your Applivery plan doesn't include it" in report.text()


# ------------------------------------------------------------------ the database


async def test_no_database_yet_is_a_warning_and_makes_none(world: Environment, tmp_path: Path) -> None:
    report = await examined(world, database_url=f"sqlite:///{tmp_path}/new.db")
    assert the(report, doctor_database.DATABASE).outcome is WARNING
    assert {the(report, name).outcome for name in (doctor_database.CHANNELS, doctor_database.POLLING)} == {SKIPPED}
    assert not (tmp_path / "new.db").exists()


async def test_a_database_that_cannot_be_read_is_broken(world: Environment, tmp_path: Path) -> None:
    (tmp_path / "odd.db").write_text("this is no database, whatever its name says" * 100)
    for url in (f"sqlite:///{tmp_path}/odd.db", f"postgresql://u:hunter2@127.0.0.1:{a_free_port()}/x"):
        report = await examined(world, database_url=url)
        assert the(report, doctor_database.DATABASE).outcome is BROKEN
        assert "hunter2" not in report.text() + report.json()


async def test_doctor_reports_several_replicas_on_sqlite(world: Environment) -> None:
    found = the(await examined(world, replicas=2), doctor_database.DATABASE)
    assert found.outcome is BROKEN
    assert found.said == "REPLICAS is 2, and SQLite is for one process: set DATABASE_URL to PostgreSQL."


async def test_doctor_finds_the_running_bot_at_its_metrics_port(world: Environment) -> None:
    port = a_free_port()
    await world.start(metrics_port=port)
    assert the(await examined(world, metrics_port=port), service.RUNNING).outcome is WELL


@pytest.mark.parametrize(("version", "outcome"), [("0001", WARNING), ("9999", BROKEN)])
async def test_tables_of_another_version_are_told_and_not_read(
    world: Environment, version: str, outcome: CheckOutcome
) -> None:
    with sqlite3.connect(world.folder / "bot.db") as file:
        file.execute("UPDATE alembic_version SET version_num = ?", (version,))
    report = await examined(world)
    assert the(report, doctor_database.DATABASE).outcome is outcome
    assert version in the(report, doctor_database.DATABASE).said
    assert the(report, doctor_database.POLLING).outcome is SKIPPED


async def test_doctor_reads_and_writes_beside_running_bot(database: str, world: Environment) -> None:
    world.database = database
    await world.start()
    await world.ask("subscribe courier")
    for _ in range(3):
        report = await examined(world)
        assert {the(report, name).outcome for name in (doctor_database.DATABASE, doctor_database.CHANNELS)} == {WELL}, (
            report.text()
        )
        await world.look()
    assert re.fullmatch(r"1 app, oldest successful poll \d+ s ago\.", the(report, doctor_database.POLLING).said)


async def test_reading_cannot_write(database: str) -> None:
    await (await Database.open(database)).close()
    store = await Database.open_read_only(database)
    with pytest.raises((DatabaseUnavailable, DBAPIError)):
        await store.run(idempotency.acquire_once, "x", 1.0)
    await store.close()
    own = await Database.open(database)
    assert await own.run(idempotency.acquire_once, "x", 1.0)
    await own.close()


@pytest.mark.parametrize("how", ["left", "archived", "private"])
async def test_doctor_unwritable_channel_named_with_invitation(world: Environment, how: str) -> None:
    place = world.slack.channel("staging", private=how == "private")
    await subscribed(world, world.releases)
    await subscribed(world, place)
    place.archived = how == "archived"
    if not place.archived:
        place.members.clear()
    found = the(await examined(world), doctor_database.CHANNELS)
    assert found.outcome is (WARNING if how == "archived" else BROKEN)
    assert "Courier" in found.said
    if how == "archived":
        assert "#staging" in found.said
    else:
        assert "/invite @applivery" in found.fix
        assert ("#staging" in found.said) is (how == "left")


async def test_a_paused_subscription_is_told_with_its_reason(world: Environment) -> None:
    await subscribed(world, world.releases)
    store = await Database.open(world.database)
    await store.run(subscriptions.pause_subscriptions, world.releases.id, "somebody muted me")
    await store.close()
    found = the(await examined(world), doctor_database.CHANNELS)
    assert found.outcome is WARNING
    assert "somebody muted me" in found.said


async def test_channels_slack_does_not_tell_of_are_not_called_broken(world: Environment) -> None:
    await subscribed(world, world.releases)
    world.slack.faults.add("conversations.info", Fault(error="missing_scope"), times=None)
    assert the(await examined(world), doctor_database.CHANNELS).outcome is SKIPPED


async def test_a_poll_that_is_overdue_is_broken(world: Environment) -> None:
    await subscribed(world, world.releases)
    early = datetime.now(UTC) - timedelta(hours=1)
    store = await Database.open(world.database, clock=lambda: early)
    await store.run(app_polls.request_poll, None)
    await store.close()
    found = the(await examined(world), doctor_database.POLLING)
    assert found.outcome is BROKEN
    assert "1 of 1 app behind schedule" in found.said


async def test_doctor_polls_beyond_the_hour_are_a_warning(world: Environment) -> None:
    store = await Database.open(world.database)
    for number in range(100):
        await subscribe_app(store, app=f"app{number}")
    await store.close()
    found = the(await examined(world, poll_idle_seconds=60, applivery_requests_per_hour=1000), doctor_database.POLLING)
    assert found.outcome is WARNING
    assert found.said == "100 apps: each is polled every 8 min, not every 60 s."
    assert found.fix.startswith("Set POLL_IDLE_SECONDS to 495, or raise APPLIVERY_REQUESTS_PER_HOUR")


async def test_announcements_that_wait_for_long_are_told(world: Environment) -> None:
    early = datetime.now(UTC) - timedelta(hours=1)
    object.__setattr__(world.tuning, "clock", lambda: early)
    await world.start()
    await world.ask("subscribe courier")
    await world.look()
    world.applivery.build(world.courier, status="processed")
    await world.bot.store.run(app_polls.request_poll, None)
    await world.bot.watch.step()
    await world.stop()
    found = the(await examined(world), doctor_database.OUTBOX)
    assert found.outcome is BROKEN
    assert "1 waiting, the oldest for 60 min" in found.said


# ------------------------------------------------------------------ the running bot, and the webhook


async def test_a_bot_that_is_not_ready_says_why(world: Environment) -> None:
    bot = await world.start()
    world.slack.refuse_handshakes(None)
    await world.slack.sockets[0].ws.close()
    async with patience():
        while await bot.sockets.count_connected():  # type: ignore[union-attr]
            await asyncio.sleep(0.01)
    found = the(await examined(world, port=bot.web.port), service.RUNNING)
    assert found.outcome is SKIPPED, "it is a consequence of Slack's refusal"
    assert "slack: " in found.said


async def test_no_bot_and_no_public_address_are_not_faults(world: Environment) -> None:
    report = await examined(world, port=a_free_port())
    assert {the(report, name).outcome for name in (service.RUNNING, service.PUBLIC, service.WEBHOOK)} == {SKIPPED}
    assert report.fine, report.text()


async def test_a_public_address_that_leads_elsewhere_is_a_warning(world: Environment) -> None:
    for address, words in (
        (world.applivery.url, "isn't answered by the bot (HTTP 404)"),
        (f"http://127.0.0.1:{a_free_port()}", "can't reach"),
    ):
        found = the(await examined(world, public_url=address), service.PUBLIC)
        assert found.outcome is WARNING
        assert words in found.said


PUBLIC = {"public_url": "https://bot.acme.test", "applivery_webhook_secret": SECRET}


async def test_the_webhook_is_registered_once_and_only_after_a_yes(world: Environment) -> None:
    asked: list[str] = []

    def consent(question: str) -> bool:
        asked.append(question)
        return len(asked) > 1

    first, second, third = [await examined(world, consent=consent, **PUBLIC) for _ in range(3)]
    assert [the(report, service.WEBHOOK).outcome for report in (first, second, third)] == [WARNING, WELL, WELL]
    assert len(asked) == 2
    assert "--register-webhook" in the(first, service.WEBHOOK).fix
    [made] = world.applivery.notifications
    assert made["type"] == "webhook"
    assert made["config"]["webhook"]["url"] == f"https://bot.acme.test/webhooks/applivery/{SECRET}"
    assert {name for name, on in made["events"].items() if on} == {"buildCreated", "buildProcessed"}
    shown = "".join(report.text() + report.json() + repr(report) for report in (first, second, third)) + "".join(asked)
    assert SECRET not in shown
    assert "https://bot.acme.test/webhooks/applivery/" in shown


async def test_the_webhook_it_registers_really_rings(world: Environment) -> None:
    bot = await world.start(applivery_webhook_secret=SECRET)
    public = {"public_url": f"http://127.0.0.1:{bot.web.port}", "applivery_webhook_secret": SECRET}
    assert the(await examined(world, consent=lambda _: True, **public), service.WEBHOOK).outcome is WELL
    world.applivery.webhook.announce("build_created", world.applivery.build(world.courier))
    await world.applivery.until(lambda: [delivery.status for delivery in world.applivery.webhooks] == [204])


async def test_doctor_webhook_missing_event_or_duplicate_reported(world: Environment) -> None:
    await examined(world, consent=lambda _: True, **PUBLIC)
    [made] = world.applivery.notifications
    made["events"]["buildProcessed"] = False
    lame = the(await examined(world, **PUBLIC), service.WEBHOOK)
    assert (lame.outcome, "without buildProcessed" in lame.said) == (WARNING, True)
    world.applivery.notifications.append({**made, "id": "f" * 24})
    double = the(await examined(world, **PUBLIC), service.WEBHOOK)
    assert (double.outcome, "registered 2 times" in double.said) == (WARNING, True)


async def test_doctor_too_long_address_refused_before_sending(world: Environment) -> None:
    report = await examined(world, consent=lambda _: True, **{**PUBLIC, "applivery_webhook_secret": "x" * 480})
    assert the(report, service.WEBHOOK).outcome is BROKEN
    assert world.applivery.notifications == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_doctor_without_right_to_register_explains_manual_way(world: Environment, method: str) -> None:
    world.applivery.faults.add(f"{method} /v1/organizations/acme/notifications", Fault(status=403), times=None)
    report = await examined(world, consent=lambda _: True, **PUBLIC)
    found = the(report, service.WEBHOOK)
    assert found.outcome is WARNING
    assert "Workspace Settings → Integrations" in found.fix
    assert SECRET not in report.text()


async def test_a_registration_whose_answer_is_lost_is_not_made_twice(world: Environment) -> None:
    world.applivery.faults.add("POST /v1/organizations/acme/notifications", Fault(drop_after=True))
    lost = await examined(world, consent=lambda _: True, **PUBLIC)
    assert the(lost, service.WEBHOOK).outcome is WARNING
    assert the(await examined(world, consent=lambda _: True, **PUBLIC), service.WEBHOOK).outcome is WELL
    assert len(world.applivery.notifications) == 1


# ------------------------------------------------------------------ workspaces, admins, and the next step


async def test_doctor_wrong_workspace_names_those_the_token_sees(world: Environment) -> None:
    alone = the(await examined(world, applivery_organization="other"), applivery.CREDENTIAL)
    assert "sees only Acme (acme)" in alone.said
    assert alone.fix == "Set APPLIVERY_ORGANIZATION=acme."
    world.applivery.other_organizations.append({"id": "b" * 24, "name": "Beta Labs", "slug": "beta"})
    several = the(await examined(world, applivery_organization="other"), applivery.CREDENTIAL)
    assert several.fix.endswith("one that the token sees: Acme (acme), Beta Labs (beta).")
    right = the(await examined(world), applivery.CREDENTIAL)
    assert right.said == "workspace Acme. The token sees 2: Acme (acme), Beta Labs (beta)."


async def test_doctor_lists_workspaces_only_where_it_may(world: Environment) -> None:
    world.applivery.faults.add("GET /v1/organizations", Fault(status=403), times=None)
    found = the(await examined(world), applivery.CREDENTIAL)
    assert (found.outcome, found.said) == (WELL, "workspace Acme.")


async def test_doctor_names_admins_of_settings_and_grants(world: Environment) -> None:
    await world.start(access_admins=(world.ana.id,))
    await world.ask(f"grant <@{world.bruno.id}> admin")
    found = the(await examined(world, access_admins=(world.ana.id,)), admins.ADMINS)
    assert found.outcome is WELL
    assert found.said == f"{world.ana.name}, {world.bruno.name}. Workspace admins are admins too."


async def test_doctor_without_any_admin_says_what_does_not_work(world: Environment) -> None:
    for person in world.slack.workspace.users.values():
        person.admin = False
    found = the(await examined(world), admins.ADMINS)
    assert found.outcome is BROKEN
    assert "Access requests reach no one" in found.said
    assert "ACCESS_ADMINS" in found.fix


async def test_doctor_unknown_admin_is_a_warning(world: Environment) -> None:
    [own, stranger] = of(await examined(world, access_admins=("U0STRANGER",)), admins.ADMINS)
    assert (own.outcome, stranger.outcome) == (WELL, WARNING)
    assert "U0STRANGER" in stranger.said


async def test_doctor_next_step_is_the_first_fault_then_the_start(world: Environment) -> None:
    faulty = await examined(world, applivery_organization="other")
    assert faulty.next_step == the(faulty, applivery.CREDENTIAL).fix
    idle = await examined(world, port=a_free_port())
    assert idle.next_step.startswith("Start the bot with `make run`")
    bot = await world.start()
    assert (await examined(world, port=bot.web.port)).next_step == "Type /applivery in Slack."


async def test_doctor_joins_checks_skipped_for_one_reason() -> None:
    wrong = InvalidSettings(
        [
            "APPLIVERY_TOKEN: is missing. Example: x",
            "SLACK_SIGNING_SECRET: is missing, and so is SLACK_APP_TOKEN. Example: y",
        ]
    )
    report = await examine(wrong, never)
    assert [line for line in report.text().splitlines() if line.startswith("–")] == [
        f"– {', '.join(CHECKS)}: needs valid settings first."
    ]
    assert "APPLIVERY_TOKEN, SLACK_APP_TOKEN" in report.next_step, "Socket Mode is the simpler way"


# ------------------------------------------------------------------ what Slack lets this app read


async def test_doctor_says_when_history_is_limited(world: Environment) -> None:
    await subscribed(world, world.releases)
    assert the(await examined(world), slack.HISTORY).outcome is WELL
    world.slack.history_seconds = 60.0
    found = the(await examined(world), slack.HISTORY)
    assert found.outcome is WARNING
    assert "once in 60 s" in found.said
    assert "several minutes" in found.said
    assert "internal app" in found.fix


async def test_doctor_history_needs_channel_and_scope(world: Environment) -> None:
    assert the(await examined(world), slack.HISTORY).outcome is SKIPPED
    await subscribed(world, world.releases)
    world.slack.scopes -= {"channels:history", "groups:history", "im:history", "mpim:history"}
    assert the(await examined(world), slack.HISTORY).outcome is SKIPPED


# ------------------------------------------------------------------ what Applivery answers


async def test_doctor_names_the_keys_of_an_unknown_shape(world: Environment) -> None:
    build = world.applivery.build(world.courier)
    for _ in range(12):
        world.applivery.download(build)
    odd = [{"uid": 1, "who": "ana@acme.test", "when": "2026-11-30"}] * 12
    world.applivery.reshape("GET *by-user", lambda _: {"status": True, "data": odd})
    [found] = [finding for finding in of(await examined(world), applivery.PERMISSION) if finding.outcome is BROKEN]
    assert "12 records in an unknown shape: uid, who, when" in found.said
    assert "ana@" not in found.said


async def test_doctor_reads_a_log_that_has_something(world: Environment) -> None:
    build = world.applivery.build(world.courier)
    world.applivery.download(build, at=datetime.now(UTC) - timedelta(days=3))
    said = [finding.said for finding in of(await examined(world), applivery.PERMISSION)]
    assert "can read the download log (1 in 7 days)." in said


async def test_doctor_each_host_names_its_setting(world: Environment) -> None:
    """The api host answers, the others of that tenant do not exist."""
    urls = dict.fromkeys(("applivery_upload_url", "applivery_download_url", "applivery_dashboard_url"))
    found = of(await examined(world, applivery_tenant="no-such-tenant.invalid", **urls), applivery.HOSTS)
    assert [finding.outcome for finding in found] == [WELL, BROKEN, WARNING, WARNING, SKIPPED]
    assert "APPLIVERY_API_URL is set" in found[0].said
    assert "https://store.no-such-tenant.invalid" in found[4].said
    for finding, setting in zip(found[1:4], ("DOWNLOAD", "UPLOAD", "DASHBOARD"), strict=True):
        assert "no-such-tenant.invalid" in finding.said
        assert "DNS" in finding.said
        assert f"APPLIVERY_TENANT or APPLIVERY_{setting}_URL" in finding.fix

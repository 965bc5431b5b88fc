from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import yaml

import bot.commands
from bot import __version__
from bot.cli import env_file
from bot.dispatch.arguments import syntax
from bot.dispatch.registry import HandlerRegistry
from bot.slack.manifest import manifest
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.support import fork_server
from tests.support.slack_manifest import check_manifest
from tests.support.waiting import PATIENCE, busyness, patience

ROOT = Path(__file__).resolve().parents[2]


class Ended:
    """How a process ended and what it wrote."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


def environment(**settings: str) -> dict[str, str]:
    """What a process is given: nothing of ours but these settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "COVERAGE_PROCESS_START") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **settings}


def pointing_at(world: Environment, **changes: str) -> dict[str, str]:
    """The settings of a bot that talks to both fake sides."""
    url = world.applivery.url
    return {
        "SLACK_BOT_TOKEN": world.slack.bot_token,
        "SLACK_APP_TOKEN": world.slack.app_token,
        "SLACK_API_URL": world.slack.api_url,
        "APPLIVERY_TOKEN": world.applivery.token,
        "APPLIVERY_ORGANIZATION": "acme",
        **dict.fromkeys(("APPLIVERY_API_URL", "APPLIVERY_DOWNLOAD_URL", "APPLIVERY_DASHBOARD_URL"), url),
        "DATABASE_URL": world.database,
        "PORT": "0",
        "LOG_FORMAT": "json",
        **changes,
    }


async def begun(
    folder: Path, *words: str, forked: bool = True, **settings: str
) -> asyncio.subprocess.Process | fork_server.Forked:
    """Start the bot; `forked` from an interpreter that is there already, unless it is about how one starts."""
    if forked and (process := await fork_server.begin(words, folder, environment(**settings))):
        return process
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *words, cwd=folder, env=environment(**settings), stdout=pipe, stderr=pipe
    )


async def ended(process: asyncio.subprocess.Process | fork_server.Forked) -> Ended:
    async with patience():
        out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


async def shell(folder: Path, *words: str, **settings: str) -> Ended:
    return await ended(await begun(folder, *words, **settings))


@asynccontextmanager
async def running(world: Environment, **changes: str) -> AsyncIterator[asyncio.subprocess.Process | fork_server.Forked]:
    """`run` as its own process, connected to the fake Slack; killed in the end if it is still there."""
    process = await begun(world.folder, "run", **pointing_at(world, **changes))
    try:
        await world.slack.until(lambda: world.slack.sockets, PATIENCE)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# ------------------------------------------------------------------ words that end by themselves

SOME = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "APPLIVERY_TOKEN": "secret-token",
    "APPLIVERY_ORGANIZATION": "acme",
}


async def test_version_help_and_a_wrong_word(tmp_path: Path) -> None:
    version, wrong, nothing = await asyncio.gather(
        shell(tmp_path, "--version"), shell(tmp_path, "fly"), shell(tmp_path)
    )
    assert (version.code, version.out.strip()) == (0, __version__)
    assert wrong.code == 2
    assert "fly" in wrong.err
    assert nothing.code == 2
    for word in ("run", "doctor", "manifest", "commands", "migrate"):
        assert word in nothing.out + nothing.err


async def test_cli_wrong_settings_print_one_line_per_fault(tmp_path: Path) -> None:
    """Every subcommand stops with a line for each wrong setting and no traceback."""
    wrong = {**SOME, "SLACK_BOT_TOKEN": "xoxp-hunter2", "PORT": "eighty", "DATABASE_URL": "mysql://me:hunter2@db/x"}
    nothing, faulty, migrating = await asyncio.gather(
        shell(tmp_path, "run"), shell(tmp_path, "run", **wrong), shell(tmp_path, "migrate", **wrong)
    )
    assert nothing.code == 2
    lines = nothing.err.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "APPLIVERY_ORGANIZATION",
        "APPLIVERY_TOKEN",
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
    ]
    assert all("Example: " in line for line in lines)
    for result in (faulty, migrating):
        assert result.code == 2
        assert [line.partition(":")[0] for line in result.err.splitlines()] == [
            "DATABASE_URL",
            "PORT",
            "SLACK_BOT_TOKEN",
        ]
        assert "hunter2" not in result.err + result.out
    assert all("Traceback" not in each_result.err for each_result in (nothing, faulty, migrating))
    assert list(tmp_path.iterdir()) == []


async def test_the_manifest_is_printed_for_these_settings(tmp_path: Path) -> None:
    http = {key: value for key, value in SOME.items() if key != "SLACK_APP_TOKEN"}
    http |= {"SLACK_SIGNING_SECRET": "s", "PUBLIC_URL": "https://bot.acme.test", "SLACK_COMMAND": "/builds"}
    default, over_http = await asyncio.gather(shell(tmp_path, "manifest", **SOME), shell(tmp_path, "manifest", **http))
    assert (default.code, over_http.code) == (0, 0)
    at_the_top = yaml.safe_load((ROOT / "manifest.yml").read_text())
    at_the_top["features"]["unfurl_domains"] += ["acme.applivery.io", "acme.applivery.com"]
    assert yaml.safe_load(default.out) == at_the_top
    assert yaml.safe_load(over_http.out) == manifest(
        command="/builds",
        public_url="https://bot.acme.test",
        socket_mode=False,
        shortcuts=HandlerRegistry.scan(bot.commands).shortcuts(),
        unfurl_domains=["dashboard.applivery.io", "acme.applivery.io", "acme.applivery.com", "bot.acme.test"],
    )
    assert "secret-token" not in default.out + over_http.out


async def test_manifest_http_needs_no_secret_yet(tmp_path: Path) -> None:
    named = {"PUBLIC_URL": "https://bot.acme.test", "SLACK_APP_NAME": "Acme Builds"}
    over_http, long = await asyncio.gather(
        shell(tmp_path, "manifest", "--http", **named), shell(tmp_path, "manifest", SLACK_APP_NAME="x" * 36)
    )
    made = yaml.safe_load(over_http.out)
    check_manifest(made)
    assert made["settings"]["event_subscriptions"]["request_url"] == "https://bot.acme.test/slack/events"
    assert made["display_information"]["name"] == made["features"]["bot_user"]["display_name"] == "Acme Builds"
    assert (long.code, long.err.partition(":")[0]) == (2, "SLACK_APP_NAME")


async def test_commands_lists_every_subcommand(tmp_path: Path) -> None:
    plain, as_json = await asyncio.gather(shell(tmp_path, "commands"), shell(tmp_path, "commands", "--json"))
    assert (plain.code, as_json.code) == (0, 0)
    registry = HandlerRegistry.scan(bot.commands)
    rows = {row["name"]: row for row in json.loads(as_json.out)}
    assert rows == {
        entry.name: {
            "name": entry.name,
            "syntax": syntax(entry),
            "role": entry.required_role.word,
            "summary": entry.summary,
        }
        for entry in registry.commands()
    }
    assert list(rows)[: len(registry.menu())] == [name for _, name in registry.menu()]
    assert [line.partition(" ")[0] for line in plain.out.splitlines()] == list(rows)


@pytest.mark.parametrize("word", ["run", "migrate"])
@pytest.mark.parametrize("database", [{}, {"DATABASE_URL": "sqlite:///bot.db"}])
async def test_several_replicas_on_sqlite_do_not_start(tmp_path: Path, word: str, database: dict[str, str]) -> None:
    refused = await shell(tmp_path, word, REPLICAS="2", PORT="0", **database, **SOME)
    assert refused.code == 1
    assert "REPLICAS is 2, and SQLite is for one process: set DATABASE_URL to PostgreSQL." in refused.err
    assert "Traceback" not in refused.err
    assert list(tmp_path.iterdir()) == []


async def test_cli_migrate_run_twice_changes_nothing(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'bot.db'}"
    first = await shell(tmp_path, "migrate", DATABASE_URL=database, **SOME)
    assert (first.code, first.out.strip()) == (0, "The database is up to date.")
    before = (tmp_path / "bot.db").read_bytes()
    again, nowhere = await asyncio.gather(
        shell(tmp_path, "migrate", DATABASE_URL=database, **SOME),
        shell(tmp_path, "migrate", DATABASE_URL=f"sqlite:///{tmp_path}/not/there/bot.db", **SOME),
    )
    assert again.code == 0
    assert (tmp_path / "bot.db").read_bytes() == before
    assert nowhere.code == 1
    assert len(nowhere.err.strip().splitlines()) == 1
    assert "cannot be opened" in nowhere.err


# ------------------------------------------------------------------ doctor


async def test_the_doctor_says_what_is_wrong_and_ends_with_a_code(world: Environment) -> None:
    settings = pointing_at(world, APPLIVERY_UPLOAD_URL=world.applivery.url, PORT=str(a_free_port()))
    fine, as_json, faulty, nothing = await asyncio.gather(
        shell(world.folder, "doctor", **settings),
        shell(world.folder, "doctor", "--json", **settings),
        shell(world.folder, "doctor", **{**settings, "APPLIVERY_TOKEN": "hunter22"}),
        shell(world.folder, "doctor", "--json", SLACK_BOT_TOKEN="xoxp-hunter22"),
    )
    assert (fine.code, fine.err) == (0, ""), fine.out + fine.err
    assert "✓ Settings: valid." in fine.out
    assert (as_json.code, json.loads(as_json.out)["ok"]) == (0, True)
    assert faulty.code == 1
    assert "✗ Applivery token: " in faulty.out
    assert (nothing.code, json.loads(nothing.out)["ok"]) == (1, False)
    assert "SLACK_BOT_TOKEN must start with xoxb-" in nothing.out
    for result in (faulty, nothing):
        assert "hunter22" not in result.out + result.err
        assert "Traceback" not in result.out + result.err


async def test_cli_doctor_blocks_says_what_slack_refuses(world: Environment) -> None:
    settings = pointing_at(world, APPLIVERY_UPLOAD_URL=world.applivery.url, PORT=str(a_free_port()))
    world.slack.workspace.unsupported_blocks.add("data_table")
    refused = await shell(world.folder, "doctor", "--blocks", **settings)
    assert refused.code == 1, refused.out + refused.err
    assert re.search(
        r"^✓ Slack blocks: [\d,]+ messages, \d+ modals, \d+ Home views accepted\.$", refused.out, re.MULTILINE
    )
    assert "✗ Slack blocks: Slack refuses the message downloads." in refused.out
    assert "unsupported type: data_table (at /blocks/0/type)" in refused.out
    assert world.slack.messages(world.releases) == []


async def test_cli_doctor_registers_webhook_only_when_asked(world: Environment) -> None:
    """With `--register-webhook` it registers the webhook; without a terminal it asks no question."""
    secret = "a-long-random-word"
    settings = pointing_at(world, PUBLIC_URL="https://127.0.0.1:1", APPLIVERY_WEBHOOK_SECRET=secret)
    silent = await shell(world.folder, "doctor", **settings)
    assert world.applivery.notifications == []
    told = await shell(world.folder, "doctor", "--register-webhook", **settings)
    again = await shell(world.folder, "doctor", "--register-webhook", "--json", **settings)
    assert len(world.applivery.notifications) == 1
    assert "isn't registered" in silent.out
    assert "is registered." in told.out
    assert secret not in silent.out + told.out + again.out + silent.err + told.err + again.err


@pytest.mark.parametrize(("typed", "created"), [("y\n", True), ("n\n", False), ("\x04", False)])
async def test_doctor_on_a_terminal_offers_to_create_env(tmp_path: Path, typed: str, created: bool) -> None:
    file = tmp_path / ".env"
    end = await on_a_terminal(tmp_path, "doctor", typed=typed, settings={})
    assert "There is no .env here. Create it from the template? [y/N]" in end.err
    assert file.exists() is created
    assert end.code == 1
    assert end.out.splitlines()[-1].startswith("Next: ")
    if created:
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.read_text() == (ROOT / ".env.example").read_text()
        assert "Next: Set " in end.out
        again = await on_a_terminal(tmp_path, "doctor", typed="y\n", settings={})
        assert "Create it" not in again.err


async def test_doctor_without_a_terminal_says_how_to_create_env(tmp_path: Path) -> None:
    end = await shell(tmp_path, "doctor")
    assert (end.code, list(tmp_path.iterdir())) == (1, [])
    assert "Next: " in end.out
    assert "`applivery-bot doctor` creates .env" in end.out
    (tmp_path / ".env.example").touch()
    assert "Next: `cp .env.example .env`, set " in (await shell(tmp_path, "doctor")).out


def test_env_file_is_never_overwritten(tmp_path: Path) -> None:
    for make in (lambda path: path.write_text("MINE=1"), lambda path: path.symlink_to("nowhere")):
        path = tmp_path / f".env-{len(list(tmp_path.iterdir()))}"
        make(path)
        before = (path.is_symlink(), path.exists() and path.read_text())
        assert env_file.offer(lambda _: True, path) is False
        assert (path.is_symlink(), path.exists() and path.read_text()) == before


async def on_a_terminal(folder: Path, *words: str, typed: str, settings: dict[str, str]) -> Ended:
    """Run a command whose stdin is a terminal at which this is typed."""
    ours, its = pty.openpty()
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *words),
        cwd=folder,
        env=environment(**settings),
        stdin=its,
        stdout=pipe,
        stderr=pipe,
    )
    os.close(its)
    os.write(ours, typed.encode())
    end = await ended(process)
    os.close(ours)
    return end


@pytest.mark.parametrize(("typed", "registered"), [("y\n", 1), ("n\n", 0), ("\n", 0), ("\x04", 0)])
async def test_on_a_terminal_the_doctor_asks_before_it_registers(
    world: Environment, typed: str, registered: int
) -> None:
    settings = pointing_at(world, PUBLIC_URL="https://127.0.0.1:1", APPLIVERY_WEBHOOK_SECRET="a-long-random-word")
    end = await on_a_terminal(world.folder, "doctor", typed=typed, settings=settings)
    assert "Register the webhook https://127.0.0.1:1/webhooks/applivery/… in Applivery for all apps?" in end.err
    assert "a-long-random-word" not in end.err + end.out
    assert len(world.applivery.notifications) == registered
    assert ("is registered." in end.out) is bool(registered)
    assert "Traceback" not in end.err


# ------------------------------------------------------------------ run


async def test_cli_run_answers_refuses_second_process_and_stops(world: Environment) -> None:
    port = a_free_port()
    async with running(world, PORT=str(port)) as process:
        said = await world.ask("help")
        assert "What you can do" in said.text
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/readyz") as answer:
            assert answer.status == 200
        other = f"sqlite:///{world.folder / 'other.db'}"
        same_file, same_port = await asyncio.gather(
            shell(world.folder, "run", **pointing_at(world)),
            shell(world.folder, "run", **pointing_at(world, PORT=str(port), DATABASE_URL=other)),
        )
        for refused, words in (
            (same_file, ("Another process", f"(id {process.pid})", "bot.db", "PostgreSQL")),
            (same_port, (f"Port {port} of 127.0.0.1 cannot be used", "PORT")),
        ):
            assert refused.code == 1
            assert "Traceback" not in refused.err
            last = refused.err.strip().splitlines()[-1]
            assert all(word in last for word in words), refused.err
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        end = await ended(process)
        assert time.monotonic() - started < 10 * busyness()
        assert end.code == 0
        assert "service.stopping" in end.err
        assert "Traceback" not in end.err
        for secret in (world.slack.bot_token, world.slack.app_token, world.applivery.token):
            assert secret not in end.err + end.out
    assert world.slack.sockets == []


async def test_run_prints_one_line_once_slack_reaches_it(world: Environment) -> None:
    async with running(world, LOG_FORMAT="console") as process:
        assert process.stdout
        async with patience():
            line = await process.stdout.readline()
        assert line.decode() == "Connected to Sandbox as @applivery. Type /applivery in Slack.\n"
        process.send_signal(signal.SIGTERM)
        assert (await ended(process)).out == ""


async def test_run_with_json_logs_has_the_line_as_an_event(world: Environment) -> None:
    async with running(world) as process:
        assert process.stderr
        async with patience():
            while b"service.connected" not in (line := await process.stderr.readline()):
                assert line, "it ended"
        event = json.loads(line)
        assert {name: event[name] for name in ("workspace", "bot", "command")} == {
            "workspace": "Sandbox",
            "bot": "applivery",
            "command": "/applivery",
        }
        process.send_signal(signal.SIGTERM)
        assert (await ended(process)).out == ""


async def test_run_stops_within_ten_seconds_while_services_hang(world: Environment) -> None:
    """Slack refuses, Applivery hangs, a person waits: it goes all the same."""
    async with running(world) as process:
        world.applivery.faults.add("GET /v1/*", Fault(latency=60), times=None)
        turn = await world.slack.command("/applivery", "builds courier", user=world.ana, channel=world.releases)
        assert turn.acked
        async with patience():
            while not world.applivery.requests:  # one that hangs tells nobody
                await asyncio.sleep(0.02)
        world.slack.silence()
        world.slack.refuse_handshakes(None)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        end = await ended(process)
        assert time.monotonic() - started < 10 * busyness()
        assert end.code == 0
        assert "Traceback" not in end.err


async def test_run_lives_without_slack_and_applivery_and_is_not_ready(world: Environment) -> None:
    port = a_free_port()
    nowhere = f"http://127.0.0.1:{a_free_port()}"
    settings = pointing_at(world, PORT=str(port), SLACK_API_URL=f"{nowhere}/api/", APPLIVERY_API_URL=nowhere)
    process = await begun(world.folder, "run", **settings)
    try:
        assert process.stderr
        async with patience():
            while b"service.started" not in (line := await process.stderr.readline()):
                assert line, "it ended"
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/healthz") as answer:
                assert answer.status == 200
            async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                assert answer.status == 503
    finally:
        process.send_signal(signal.SIGINT)  # Ctrl-C
        assert (await ended(process)).code == 0


def test_the_manifest_needs_no_token_since_it_comes_before_them(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "manifest"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "SLACK_COMMAND": "/builds"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "command: /builds" in done.stdout
    assert "socket_mode_enabled: true" in done.stdout

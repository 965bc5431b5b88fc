"""Every word of the shell with anything at its other ends: a sentence, the right exit code, never a traceback."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Coroutine, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.cli import program
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.e2e.test_cli import SOME, begun, ended, environment, pointing_at
from tests.e2e.test_upload import IPA, POSTING, app_token, service_account
from tests.support import fork_server
from tests.support.waiting import PATIENCE, until

DONE, FAILED, USAGE = 0, 1, 2
PROGRAM = (sys.executable, "-m", "bot")
Words = tuple[str | bytes, ...]


class End:
    """How a process ended; what went to no pipe of ours is empty."""

    def __init__(self, code: int, out: bytes | None, err: bytes | None) -> None:
        self.code = code
        self.out, self.err = ((data or b"").decode("utf-8", "replace") for data in (out, err))
        for sign in ("Traceback", "Exception ignored", "Error in sys.", "never retrieved", "UnicodeEncodeError"):
            assert sign not in self.out + self.err, self.err

    @property
    def json(self) -> Any:
        """The one JSON object on stdout."""
        return json.loads(self.out)


async def shell(
    folder: Path, *words: str | bytes, settings: Mapping[str, str], around: str = '"$@"', **streams: Any
) -> End:
    """Run the bot; `around` is the shell's line with redirections, in which `"$@"` is the bot."""
    if around == '"$@"' and (
        process := await fork_server.begin(_text(words), folder, environment(**settings), **streams)
    ):
        out, err = await process.communicate()
        return End(await process.wait(), out, err)
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    closed = "".join(f" {number}>&-" for number in streams.pop("closed", ()))
    line = ["sh", "-c", f"{around}{closed}", "sh", *PROGRAM, *words]

    def run() -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(line, cwd=folder, env=environment(**settings), timeout=PATIENCE, check=False, **streams)

    done = await asyncio.to_thread(run)
    return End(done.returncode, done.stdout, done.stderr)


async def together(ends: Iterable[Coroutine[Any, Any, End]]) -> list[End]:
    """Several processes at once: most of their time they wait."""
    room = asyncio.Semaphore(4)

    async def one(end: Coroutine[Any, Any, End]) -> End:
        async with room:
            return await end

    return await asyncio.gather(*map(one, ends))


@pytest.fixture
def ipa(tmp_path: Path) -> Path:
    file = tmp_path / "courier.ipa"
    file.write_bytes(IPA)
    return file


def uploading(ipa: Path, *words: str) -> Words:
    return ("upload", str(ipa), "--app", "courier", *words)


# ------------------------------------------------------------------ streams


def every_word(world: Environment, ipa: Path) -> list[tuple[Words, Mapping[str, str], int]]:
    """Each word, its settings, and how it ends when nothing is in its way."""
    build = world.applivery.build(world.courier, version="1.0", number="1")
    full = {**pointing_at(world), **service_account(world)}
    return [
        (uploading(ipa, "--json"), full, DONE),
        (uploading(ipa), full, DONE),
        (("attach", build.id, str(ipa), "--app", "courier", "--json"), full, DONE),
        (("manifest",), full, DONE),
        (("migrate",), full, DONE),
        (("doctor", "--json"), {}, FAILED),
        (("--help",), {}, DONE),
        (("upload", "none.ipa", "--json"), full, USAGE),
        (("upload", "--nonsense"), full, USAGE),
        (("run",), {}, USAGE),
    ]


async def each_word(
    world: Environment, ipa: Path, changes: Mapping[str, str] | None = None, **streams: Any
) -> list[End]:
    """How each word ends with these streams, its code checked."""
    words = every_word(world, ipa)
    ends = await together(
        shell(world.folder, *typed, settings={**settings, **(changes or {})}, **streams) for typed, settings, _ in words
    )
    for end, (typed, _, code) in zip(ends, words, strict=True):
        assert end.code == code, (typed, end.err)
        if "--json" in typed and end.out:
            assert end.json["ok"] is (code == DONE)
    return ends


@pytest.mark.parametrize("closed", [(1,), (2,), (0, 1, 2)])
async def test_a_closed_stream_changes_no_end(world: Environment, ipa: Path, closed: tuple[int, ...]) -> None:
    await each_word(world, ipa, closed=closed)
    assert len(world.applivery.builds) == 3, "one that was there, and one for each upload"


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
async def test_started_without_a_stream_it_ends_alike(world: Environment, ipa: Path, closed: str) -> None:
    """The interpreter itself starts without it."""
    words, settings, code = every_word(world, ipa)[0]
    end = await shell(world.folder, *words, settings=settings, around=f'exec "$@" {closed}')
    assert end.code == code, end.err
    assert len(world.applivery.builds) == 2, "one that was there, and the upload"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
async def test_a_reader_that_has_left_changes_no_end(world: Environment, ipa: Path, stream: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    await each_word(world, ipa, **{stream: writing})
    os.close(writing)
    assert len(world.applivery.builds) == 3


async def test_output_that_cannot_be_written_is_a_failure(world: Environment, ipa: Path) -> None:
    for words, settings, code in every_word(world, ipa):
        before = len(world.applivery.builds)
        with Path("/dev/full").open("wb") as full:
            end = await shell(world.folder, *words, settings=settings, stdout=full.fileno())
        if words in (("run",), ("upload", "--nonsense")):  # those print nothing there
            assert end.code == code
            continue
        assert end.code == (code or FAILED), (words, end.err)
        assert "No space left on device" in end.err
        if words[:1] == ("upload",) and code == DONE:
            assert len(world.applivery.builds) == before + ("--json" in words)
            assert ("Everything else was done." if "--json" in words else "Nothing was uploaded.") in end.err


async def test_messages_that_cannot_be_written_are_no_failure(world: Environment, ipa: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        await each_word(world, ipa, stderr=full.fileno())


async def test_a_pipe_that_is_full_for_a_while_gets_it_all(tmp_path: Path) -> None:
    """Some programs make the pipe they hand on non-blocking."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    filled = 0
    while True:
        try:
            filled += os.write(writing, b" " * 4096)
        except BlockingIOError:
            break
    process = subprocess.Popen([*PROGRAM, "--help"], cwd=tmp_path, env=environment(), stdout=writing)
    os.close(writing)
    await asyncio.sleep(0.5)
    text = await asyncio.to_thread(lambda: b"".join(iter(lambda: os.read(reading, 65536), b"")))
    os.close(reading)
    assert process.wait(PATIENCE) == DONE
    assert text[filled:].startswith(b"Usage")
    assert b"attach" in text


# ------------------------------------------------------------------ encodings

ENCODINGS = [
    {"LANG": "C", "PYTHONUTF8": "0"},
    {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "ascii:strict", "HOME": ""},
    {"PYTHONIOENCODING": "latin-1", "HOME": "/nonexistent", "TERM": "dumb", "COLUMNS": "0"},
]


@pytest.mark.parametrize("changes", ENCODINGS)
async def test_any_locale_will_do(world: Environment, ipa: Path, changes: dict[str, str]) -> None:
    ends = await together(
        shell(world.folder, *words, settings={**service_account(world), **changes})
        for words in (uploading(ipa, "--json"), ("upload", "né.ipa"), ("doctor",))
    )
    assert [end.code for end in ends] == [DONE, USAGE, FAILED]
    assert ends[0].json["build"]["id"]


async def test_the_manifest_is_whole_in_ascii(tmp_path: Path) -> None:
    import yaml

    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    plain, ascii_ = await together(shell(tmp_path, "manifest", settings=changes) for changes in ({}, ascii_only))
    assert yaml.safe_load(ascii_.out) == yaml.safe_load(plain.out)
    assert ascii_.out.isascii()


async def test_a_name_that_is_no_utf_8_is_uploaded(world: Environment, tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/courier-\xff\n\xe9.ipa"
    Path(os.fsdecode(name)).write_bytes(IPA)
    end = await shell(world.folder, "upload", name, "--app", "courier", "--json", settings=service_account(world))
    assert (end.code, end.json["ok"]) == (DONE, True), end.err
    [build] = world.applivery.builds
    assert build.file("package").kept == IPA  # type: ignore[union-attr]
    world.applivery.move(build, "processed")
    end = await shell(
        world.folder, "attach", build.id, name, "--app", "courier", "--json", settings=service_account(world)
    )
    assert (end.code, end.json["attached"]) == (DONE, "courier-���.ipa"), end.err


async def test_a_missing_file_of_any_name_is_a_sentence(world: Environment, ipa: Path) -> None:
    strange = b"no-\xff\xfe.ipa"
    wrong: tuple[Words, ...] = (
        ("upload", strange), ("attach", "latest", strange), ("upload", str(ipa), "--changelog-file", strange),
        ("upload", str(ipa), "--package-icon", strange), ("upload", b"x" * 5000), ("upload", "/dev/null"),
        ("upload", "/"), ("upload", ""), ("attach", "latest", "/dev"), ("upload", str(ipa), "--changelog-file", "/"),
        ("upload", f"{ipa}/x.ipa"),
    )  # fmt: skip
    ends = await together(shell(world.folder, *words, "--json", settings=app_token(world)) for words in wrong)
    for end, words in zip(ends, wrong, strict=True):
        assert end.code == USAGE, (words, end.err)
        assert end.err.strip()
        assert (end.json["ok"], end.json["error"]["kind"]) == (False, "BadInput")


async def test_text_that_is_no_utf_8_is_sent_as_text(world: Environment, ipa: Path) -> None:
    words = ("--version-name", b"2.4-\xff", "--tag", b"\xe9", "--changelog", b"caf\xe9", "--commit-message", b"\xff")
    end = await shell(world.folder, *uploading(ipa, "--json"), *words, settings=service_account(world))
    assert (end.code, end.json["ok"]) == (DONE, True), end.err
    assert world.applivery.builds[0].form["versionName"] == "2.4-�"
    event = world.folder / "event.json"
    event.write_text(json.dumps({"head_commit": {"message": "half \ud83d"}}))
    github = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(event)}
    end = await shell(world.folder, *uploading(ipa, "--json"), settings=service_account(world, **github))
    assert (end.code, end.json["ok"]) == (DONE, True), end.err
    world.applivery.processing = (0.0, 0.0)
    for odd in (("--app", b"\xff"), ("--app", "courier", "--every", "0.1", "--announce", b"\xff")):
        slack = {"SLACK_BOT_TOKEN": world.slack.bot_token, "SLACK_API_URL": world.slack.api_url}
        end = await shell(world.folder, "upload", str(ipa), *odd, "--json", settings=service_account(world, **slack))
        assert end.code in (FAILED, USAGE), end.err
        assert end.json["error"]["message"]


# ------------------------------------------------------------------ the call itself


@pytest.mark.parametrize("option", ["--timeout", "--every"])
@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "-1", "0", "1e999", "1e9", "", "x", "9" * 5000])
def test_a_wait_that_is_no_time_is_refused(capsys: pytest.CaptureFixture[str], option: str, number: str) -> None:
    code, said = called(capsys, "upload", "none.ipa", "--json", option, number)
    assert (code, said.json["ok"]) == (USAGE, False)
    assert option in said.json["error"]["message"]
    assert option in said.err


class Said:
    """What a call printed."""

    def __init__(self, out: str, err: str) -> None:
        self.out, self.err = out, err

    @property
    def json(self) -> Any:
        """The one JSON object on stdout."""
        return json.loads(self.out)


def called(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Said]:
    """A call in this process: for what ends before anything is opened."""
    code = program.called(words)
    said = capsys.readouterr()
    return code, Said(said.out, said.err)


WRONG_CALLS: list[tuple[str, ...]] = [
    ("upload",), ("upload", "a.ipa", "b.ipa"), ("upload", "--nonsense"),
    ("upload", "a.ipa", "--trigger-timestamp", "x"), ("upload", "a.ipa", "--trigger-timestamp", "9" * 5000),
    ("upload", "a.ipa", "--trigger-timestamp", "-1"), ("upload", f"--{'x' * 100_000}"), ("upload", "-é"),
    ("attach",), ("attach", "latest"), ("attach", "latest", "a", "b"), ("attach", "--nonsense"),
    ("doctor", "--nonsense"), ("doctor", "x"), ("manifest", "x"), ("migrate", "--nonsense"), ("run", "x"),
    ("fly",), ("--nonsense",),
    ("upload", "a.ipa", "--timeout"), ("x" * 100_000,),
]  # fmt: skip


@pytest.mark.parametrize("words", WRONG_CALLS, ids=lambda words: " ".join(words)[:40])
def test_a_wrong_call_is_one_object_and_2(capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    first, *rest = words
    for typed in ((*words, "--json"), (first, "--json", *rest)):
        code, said = called(capsys, *typed)
        assert code == USAGE
        assert (said.json["ok"], said.json["error"]["kind"]) == (False, "BadInput")
        assert said.json["error"]["message"]
        assert 0 < len(said.err) < 5000
    code, said = called(capsys, *words)
    assert (code, said.out) == (USAGE, "")


@pytest.mark.parametrize(
    "settings", [{}, {"APPLIVERY_TOKEN": "a b"}, {"APPLIVERY_APP_TOKEN": "é"}, {"APPLIVERY_API_URL": "nowhere"}]
)
async def test_settings_that_are_missing_or_wrong_are_2(ipa: Path, settings: dict[str, str]) -> None:
    for words in (uploading(ipa, "--json"), ("upload", str(ipa), "--json"), ("attach", "latest", str(ipa), "--json")):
        end = await shell(ipa.parent, *words, settings=settings)
        assert (end.code, end.json["ok"]) == (USAGE, False)
        assert end.err.strip()


def broken_folders(folder: Path) -> dict[str, Path]:
    """Folders whose `.env` cannot be used."""
    made = {name: folder / name for name in ("bytes", "folder", "nonsense", "loop", "nul")}
    for path in made.values():
        path.mkdir()
    (made["bytes"] / ".env").write_bytes(b"APPLIVERY_TOKEN=\xff\xfe")
    (made["folder"] / ".env").mkdir()
    (made["nonsense"] / ".env").write_text("'''\n= = =\nexport\n\"")
    (made["loop"] / ".env").symlink_to(".env")
    (made["nul"] / ".env").write_bytes(b"APPLIVERY_TOKEN=a\x00b\nSLACK_BOT_TOKEN=\x00\n")
    return made


@pytest.mark.parametrize("kind", ["bytes", "folder", "nonsense", "loop", "nul"])
async def test_a_broken_dotenv_is_a_sentence(tmp_path: Path, ipa: Path, kind: str) -> None:
    folder = broken_folders(tmp_path)[kind]
    for words in (("run",), ("migrate",), uploading(ipa, "--json"), ("attach", "latest", str(ipa), "--json")):
        end = await shell(folder, *words, settings={})
        assert end.code == USAGE, end.err
        assert end.err.strip()
    assert (await shell(folder, "doctor", "--json", settings={})).json["ok"] is False


async def test_a_folder_that_was_deleted_is_no_traceback(tmp_path: Path, ipa: Path) -> None:
    for words, code in ((("manifest",), DONE), (("upload", str(ipa), "--json"), USAGE), (("run",), USAGE)):
        gone = tmp_path / "gone"
        gone.mkdir()
        end = await shell(gone, *words, settings={}, around='rmdir "$PWD"; exec "$@"')
        assert end.code == code, end.err


@pytest.mark.parametrize(
    "changes",
    [
        {"DATABASE_URL": "sqlite:////nonexistent/folder/bot.db"},
        {"DATABASE_URL": "sqlite:////"},
        {"DATABASE_URL": "sqlite:////dev/full"},
        {"DATABASE_URL": "sqlite:////proc/version"},
        {"DATABASE_URL": "postgresql://bot@127.0.0.1:1/bot"},
        {"DATABASE_URL": "postgresql://bot@a..b/bot"},
        {"DATABASE_URL": f"postgresql://bot@{'a' * 70}.test/bot"},
        {"DATABASE_URL": "postgresql://bot@127.0.0.1:1/bot?nonsense=1"},
        {"DATABASE_URL": "postgresql://bot@127.0.0.1:1/bot?connect_timeout=x"},
        {"HOST": "a..b", "DATABASE_URL": "sqlite:///x.db"},
        {"HOST": "not a host", "DATABASE_URL": "sqlite:///x.db"},
        {"HOST": f"{'a' * 70}.test", "DATABASE_URL": "sqlite:///x.db"},
        {"HOST": "203.0.113.1", "DATABASE_URL": "sqlite:///x.db"},
    ],
)
async def test_shell_unopenable_resource_is_explained_in_sentence(tmp_path: Path, changes: dict[str, str]) -> None:
    for word in ("run", "migrate"):
        if "HOST" in changes and word == "migrate":
            continue
        end = await shell(tmp_path, word, settings={**SOME, "PORT": "0", **changes})
        assert end.code in (FAILED, USAGE), end.err
        assert end.err.strip()


@pytest.mark.parametrize(
    "changes",
    [
        {"DATABASE_URL": "postgresql://u:p@Kq7zA#Kq7zB%rd@db/bot"},
        {"DATABASE_URL": "postgresql://u:Kq7zA@127.0.0.1:1/bot?sslmode=Kq7zB"},
        {"DATABASE_URL": "postgresql://u:Kq7zA@127.0.0.1:1/bot?connect_timeout=Kq7zB"},
        {"DATABASE_URL": "postgresql://u:Kq7zA@127.0.0.1:1/bot?passwort=Kq7zB"},
        {"DATABASE_URL": "postgresql://u:Kq7zA@127.0.0.1:1/bot?password=Kq7zB&options=-c%20Kq7zC"},
        {"APPLIVERY_API_URL": "https://:Kq7zA@h.test", "HOST": "Kq7zB@x", "ACCESS_ADMINS": "xoxb-Kq7zC"},
        {"HOST": "xoxb-Kq7zA.invalid", "DATABASE_URL": "sqlite:///x.db"},
    ],
)
async def test_no_process_shows_a_part_of_a_bad_address(tmp_path: Path, changes: dict[str, str]) -> None:
    words = [("run",), ("migrate",), ("doctor", "--json")]
    ends = await together(shell(tmp_path, *group, settings={**SOME, "PORT": "0", **changes}) for group in words[:3])
    for end, word in zip(ends, words, strict=True):
        assert "Kq7z" not in end.out + end.err, (word, end.out + end.err)
        assert end.code in ((DONE,) if word == ("migrate",) and "sqlite" in str(changes) else (FAILED, USAGE)), end.err


ODD_HOSTS = ["http://a..b", f"http://{'a' * 70}.test", "http://127.0.0.1:1", "http://nowhere.invalid", "http://[::1]:1"]


@pytest.mark.parametrize("url", ODD_HOSTS)
async def test_a_host_that_is_none_is_a_sentence(ipa: Path, url: str) -> None:
    hosts = dict.fromkeys(("APPLIVERY_API_URL", "APPLIVERY_UPLOAD_URL"), url)
    end = await shell(ipa.parent, "upload", str(ipa), "--json", settings={"APPLIVERY_APP_TOKEN": "x", **hosts})
    assert end.code in (FAILED, USAGE), end.err
    assert end.json["ok"] is False
    slack = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_API_URL": url, "APPLIVERY_ORGANIZATION": "acme"}
    end = await shell(
        ipa.parent, "upload", str(ipa), "--announce", "#x", "--json",
        settings={"APPLIVERY_APP_TOKEN": "x", **hosts, **slack},
    )  # fmt: skip
    assert end.code in (FAILED, USAGE), end.err
    assert end.json["ok"] is False


# ------------------------------------------------------------------ told to stop

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS)
async def test_stopped_while_sending_nothing_was_uploaded(world: Environment, tmp_path: Path, number: int) -> None:
    large = tmp_path / "large.ipa"
    with large.open("wb") as file:
        file.write(IPA)
        file.truncate(300_000_000)
    process = await begun(world.folder, *_text(uploading(large, "--json")), **service_account(world))
    assert process.stderr
    while b"Uploading" not in (line := await process.stderr.readline()):
        assert line, "it ended"
    process.send_signal(number)
    end = await ended(process)
    assert "Traceback" not in end.err
    said = json.loads(end.out)
    assert (end.code, said["ok"], said["error"]["kind"]) == (FAILED, False, "Stopped")
    assert "Nothing was uploaded" in end.err
    assert not world.applivery.builds


@pytest.mark.parametrize("number", SIGNALS)
async def test_upload_stopped_before_answer_has_unknown_outcome(world: Environment, ipa: Path, number: int) -> None:
    world.applivery.faults.add(POSTING, Fault(latency=60))
    process = await begun(world.folder, *_text(uploading(ipa, "--json")), **service_account(world))
    await world.applivery.until(lambda: world.applivery.faults.fired, PATIENCE)
    await asyncio.sleep(1)  # what is left of a small file is on its way
    process.send_signal(number)
    end = await ended(process)
    assert "Traceback" not in end.err
    said = json.loads(end.out)
    assert (end.code, said["ok"], said["error"]["kind"]) == (FAILED, False, "Stopped")
    assert "it may or may not have the file" in said["error"]["message"]


@pytest.mark.parametrize("number", SIGNALS)
async def test_stopped_while_waiting_the_build_is_told(world: Environment, ipa: Path, number: int) -> None:
    process = await begun(
        world.folder, *_text(uploading(ipa, "--json", "--wait", "--every", "0.1")), **service_account(world)
    )
    [build] = await world.applivery.until(lambda: world.applivery.builds, PATIENCE)
    await world.applivery.until(
        lambda: any(request.path.endswith(build.id) for request in world.applivery.requests), PATIENCE
    )
    process.send_signal(number)
    end = await ended(process)
    assert "Traceback" not in end.err
    said = json.loads(end.out)
    assert (end.code, said["ok"], said["build"]["id"]) == (FAILED, False, build.id)
    assert "The build is uploaded" in end.err


async def test_the_doctor_can_be_stopped(world: Environment) -> None:
    world.applivery.faults.add("GET *", Fault(latency=60), times=None)
    process = await begun(world.folder, "doctor", "--json", **pointing_at(world))
    await world.applivery.until(lambda: world.applivery.faults.fired, PATIENCE)
    process.send_signal(signal.SIGTERM)
    end = await ended(process)
    assert (end.code, json.loads(end.out)["ok"]) == (FAILED, False)
    assert end.err.strip() == "Stopped."


FINALIZED = """
import os, signal, time
from bot.cli import signals
class Finalized:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000): pass
signals.interrupt()
try:
    Finalized()
    time.sleep(30)
except signals.ProcessSignalled:
    print("stopped")
"""


def test_signal_that_a_finalizer_swallows_stops_all_the_same() -> None:
    done = subprocess.run([sys.executable, "-c", FINALIZED], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("stopped\n", "")


def handles_signals(process: asyncio.subprocess.Process) -> bool:
    """Whether the bot has taken SIGTERM over from Python, or has ended already."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return True
    caught = int(status.partition("SigCgt:")[2].split()[0], 16) if "SigCgt:" in status else -1
    return bool(caught >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize("word", ["upload", "doctor", "run", "manifest", "migrate"])
async def test_told_to_stop_at_any_moment_it_is_no_traceback(tmp_path: Path, ipa: Path, word: str) -> None:
    words = {"upload": uploading(ipa, "--json"), "doctor": ("doctor", "--json")}.get(word, (word,))
    for milliseconds in range(0, 1350, 300):
        number = SIGNALS[milliseconds // 300 % 3]
        process = await begun(tmp_path, *_text(words), forked=False, **SOME, PORT="0", DATABASE_URL="sqlite:///x.db")
        await until(partial(handles_signals, process))
        await asyncio.sleep(milliseconds / 1000)
        if process.returncode is None:
            process.send_signal(number)
        end = await ended(process)
        assert "Traceback" not in end.err, (milliseconds, end.err)
        assert "Exception ignored" not in end.err, (milliseconds, end.err)
        assert end.code in (DONE, FAILED, USAGE, -number), (milliseconds, end.code)
        if end.code == FAILED and "--json" in words:
            assert json.loads(end.out)["ok"] is False


@pytest.mark.parametrize("word", ["upload", "doctor", "run"])
async def test_shell_word_waiting_for_silent_pipe_can_be_stopped(tmp_path: Path, ipa: Path, word: str) -> None:
    """A `.env` may be a pipe that a password manager writes to, and a changelog `<(git log)`."""
    os.mkfifo(tmp_path / ".env")
    words = {"upload": uploading(ipa, "--json"), "doctor": ("doctor", "--json")}.get(word, (word,))
    process = await begun(tmp_path, *_text(words))
    await asyncio.sleep(3)
    assert process.returncode is None
    process.send_signal(signal.SIGTERM)
    end = await ended(process)
    assert (end.code, "Stopped." in end.err, "Traceback" in end.err) == (FAILED, True, False)


async def test_upload_started_with_nohup_survives_hangup(world: Environment, ipa: Path) -> None:
    world.applivery.faults.add(POSTING, Fault(latency=2))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        "nohup", *PROGRAM, *_text(uploading(ipa, "--json")), cwd=world.folder,
        env=environment(**service_account(world)), stdout=pipe, stderr=pipe,
    )  # fmt: skip
    await world.applivery.until(lambda: world.applivery.faults.fired, PATIENCE)
    process.send_signal(signal.SIGHUP)
    end = await ended(process)
    assert (end.code, json.loads(end.out)["ok"]) == (DONE, True), end.err


def _text(words: Words) -> tuple[str, ...]:
    return tuple(os.fsdecode(word) for word in words)

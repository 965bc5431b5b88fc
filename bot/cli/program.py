"""Each word of the command line and its options, and how a call that cannot be carried out is told."""

from __future__ import annotations

import asyncio
import gc
import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot import __version__, config
from bot.applivery.files import shown
from bot.cli import failures, stopping, streams
from bot.cli.attach import attach
from bot.cli.endings import DONE, FAILED, wants_json
from bot.cli.told import signals
from bot.cli.upload import upload
from bot.errors import BotError, StartupError, UserInputError
from bot.slack.manifest import manifest as slack_manifest
from bot.web.porch import Porch

if TYPE_CHECKING:
    from bot.service import Service

app = typer.Typer(
    name="applivery-bot",
    help="The Slack bot for teams that ship mobile apps with Applivery.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def called(words: Sequence[str]) -> int:
    """Carry out a command line; returns the exit code: 0 done, 1 failed, 2 usage or settings."""
    as_json = wants_json(words)
    try:
        # not `app()`: it has exit codes and messages of its own for Ctrl-C and for a broken connection
        with typer.main.get_command(app).make_context(_name(), list(words)) as context:
            context.command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except config.InvalidSettings as fault:
        return failures.settings_fault(fault, as_json=as_json)
    except BotError as problem:
        return failures.failed(problem, as_json=as_json)
    except Exception as error:  # noqa: BLE001 - a person reads a sentence, whatever it is
        return failures.usage(error, as_json=as_json) or failures.failed(failures.fault(error), as_json=as_json)
    return DONE


def _name() -> str:
    """The program as it was called."""
    called_as = Path(sys.argv[0]).name
    return "python -m bot" if called_as == "__main__.py" else called_as


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit(DONE)


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Nothing of its own; each word below does one thing."""


@app.command()
def run() -> None:
    """Run the bot until it is told to stop (SIGTERM, Ctrl-C)."""
    # What is loaded now stays for good. Searching it for garbage takes a tenth of the start, and later 20 ms at a time.
    gc.disable()
    asyncio.run(_until_stopped(config.read()))


async def _until_stopped(settings: config.Settings) -> None:
    stop = _stop_event()
    # Opening can take long: another replica migrates, a database does not answer. Told to stop then, it does not wait.
    giving_up = asyncio.create_task(_cancelled_by(stop, asyncio.current_task()))
    try:
        await _run(settings, stop, giving_up)
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
    finally:
        giving_up.cancel()


async def _cancelled_by(stop: asyncio.Event, task: asyncio.Task[None] | None) -> None:
    await stop.wait()
    if task:
        task.cancel()


async def _run(settings: config.Settings, stop: asyncio.Event, giving_up: asyncio.Task[None]) -> None:
    porch = await Porch.open(settings.host, settings.port)
    # in a thread, because it takes a moment and the porch is to answer meanwhile
    service = await asyncio.to_thread(importlib.import_module, "bot.service")
    _set_up_logs(settings.log_level, settings.log_format)
    async with service.running(settings, porch=porch):
        giving_up.cancel()
        gc.freeze()
        gc.enable()
        await stop.wait()


def _set_up_logs(level: str, style: str) -> None:
    from bot.telemetry import set_up_logs  # noqa: PLC0415 - the porch opens before any of it is needed

    set_up_logs(level, style)


def _stop_event() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in signals():
        loop.add_signal_handler(number, stop.set)
    return stop


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo remembers.")] = Path(".demo"),
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the page; another one is taken when it is not free.")
    ] = 8787,
) -> None:
    """Try the real bot against a pretended Slack and a pretended Applivery, in the browser; no account needed."""
    _set_up_logs("WARNING", "console")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserInputError(
            f"The folder “{shown(folder)}” cannot be used: {error.strerror}.", "Name another one."
        ) from None
    asyncio.run(_demo(folder, folder.resolve() / "bot.db", port))


async def _demo(folder: Path, database: Path, port: int) -> None:
    # imported here: nothing but the demo needs the pretended world, and other words do not need the whole bot
    from bot import service  # noqa: PLC0415
    from bot.sandbox.world import Sandbox  # noqa: PLC0415

    stop = _stop_event()
    slack_app = slack_manifest(command="/applivery", public_url=None, socket_mode=True)
    try:
        sandbox = await Sandbox.open(folder, page_port=port, manifest=slack_app)
    except OSError as error:
        raise StartupError(f"The demo cannot use “{shown(folder)}” or a port: {error.strerror or error}.") from None
    try:
        environment = {name.lower(): value for name, value in sandbox.environment().items()}
        settings = config.read(
            _env_file=None,
            **environment,
            database_url=f"sqlite:///{database}",
            port=0,
            poll_busy_seconds=1,
            poll_idle_seconds=2,
        )
        async with service.running(settings) as bot:
            await _ready(bot)
            if not await bot.store.subscriptions():
                # the first time: what somebody would have typed before, so that an upload is heard of
                slack = sandbox.slack
                ana, releases = slack.user("ana"), slack.channel("releases")
                typed = await slack.command("/applivery", "subscribe *", user=ana, channel=releases)
                await typed.answer()
            typer.echo(_WELCOME.format(url=sandbox.page_url, command=settings.slack_command))
            await stop.wait()
            typer.echo("\nStopping; everything is remembered for the next time.")
    finally:
        await sandbox.close()


_WELCOME = """
  Open   {url}

  Three things to try:
    1. Type   {command} get courier         and follow the private link: it really downloads.
    2. Press  Upload a build              and watch pending → in_progress → processed, then one card in #releases.
    3. Type   {command} downloads courier   and open the thread in Direct messages → Applivery.

  Ctrl-C stops it.
"""


async def _ready(bot: Service) -> None:
    """Wait until the pretended Slack has a connection, so that the first command is not lost."""
    try:
        async with asyncio.timeout(30):
            while bot.sockets is not None and not await bot.sockets.connected():  # noqa: ASYNC110  the SDK rings no bell
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise StartupError("The pretended Slack had no connection within 30 s.", "Try again.") from None


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs; ask nothing.")] = False,
    register_webhook: Annotated[
        bool, typer.Option("--register-webhook", help="Register the webhook in Applivery if it is not, without asking.")
    ] = False,
) -> None:
    """Check settings, tokens, scopes, channels, permissions, clock, database and webhook; say the fix of each fault."""
    from bot.doctor.examine import examine  # noqa: PLC0415 - other words do not need the whole bot

    def consent(question: str) -> bool:
        if register_webhook or as_json or not sys.stdin.isatty():
            return register_webhook
        try:
            return typer.confirm(question, err=True)
        except typer.Abort:  # Ctrl-C or Ctrl-D: no, and the report all the same
            return False

    _set_up_logs("CRITICAL", "console")  # what libraries would warn of, the report says in words
    report = stopping.until_done(examine(_tried(config.read), consent))
    typer.echo(report.json() if as_json else report.text())
    raise typer.Exit(DONE if report.fine else FAILED)


def _tried(read: Callable[[], config.Settings]) -> Callable[[], config.Settings]:
    """The same once more, without reading again: in the event loop no signal is heard while a file is opened."""
    try:
        settings = read()
    except config.InvalidSettings as found:
        fault = found
    else:
        return lambda: settings

    def raising() -> config.Settings:
        raise fault

    return raising


@app.command()
def manifest() -> None:
    """Print the Slack app manifest for these settings (YAML, for "Create New App → From a manifest")."""
    import yaml  # noqa: PLC0415 - nothing else needs it

    settings = config.read_slack_app()
    text = slack_manifest(
        command=settings.slack_command, public_url=settings.public_url, socket_mode=settings.socket_mode
    )
    typer.echo(yaml.safe_dump(text, sort_keys=False, allow_unicode=streams.unicode(), width=1000), nl=False)


@app.command()
def migrate() -> None:
    """Bring the database up to date and stop; `run` does the same when it starts."""
    from bot.store import store  # noqa: PLC0415

    settings = config.read()
    _set_up_logs(settings.log_level, settings.log_format)
    store.migrate(settings.database_url)
    typer.echo("The database is up to date.")


app.command()(upload)
app.command()(attach)

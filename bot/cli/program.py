"""The commands and options of the command line, and the message for invalid arguments."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot import __version__
from bot import settings as bot_settings
from bot.applivery.hosts import link_places
from bot.cli import error_output, run_command, shutdown, standard_streams
from bot.cli.attach import attach
from bot.cli.exit_handling import DONE, FAILED, wants_json
from bot.cli.upload import upload
from bot.setting_values import InvalidSettings
from bot.slack.manifest import manifest as slack_manifest
from bot.slack.mrkdwn import size

if TYPE_CHECKING:
    from bot.dispatch.registry import HandlerRegistry

app = typer.Typer(
    name="applivery-bot",
    help="The Slack bot for teams that ship mobile apps with Applivery.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def called(words: Sequence[str]) -> int:
    """Run a command line; return the exit code: 0 done, 1 failed, 2 usage or settings."""
    return error_output.exit_code(partial(_carry_out, words), as_json=wants_json(words))


def _carry_out(words: Sequence[str]) -> int:
    try:
        # not `app()`, which has its own exit codes and messages for Ctrl-C and broken pipes
        with typer.main.get_command(app).make_context(_name(), list(words)) as context:
            context.command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    return DONE


def _name() -> str:
    """Return the name by which the program was called."""
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
    """Run the bot, check it, or upload a build."""


@app.command()
def run() -> None:
    """Run the bot. Stop it with Ctrl-C or SIGTERM."""
    run_command.run()


def _set_up_logs(level: str, style: str) -> None:
    from bot.observability.logging import set_up_logs  # noqa: PLC0415 - the liveness server opens before any of it is needed

    set_up_logs(level, style)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object. Asks nothing.")] = False,
    register_webhook: Annotated[
        bool, typer.Option("--register-webhook", help="Register the webhook in Applivery without asking.")
    ] = False,
    blocks: Annotated[
        bool,
        typer.Option("--blocks", help="Ask Slack whether it accepts every message and view. Posts nothing."),
    ] = False,
    tenant: Annotated[
        str | None,
        typer.Option("--tenant", help="Check the hosts of this Applivery tenant, not of APPLIVERY_TENANT."),
    ] = None,
) -> None:
    """Check the settings and everything they connect to.

    Shows a fix for each problem, and what to do next.
    """
    from bot.doctor.runner import examine  # noqa: PLC0415 - other words do not need the whole bot
    from bot.doctor.slack import BLOCKS  # noqa: PLC0415

    def ask(question: str) -> bool:
        if as_json or not sys.stdin.isatty():
            return False
        try:
            return typer.confirm(question, err=True)
        except typer.Abort:  # Ctrl-C or Ctrl-D means no; the report is still printed
            return False

    def consent(question: str) -> bool:
        return register_webhook or ask(question)

    _set_up_logs("CRITICAL", "console")  # the report includes what libraries would warn about
    settings: bot_settings.Settings | InvalidSettings
    try:
        instead = {} if tenant is None else {"applivery_tenant": tenant}
        settings = bot_settings.read(
            **instead
        )  # here, since the event loop handles no signals while a file is being opened
    except InvalidSettings as fault:
        settings = fault
        _offer_env_file(ask)
    report = shutdown.until_done(examine(settings, consent, also=(BLOCKS,) if blocks else ()))
    typer.echo(report.json() if as_json else report.text())
    raise typer.Exit(DONE if report.fine else FAILED)


def _offer_env_file(ask: Callable[[str], bool]) -> None:
    from bot.cli import env_file  # noqa: PLC0415 - for the first start only

    try:
        if env_file.offer(ask):
            typer.echo("Created .env. Only you can read it.", err=True)
    except OSError as error:
        typer.echo(f"Can't create .env: {error.strerror}.", err=True)


@app.command()
def manifest(
    organization: Annotated[
        bool, typer.Option("--organization", help="For Enterprise Grid: installed once for the whole organisation.")
    ] = False,
    http: Annotated[bool, typer.Option("--http", help="For HTTP mode, while SLACK_SIGNING_SECRET is empty.")] = False,
) -> None:
    """Print the Slack app manifest for these settings."""
    import yaml  # noqa: PLC0415 - nothing else needs it

    settings = bot_settings.read_slack_app()
    text = slack_manifest(
        command=settings.slack_command,
        public_url=settings.public_url,
        socket_mode=settings.socket_mode and not http,
        shortcuts=_registry().shortcuts(),
        name=settings.slack_app_name,
        organization=organization,
        unfurl_domains=link_places(
            tenant=settings.applivery_tenant,
            dashboard=settings.applivery_dashboard_url,
            organization=settings.applivery_organization,
            public_url=settings.public_url,
        ).domains(),
    )
    typer.echo(yaml.safe_dump(text, sort_keys=False, allow_unicode=standard_streams.unicode(), width=1000), nl=False)


@app.command()
def commands(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False) -> None:
    """List what users can type in Slack, with the role each needs."""
    from bot.dispatch.arguments import syntax  # noqa: PLC0415

    registry = _registry()
    first = [name for _, name in registry.menu()]
    entries = sorted(
        registry.commands(), key=lambda entry: first.index(entry.name) if entry.name in first else len(first)
    )
    rows = [
        {"name": entry.name, "syntax": syntax(entry), "role": entry.required_role.word, "summary": entry.summary}
        for entry in entries
    ]
    lines = (f"{row['name']} {row['syntax']}".rstrip() + f" ({row['role']}): {row['summary']}" for row in rows)
    typer.echo(json.dumps(rows, indent=2) if as_json else "\n".join(lines))


def _registry() -> HandlerRegistry:
    import bot.commands as package  # noqa: PLC0415 - every handler with all that it imports
    from bot.dispatch.registry import HandlerRegistry  # noqa: PLC0415

    return HandlerRegistry.scan(package)


@app.command()
def migrate() -> None:
    """Update the database and exit. `run` does this too."""
    from bot.db import database as db_database  # noqa: PLC0415

    settings = bot_settings.read()
    _set_up_logs(settings.log_level, settings.log_format)
    db_database.migrate(settings.database_url, replicas=settings.replicas)
    typer.echo("The database is up to date.")


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="Where to write it; an earlier backup is replaced.")]) -> None:
    """Write a checked backup of the database, while the bot runs."""
    from bot.db.backup import back_up  # noqa: PLC0415

    made = back_up(bot_settings.read_database().database_url, file)
    typer.echo(f"Wrote {made.file} ({size(made.size)}, version {made.version}).")


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="A file that `backup` made.")]) -> None:
    """Replace the database with a backup. Stop the bot first."""
    from bot.db import backup as backups  # noqa: PLC0415

    made = backups.restore(bot_settings.read_database().database_url, file)
    typer.echo(f"Restored {made.file} ({size(made.size)}, version {made.version}). Start the bot now.")


@app.command("copy-database")
def copy_database(
    source: Annotated[str, typer.Argument(metavar="FROM", help="The database to copy, written like DATABASE_URL.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="An empty database; a SQLite file is created.")],
) -> None:
    """Copy everything to another database, for example from SQLite to PostgreSQL. Stop the bot first.

    Other users can see the arguments of a process. Put a password into PGPASSWORD or ~/.pgpass.
    """
    from bot.db.copy_database import copy_database as copy  # noqa: PLC0415

    counts = shutdown.until_done(copy(source, target))
    typer.echo(f"Copied {sum(counts.values())} rows in {len(counts)} tables. Set DATABASE_URL to the new one now.")


app.command()(upload)
app.command()(attach)

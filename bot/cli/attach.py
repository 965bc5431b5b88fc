"""`attach`: a file from this machine to a processed build."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

BuildName = Annotated[
    str, typer.Argument(metavar="BUILD", help="Build id, latest, version or #number.", show_default=False)
]
File = Annotated[Path, typer.Argument(help="The file to attach.", show_default=False)]
AppName = Annotated[
    str | None, typer.Option("--app", help="The app. Needs a Service Account token.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def attach(build: BuildName, file: File, app: AppName = None, as_json: AsJson = False) -> None:
    """Attach a file to a processed build.

    Uses the same tokens as `upload`.
    """
    # imported here, since it loads the network libraries, which other commands need later or never
    from bot.cli.attach_command import AttachCommand  # noqa: PLC0415
    from bot.cli.output import ended  # noqa: PLC0415
    from bot.cli.upload_options import whole  # noqa: PLC0415

    given = whole({"build": build, "app": app})
    raise typer.Exit(ended(AttachCommand(given["build"], file, given["app"]).begun, as_json=as_json))

"""`upload`: a build from this machine to Applivery; with --wait until it is processed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli import options

LONGEST_WAIT = 10_080  # minutes: a week

File = Annotated[
    Path, typer.Argument(help="The build file: .ipa .apk .aab .dmg .pkg .exe .msi .msix .appx .nsp .zip …")
]
AppName = Annotated[
    str | None, typer.Option("--app", help="The app. Needs a Service Account token.", show_default=False)
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until the build is processed.")]
Minutes = Annotated[
    float, typer.Option("--timeout", help="Minutes to wait at most.", callback=options.up_to(LONGEST_WAIT))
]
Every = Annotated[float, typer.Option("--every", help="Seconds between status checks.", callback=options.up_to(3600))]
Channel = Annotated[
    str | None,
    typer.Option("--announce", help="Post a card in this Slack channel when the build is ready.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def upload(
    file: File,
    *,
    app: AppName = None,
    version_name: options.VersionName = None,
    tags: options.Tags = None,
    changelog: options.Changelog = None,
    changelog_file: options.ChangelogFile = None,
    notify_collaborators: options.Collaborators = False,
    notify_employees: options.Employees = False,
    notify_message: options.MailText = None,
    notify_language: options.Language = None,
    groups: options.Groups = None,
    build_platform: options.Platform = None,
    package_name: options.PackageName = None,
    package_version: options.PackageVersion = None,
    package_icon: options.PackageIcon = None,
    deployer_name: options.DeployerName = None,
    commit: options.Commit = None,
    commit_message: options.CommitMessage = None,
    branch: options.Branch = None,
    git_tag: options.GitTag = None,
    triggered: options.Triggered = None,
    build_url: options.BuildUrl = None,
    ci_url: options.CiUrl = None,
    repository_url: options.RepositoryUrl = None,
    build_number: options.BuildNumber = None,
    announce: Channel = None,
    wait: Wait = False,
    timeout: Minutes = 30.0,
    every: Every = 5.0,
    as_json: AsJson = False,
) -> None:
    """Upload a build to Applivery.

    With APPLIVERY_TOKEN and APPLIVERY_ORGANIZATION, add --app. With APPLIVERY_APP_TOKEN, leave it out. No email is sent
    unless you ask for it.
    """
    given = dict(locals())  # all options by name
    # imported here, since it loads the network libraries, which other commands need later or never
    from bot.cli.output import ended  # noqa: PLC0415
    from bot.cli.upload_command import UploadCommand  # noqa: PLC0415
    from bot.cli.upload_options import UploadOptions, whole  # noqa: PLC0415

    given = whole(given)
    wait = wait or announce is not None
    order = UploadCommand(
        file, given["app"], UploadOptions(given), given["announce"], wait=wait, patience=timeout * 60, every=every
    )
    raise typer.Exit(ended(order.begun, as_json=as_json))

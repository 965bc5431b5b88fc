"""The options of an upload on the shell, each with its words for `--help`; light, since every start reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer


def _option(*names: str, says: str, least: int | None = None, most: int | None = None) -> Any:
    return typer.Option(*names, help=says, show_default=False, min=least, max=most)


def up_to(most: float) -> Callable[[float], float]:
    """Return a check for a number above 0 and up to `most`; what is no number (`nan`) is neither."""

    def checked(value: float) -> float:
        if not 0 < value <= most:
            raise typer.BadParameter(f"{value:g} is not above 0 and up to {most:g}.")
        return value

    return checked


VersionName = Annotated[str | None, _option("--version-name", says="Label of the version.")]
Tags = Annotated[list[str] | None, _option("--tag", says="A tag; may be given often.")]
Changelog = Annotated[str | None, _option("--changelog", says="What is new, as plain text.")]
ChangelogFile = Annotated[Path | None, _option("--changelog-file", says="A file with what is new.")]

Collaborators = Annotated[bool, _option("--notify-collaborators", says="Mail the collaborators.")]
Employees = Annotated[bool, _option("--notify-employees", says="Mail the store's employees.")]
MailText = Annotated[str | None, _option("--notify-message", says="Text of the mail.")]
Language = Annotated[str | None, _option("--notify-language", says="Its language: es en fr ge it zh pt ru.")]
Groups = Annotated[
    str | None,
    _option("--filter", says="Only employees of these groups: g1,g2|g3 is (g1 and g2) or g3."),
]

Platform = Annotated[
    str | None, _option("--build-platform", says="One of ios macos android ps4 ps5 switch xbox-one xbox-series.")
]
PackageName = Annotated[str | None, _option("--package-name", says="The app's identifier.")]
PackageVersion = Annotated[str | None, _option("--package-version", says="The build's version.")]
PackageIcon = Annotated[Path | None, _option("--package-icon", says="A PNG or JPEG file.")]

DeployerName = Annotated[str | None, _option("--deployer-name", says="Name of the CI system.")]
Commit = Annotated[str | None, _option("--commit", says="The commit's hash.")]
CommitMessage = Annotated[str | None, _option("--commit-message", says="Its message.")]
Branch = Annotated[str | None, _option("--branch", says="The branch.")]
GitTag = Annotated[str | None, _option("--git-tag", says="The Git tag.")]
Triggered = Annotated[
    int | None,
    _option("--trigger-timestamp", says="When it was triggered, in ms since 1970.", least=0, most=10**15),
]
BuildUrl = Annotated[str | None, _option("--build-url", says="The CI run.")]
CiUrl = Annotated[str | None, _option("--ci-url", says="The CI system.")]
RepositoryUrl = Annotated[str | None, _option("--repository-url", says="The repository.")]
BuildNumber = Annotated[str | None, _option("--build-number", says="The CI system's number.")]

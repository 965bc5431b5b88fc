"""The options of `upload` with their help texts; imports little, since every start loads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer


def _option(*names: str, says: str, least: int | None = None, most: int | None = None) -> Any:
    return typer.Option(*names, help=says, show_default=False, min=least, max=most)


def up_to(most: float) -> Callable[[float], float]:
    """Return a check for a number above 0 and up to `most`; `nan` is refused."""

    def checked(value: float) -> float:
        if not 0 < value <= most:
            raise typer.BadParameter(f"{value:g} isn't between 0 and {most:g}.")
        return value

    return checked


VersionName = Annotated[str | None, _option("--version-name", says="Name of the version.")]
Tags = Annotated[list[str] | None, _option("--tag", says="A tag. Repeat for more.")]
Changelog = Annotated[str | None, _option("--changelog", says="Changelog, as plain text.")]
ChangelogFile = Annotated[Path | None, _option("--changelog-file", says="Changelog from a UTF-8 file.")]

Collaborators = Annotated[bool, _option("--notify-collaborators", says="Email the app's collaborators.")]
Employees = Annotated[bool, _option("--notify-employees", says="Email the store's employees.")]
MailText = Annotated[str | None, _option("--notify-message", says="Text of the email.")]
Language = Annotated[str | None, _option("--notify-language", says="Language of the email: es en fr ge it zh pt ru.")]
Groups = Annotated[
    str | None,
    _option("--filter", says="Email only these groups: g1,g2|g3 means (g1 and g2) or g3."),
]

Platform = Annotated[
    str | None, _option("--build-platform", says="Platform: ios macos android ps4 ps5 switch xbox-one xbox-series.")
]
PackageName = Annotated[
    str | None, _option("--package-name", says="App identifier, for files that Applivery can't read.")
]
PackageVersion = Annotated[str | None, _option("--package-version", says="Build version, for the same files.")]
PackageIcon = Annotated[Path | None, _option("--package-icon", says="Icon, a PNG or JPEG file.")]

DeployerName = Annotated[str | None, _option("--deployer-name", says="Name of the CI system.")]
Commit = Annotated[str | None, _option("--commit", says="The commit's hash.")]
CommitMessage = Annotated[str | None, _option("--commit-message", says="The commit's message.")]
Branch = Annotated[str | None, _option("--branch", says="The branch.")]
GitTag = Annotated[str | None, _option("--git-tag", says="The Git tag.")]
Triggered = Annotated[
    int | None,
    _option("--trigger-timestamp", says="Start of the CI run, in ms since 1970.", least=0, most=10**15),
]
BuildUrl = Annotated[str | None, _option("--build-url", says="Address of the CI run.")]
CiUrl = Annotated[str | None, _option("--ci-url", says="Address of the CI system.")]
RepositoryUrl = Annotated[str | None, _option("--repository-url", says="Address of the repository.")]
BuildNumber = Annotated[str | None, _option("--build-number", says="Build number in CI.")]

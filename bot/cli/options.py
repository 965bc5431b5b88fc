"""What can be said of an upload on the shell: the options, and what they come to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.applivery.multipart import Small
from bot.domain import deployers, uploads
from bot.domain.uploads import Deployer, Details
from bot.errors import BadInput

LARGEST_ICON = 5 * 1024 * 1024  # bytes; ours, since the vendor names none
_PICTURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


def _option(*names: str, says: str) -> Any:
    return typer.Option(*names, help=says, show_default=False)


VersionName = Annotated[str | None, _option("--version-name", says="Label of the version.")]
Tags = Annotated[list[str] | None, _option("--tag", says="A tag; may be given often.")]
Changelog = Annotated[str | None, _option("--changelog", says="What is new, as plain text.")]
ChangelogFile = Annotated[Path | None, _option("--changelog-file", says="A file with what is new.")]

Collaborators = Annotated[bool, _option("--notify-collaborators", says="Mail the collaborators.")]
Employees = Annotated[bool, _option("--notify-employees", says="Mail the store's employees.")]
MailText = Annotated[str | None, _option("--notify-message", says="Text of the mail.")]
Language = Annotated[str | None, _option("--notify-language", says=f"Its language: {' '.join(uploads.LANGUAGES)}.")]
Groups = Annotated[
    str | None,
    _option("--filter", says="Only employees of these groups: g1,g2|g3 is (g1 and g2) or g3."),
]

Platform = Annotated[str | None, _option("--build-platform", says=f"One of {' '.join(uploads.PLATFORMS)}.")]
PackageName = Annotated[str | None, _option("--package-name", says="The app's identifier.")]
PackageVersion = Annotated[str | None, _option("--package-version", says="The build's version.")]
PackageIcon = Annotated[Path | None, _option("--package-icon", says="A PNG or JPEG file.")]

DeployerName = Annotated[str | None, _option("--deployer-name", says="Name of the CI system.")]
Commit = Annotated[str | None, _option("--commit", says="The commit's hash.")]
CommitMessage = Annotated[str | None, _option("--commit-message", says="Its message.")]
Branch = Annotated[str | None, _option("--branch", says="The branch.")]
GitTag = Annotated[str | None, _option("--git-tag", says="The Git tag.")]
Triggered = Annotated[int | None, _option("--trigger-timestamp", says="When it was triggered, in ms since 1970.")]
BuildUrl = Annotated[str | None, _option("--build-url", says="The CI run.")]
CiUrl = Annotated[str | None, _option("--ci-url", says="The CI system.")]
RepositoryUrl = Annotated[str | None, _option("--repository-url", says="The repository.")]
BuildNumber = Annotated[str | None, _option("--build-number", says="The CI system's number.")]


@dataclass(frozen=True, slots=True)
class Typed:
    """The options as they were typed, by the names of the function that takes them."""

    given: Mapping[str, Any]

    def details(self, environment: Mapping[str, str]) -> Details:
        """What is said of the build: the options, and of its origin what the environment knows. Raises BadInput."""
        given = self.given
        return Details(
            version_name=given["version_name"],
            tags=uploads.tags(given["tags"] or ()),
            changelog=self._changelog(),
            notify_collaborators=given["notify_collaborators"],
            notify_employees=given["notify_employees"],
            notify_message=given["notify_message"],
            notify_language=given["notify_language"],
            groups=uploads.groups(given["groups"] or ""),
            deployer=self._deployer(environment),
            platform=given["build_platform"],
            package_name=given["package_name"],
            package_version=given["package_version"],
        )

    def icon(self) -> Small | None:
        """The picture of a custom package. Raises BadInput when it is none."""
        path: Path | None = self.given["package_icon"]
        if path is None:
            return None
        content = _read(path, LARGEST_ICON)
        kind = next((kind for start, kind in _PICTURES.items() if content.startswith(start)), None)
        if kind is None:
            raise BadInput(f"“{path}” is no PNG and no JPEG.", "Applivery takes these two for --package-icon.")
        return Small(path.name, kind, content)

    def _changelog(self) -> str | None:
        text, path = self.given["changelog"], self.given["changelog_file"]
        if text is not None and path is not None:
            raise BadInput("--changelog and --changelog-file were both given.", "Give one of them.")
        if path is None:
            return text  # type: ignore[no-any-return]
        try:
            return _read(path, 1024 * 1024).decode("utf-8-sig").strip() or None
        except UnicodeDecodeError:
            raise BadInput(f"“{path}” is not UTF-8 text.", "Save the changelog as UTF-8.") from None

    def _deployer(self, environment: Mapping[str, str]) -> Deployer:
        known = deployers.deployer(environment, _event(environment))
        mine = {one.name: self.given[one.name] for one in fields(Deployer) if one.name in self.given}
        mine |= {"name": self.given["deployer_name"], "tag": self.given["git_tag"]}
        return replace(known, **{name: value for name, value in mine.items() if value is not None})


def _event(environment: Mapping[str, str]) -> Mapping[str, Any]:
    """What GitHub Actions says of the run; nothing when it says nothing that can be read."""
    path = environment.get("GITHUB_EVENT_PATH")
    try:
        found = json.loads(Path(path).read_bytes()) if path else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _read(path: Path, most: int) -> bytes:
    try:
        if path.stat().st_size > most:
            raise BadInput(f"“{path}” is larger than {most // 1024 // 1024} MB.", "Check that it is the right file.")
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"“{path}” cannot be read: {error.strerror}.", "Check the path.") from None

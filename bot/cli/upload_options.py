"""Convert the options of `upload` to metadata, icon and deployer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bot.applivery.local_file import shown
from bot.applivery.multipart import SmallFile
from bot.domain import ci_metadata, uploads
from bot.domain.uploads import CiMetadata, UploadMetadata
from bot.exceptions import UserInputError
from bot.i18n import english

LARGEST_ICON = 5 * 1024 * 1024  # bytes; our own limit, since the vendor documents none
_PICTURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


def whole(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return an argument with U+FFFD for each byte that is not UTF-8, since lone surrogates can't be encoded."""
    return {name: _whole(value) for name, value in given.items()}


def _whole(value: Any) -> Any:
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(value, str) else value


class UploadOptions(Struct, frozen=True):
    """The typed options by parameter name."""

    given: Mapping[str, Any]

    def details(self, environment: Mapping[str, str]) -> UploadMetadata:
        """Return the metadata of the build: from the options, and its source from the environment.

        Raises UserInputError.
        """
        given = self.given
        return UploadMetadata(
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

    def icon(self) -> SmallFile | None:
        """Return the icon of a custom package. Raises UserInputError if it is not an image."""
        path: Path | None = self.given["package_icon"]
        if path is None:
            return None
        content = _read(path, LARGEST_ICON)
        kind = next((kind for start, kind in _PICTURES.items() if content.startswith(start)), None)
        if kind is None:
            raise UserInputError(
                english(f"“{shown(path)}” isn't a PNG or JPEG."),
                english("Use one of these for --package-icon."),
            )
        return SmallFile(shown(Path(path.name)), kind, content)

    def _changelog(self) -> str | None:
        text, path = self.given["changelog"], self.given["changelog_file"]
        if text is not None and path is not None:
            raise UserInputError(
                english("--changelog and --changelog-file exclude each other."), english("Leave one out.")
            )
        if path is None:
            return text  # type: ignore[no-any-return]
        try:
            return _read(path, 1024 * 1024).decode("utf-8-sig").strip() or None
        except UnicodeDecodeError:
            raise UserInputError(
                english(f"“{shown(path)}” isn't UTF-8 text."), english("Save the changelog as UTF-8.")
            ) from None

    def _deployer(self, environment: Mapping[str, str]) -> CiMetadata:
        known = ci_metadata.deployer(environment, _event(environment))
        mine = {name: self.given[name] for name in CiMetadata.__struct_fields__ if name in self.given}
        mine |= {"name": self.given["deployer_name"], "tag": self.given["git_tag"]}
        return replace(known, **{name: value for name, value in mine.items() if value is not None})


def _event(environment: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the event of the GitHub Actions run; empty if there is none, or it can't be parsed."""
    path = environment.get("GITHUB_EVENT_PATH")
    try:
        found = json.loads(Path(path).read_bytes()) if path else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)  # limited, since a device has no end
    except OSError as error:
        raise UserInputError(
            english(f"Can't read “{shown(path)}”: {error.strerror}."), english("Check the path.")
        ) from None
    if len(content) > most:
        raise UserInputError(
            english(f"“{shown(path)}” is larger than {most // 1024 // 1024} MB."),
            english("Check the path."),
        )
    return content

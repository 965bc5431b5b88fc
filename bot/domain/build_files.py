"""The files Applivery accepts as a build, and the checks before an upload."""

from __future__ import annotations

from bot.exceptions import UnsupportedFile
from bot.i18n import Number, Text

# https://docs.applivery.com/en/app-distribution/api/builds/upload-build
EXTENSIONS = (
    "ipa",
    "apk",
    "aab",
    "dmg",
    "pkg",
    "exe",
    "msi",
    "msix",
    "msixbundle",
    "appx",
    "appxbundle",
    "nsp",
    "zip",
    "tar.gz",
)
# The platform of these types of file; for others it is unknown.
_PLATFORMS = {
    "ipa": "ios",
    "apk": "android",
    "aab": "android",
    "dmg": "macos",
    "pkg": "macos",
    "exe": "windows",
    "msi": "windows",
    "msix": "windows",
    "msixbundle": "windows",
    "appx": "windows",
    "appxbundle": "windows",
}
LARGEST = 4 * 1024**3  # bytes; the documentation says "up to 4GB", without saying which unit

_ZIPPED = frozenset({"ipa", "apk", "aab", "msix", "msixbundle", "appx", "appxbundle", "zip"})
_ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_TEXT_MARKS = (b"<!doctype", b"<html", b"<?xml", b"version https://git-lfs")


def extension(name: str) -> str | None:
    """Return the documented extension a file name ends with, or None."""
    lowered = name.lower()
    return next(
        (
            extension
            for extension in EXTENSIONS
            if lowered.endswith(f".{extension}") and len(lowered) > len(extension) + 1
        ),
        None,
    )


def platform_of(extension: str | None) -> str | None:
    """Return the platform for builds with this extension; None if it is ambiguous."""
    return _PLATFORMS.get(extension or "")


def check(name: str, size: int) -> None:
    """Raise UnsupportedFile for a file that cannot be a build: of another type, empty, or too large."""
    if extension(name) is None:
        kinds = " ".join(f".{each_extension}" for each_extension in EXTENSIONS)
        raise UnsupportedFile(
            Text("Applivery can't use “{file}” as a build.", file=_short(name)),
            Text("Supported files: {kinds}.", kinds=kinds),
        )
    check_size(name, size)


def check_size(name: str, size: int) -> None:
    """Raise UnsupportedFile if a file is empty or larger than Applivery accepts."""
    if size <= 0:
        raise UnsupportedFile(
            Text("“{file}” is empty.", file=_short(name)), Text("Export or save it again, then try with the new file.")
        )
    if size > LARGEST:
        raise UnsupportedFile(
            Text(
                "“{file}” is {size} GB. Applivery accepts up to 4 GB.",
                file=_short(name),
                size=Number(round(size / 1e9, 1)),
            ),
            Text("Upload a smaller file."),
        )


def check_start(name: str, start: bytes) -> None:
    """Raise UnsupportedFile if the first bytes of a file contradict its extension."""
    if start[:64].lstrip().lower().startswith(_TEXT_MARKS):
        raise UnsupportedFile(
            Text("“{file}” contains text, not a build.", file=_short(name)),
            Text("It may be an error page or a Git LFS pointer saved as the build."),
        )
    if extension(name) in _ZIPPED and not start.startswith(_ZIP_MARKS):
        raise UnsupportedFile(
            Text("“{file}” isn't a valid .{kind} file.", file=_short(name), kind=extension(name)),
            Text("Check that it's complete and wasn't renamed."),
        )


def _short(name: str) -> str:
    return name if len(name) <= 80 else f"{name[:79]}…"

"""Labels of builds, and the builds that typed labels refer to; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from msgspec import Struct

from bot.domain import platforms
from bot.domain.model import Build
from bot.domain.spelling import WAYS, bare, fold, peeled, starts
from bot.i18n import LANGUAGES, Localized, _, gettext_noop
from bot.i18n.verbatim import verbatim

_NUMBERED = frozenset({"build", "number", "no", "nº", "num", "número", "compilación", "versión", "version", "#"})
_NEWEST = frozenset({"latest", "newest", "newer", "last", "última", "último", "ultima", "ultimo", "reciente"})
_FILLERS = _NEWEST | {
    "for",
    "on",
    "in",
    "of",
    "from",
    "the",
    "a",
    "an",
    "my",
    "me",
    "please",
    "app",
    "most",
    "recent",
    "new",
}
_FILLERS |= {"para", "en", "de", "del", "la", "el", "un", "una", "mi", "por", "favor", "·", "-"}
_NO_VERSION = (gettext_noop("no version"), gettext_noop("without a version"))
# The states that can follow a build's label.
_STATES = (
    gettext_noop("{build} is ready"),
    gettext_noop("{build} was uploaded"),
    gettext_noop("{build} is being processed"),
    gettext_noop("{build} failed to process"),
    gettext_noop("{build} was recalled"),
    gettext_noop("{build} was superseded by {newer}"),
    gettext_noop("{build} was deleted in Applivery"),
    gettext_noop("⛔ {build} recalled: {reason}"),
    gettext_noop("⛔ {build} deleted in Applivery"),
)
_ID = re.compile(r"[0-9a-fA-F]{24}")
_AROUND = "()[],;:.!?*_~`\"'"
_ENDS = ("·", ":", ",", "—", "(")


def label(build: Build, language: str | None = None) -> str:
    """Return a build's short name for lists and buttons: `2.4.0 (173) iOS · release/2.4`."""
    name = short(build, language)
    return f"{name} · {build.origin.branch}" if build.origin.branch else name


def short(build: Build, language: str | None = None) -> str:
    """Return the label without the branch: `2.4.0 (173) iOS`."""
    return f"{_numbered(build, language)} {platform(build)}".strip()


@dataclass(frozen=True, slots=True)
class BuildLabel(Localized):
    """The label of a build, rendered in the reader's language; `with_app` prefixes the name of its app."""

    build: Build
    with_app: bool = False

    def render(self, language: str | None = None) -> str:
        """Return the label, marked as text from outside."""
        name = label(self.build, language)
        return verbatim(f"{self.build.app.name} {name}" if self.with_app else name)

    __str__ = Localized.__str__


def platform(build: Build) -> str:
    """Return the platform's proper name."""
    return platforms.name(build.platform)


def _numbered(build: Build, language: str | None) -> str:
    number = f" ({build.number})" if build.number else ""
    return f"{build.version or _('no version', language)}{number}"


def _spellings(build: Build) -> Iterator[str]:
    """Return all labels of a build, without its app."""
    on = platform(build)
    versions = (
        [build.version] if build.version else [_(name, language) for name in _NO_VERSION for language in LANGUAGES]
    )
    numbered = [f"{version} ({build.number})" for version in versions] if build.number else []
    yield from (label(build, language) for language in (LANGUAGES if not build.version else LANGUAGES[:1]))
    for name in (*numbered, *versions):
        yield name
        if on:
            yield from (f"{name} {on}", f"{name} · {on}", f"{on} {name}")
            yield from (_("{build} for {platform}", language, build=name, platform=on) for language in LANGUAGES)
        if build.origin.branch:
            yield f"{name} · {build.origin.branch}"
    if build.number and on:
        yield f"{on} ({build.number})"


def named(typed: str, builds: Sequence[Build]) -> list[Build]:
    """Return the builds with exactly this label; a state after it is ignored."""
    for way in WAYS:
        shown = [(build, {way(name) for name in _spellings(build)}) for build in builds]
        for words, rest in (*starts(typed), *starts(peeled(typed)), *starts(bare(typed))):
            if _is_told(rest) and (found_builds := [build for build, names in shown if way(words) in names]):
                return found_builds
    return []


def _is_told(rest: str) -> bool:
    """Return whether these words after a build's label are its state."""
    words = fold(rest)
    nothing = {"build": "", "newer": "", "reason": ""}
    states = [fold(_(state, language, **nothing).removeprefix("⛔ ")) for state in _STATES for language in LANGUAGES]
    return not words or words.startswith((*_ENDS, *states))


def leading(typed: str, builds: Sequence[Build]) -> tuple[str, str]:
    """Return the label of one of these builds at the beginning of a text, and the words after it."""
    names = {fold(name) for build in builds for name in _spellings(build)}
    return next(((words, rest) for words, rest in starts(typed) if fold(words) in names), ("", typed))


def split(typed: str, builds: Sequence[Build]) -> tuple[str, str]:
    """Split a text into the words that name a build and those after it: `("2.4.0 (173) iOS", "crash on login")`."""
    shown = leading(typed, builds)
    if shown[0]:
        return shown
    for words, rest in starts(typed):
        if _ID.fullmatch(words) or ((reading := read(words)) and not reading.filler):
            return words, rest
    return "", typed


# ------------------------------------------------------------------ parts of a name


class BuildQuery(Struct, frozen=True):
    """A typed description of a build: version, number, platform, any of them; `filler`: it has other words too."""

    version: str = ""
    number: str = ""
    platform: str = ""
    filler: bool = False

    @property
    def newest(self) -> bool:
        """Whether it describes the newest build (of a platform)."""
        return not self.version and not self.number


NO_READING = BuildQuery()


def read(typed: str) -> BuildQuery | None:
    """Parse words that describe a build: `android 2.4`, `build 173`, `2.4.0 (173)`; None if they don't."""
    found: dict[str, str] = {}
    numbered = filler = False
    for token in fold(typed).split():
        word = token.strip(_AROUND).lstrip("#")
        part = _part(token, word, numbered=numbered)
        numbered = word in _NUMBERED
        if part in found or part is None:
            return None
        if part:
            found[part] = platforms.meant(word) or word if part == "platform" else word
        else:
            filler = True
    return BuildQuery(**found, filler=filler) if found else None


def is_filler(word: str) -> bool:
    """Return whether a word does not help to find the build, or only says that it is the newest."""
    return bare(word) in _FILLERS or bare(word) in _NUMBERED


def says_newest(words: Iterable[str]) -> bool:
    """Return whether one of the words asks for the newest build."""
    return any(bare(word) in _NEWEST for word in words)


def _part(token: str, word: str, *, numbered: bool) -> str | None:
    """Return the part of a build's name that a word is: empty for a filler, None for an unknown word."""
    if platforms.meant(word):
        return "platform"
    if word in _FILLERS or word in _NUMBERED or not word:
        return ""
    if numbered or token.startswith(("#", "(")):
        return "number"
    return "version" if re.search(r"\d", word) else None


def fitting(reading: BuildQuery, builds: Sequence[Build]) -> list[Build]:
    """Return the matching builds; a version may be a prefix, and a number may lack its `#`."""
    on = [build for build in builds if not reading.platform or fold(build.platform) == reading.platform]
    if reading.number:
        on = [build for build in on if reading.number in (fold(build.number), _version(build.version))]
    if not reading.version:
        return on
    wanted = _version(reading.version)
    exact = [build for build in on if _version(build.version) == wanted]
    exact = exact or [build for build in on if not reading.number and fold(build.number) == reading.version]
    return exact or [build for build in on if _version(build.version).startswith(f"{wanted}.")]


def _version(version: str) -> str:
    return fold(version).removeprefix("v")


def exactly(reading: BuildQuery, builds: Iterable[Build]) -> list[Build]:
    """Return the builds that match with exactly this version; none if no version was typed."""
    return [
        build for build in fitting(reading, list(builds)) if reading.version and fold(build.version) == reading.version
    ]

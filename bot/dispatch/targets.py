"""Types of arguments that are parsed from typed words: builds, apps by name, filters, free text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Annotated, NewType

from bot.dispatch.context import CommandContext
from bot.domain import build_labels
from bot.domain.grammar import NO_WORDS, KeyValue, ParsedText
from bot.domain.lookup import BUILD_ID, LATEST, AmbiguousInput, Prefer
from bot.domain.model import App
from bot.services.app_directory import ResolvedBuild

Filters = Annotated[ParsedText, "os", "branch", "tag", "version", "by"]
Rest = NewType("Rest", str)  # all remaining plain words as one text
AppName = NewType("AppName", str)  # an app's id, or the typed name


@dataclass(frozen=True, slots=True)
class BuildReference:
    """A reference to a build: an app with a version, `#number` or nothing (the latest), or a bare build id.

    `latest` alone means the latest build of the only app. `rest` are the other typed words, if known.
    """

    app: App | None
    which: str | None = None
    rest: ParsedText | None = field(default=None, compare=False)

    async def resolve(
        self, call: CommandContext, filters: ParsedText = NO_WORDS, *, prefer: Prefer | None = None
    ) -> ResolvedBuild:
        """Return the one matching build; of several, one that `prefer` accepts, or else that is available.

        Raises AmbiguousInput, NotFoundByName or the error of Applivery's response.
        """
        catalogue = call.services.apps
        if self.app is None and BUILD_ID.fullmatch(self.which or ""):
            found = await catalogue.build_by_id(str(self.which).lower(), tuple(await call.apps()))
            return ResolvedBuild(found)
        app = await self.resolve_app(call)
        target, filters = self.split_platform(filters)
        recalled = await call.services.recalls.all()
        with attach_rest(self.rest):
            return await catalogue.build(app, target.which or LATEST, filters, recalled=recalled.keys(), prefer=prefer)

    async def resolve_app(self, call: CommandContext) -> App:
        """Return the named app, or the only one. Raises AmbiguousInput to let the user choose."""
        which = tuple((self.which or "").split())
        left = None if self.rest is None and not which else ParsedText(which, self.rest.options if self.rest else ())
        with attach_rest(left):
            return await call.only_app(self.app)

    def split_platform(self, filters: ParsedText) -> tuple[BuildReference, ParsedText]:
        """Return the reference with a platform (`ios`) moved to the filters."""
        reading = build_labels.read(self.which or "")
        if reading is None or not reading.newest:
            return self, filters
        target = replace(self, which=None)
        return target, replace(filters, options=(*filters.options, KeyValue("os", reading.platform)))


@contextmanager
def attach_rest(words: ParsedText | None) -> Iterator[None]:
    """Add the other typed words to an AmbiguousInput error raised in the context."""
    try:
        yield
    except AmbiguousInput as error:
        error.left = words if error.left is None else error.left
        raise

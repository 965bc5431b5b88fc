"""The kinds of arguments that are read from what was typed: builds, apps by name, filters, the rest of a text."""

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
Rest = NewType("Rest", str)  # all the plain words that are left, as one text
AppName = NewType("AppName", str)  # an app by its id, or what else was typed for one


@dataclass(frozen=True, slots=True)
class BuildReference:
    """The named build: an app with a version, `#number` or nothing (the latest), or a bare build id.

    `latest` alone is the latest of the only app there is. `rest` is what else was typed, when that is known.
    """

    app: App | None
    which: str | None = None
    rest: ParsedText | None = field(default=None, compare=False)

    async def resolve(
        self, call: CommandContext, filters: ParsedText = NO_WORDS, *, prefer: Prefer | None = None
    ) -> ResolvedBuild:
        """Return the one build that is meant: of several those that `prefer` accepts, or else those that are available.

        Raises AmbiguousInput, NotFoundByName or the error of Applivery's answer.
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
        """Return the app that was named, or the only one there is. Raises AmbiguousInput to let the person choose."""
        which = tuple((self.which or "").split())
        left = None if self.rest is None and not which else ParsedText(which, self.rest.options if self.rest else ())
        with attach_rest(left):
            return await call.only_app(self.app)

    def split_platform(self, filters: ParsedText) -> tuple[BuildReference, ParsedText]:
        """Return the same with a mere platform, `ios`, as the filter it is."""
        reading = build_labels.read(self.which or "")
        if reading is None or not reading.newest:
            return self, filters
        target = replace(self, which=None)
        return target, replace(filters, options=(*filters.options, KeyValue("os", reading.platform)))


@contextmanager
def attach_rest(words: ParsedText | None) -> Iterator[None]:
    """Tell who has to choose between several what else was typed."""
    try:
        yield
    except AmbiguousInput as error:
        error.left = words if error.left is None else error.left
        raise

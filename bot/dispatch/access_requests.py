"""What a person was refused for want of a role, kept so that they can ask the admins for it: by number, unforgeable."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import get_args

from bot.db import access_requests
from bot.db import subscriptions as stored_subscriptions
from bot.dispatch.registry import BuildReference, HandlerKind, Services
from bot.dispatch.requests import RequestSource
from bot.domain import grammar
from bot.domain.model import App, Role
from bot.exceptions import AppliveryError, BotError, PermissionDenied, kind_of
from bot.observability.causes import cause
from bot.observability.logging import logger

log = logger(__name__)

LOOK_SECONDS = 2.0  # a refusal does not wait longer for the apps
RUN = "run.v1"  # the button that carries a command as it was typed


class AccessRequestRecorder:
    """Writes refusals down: the role, the app and the command that it was about, and the channel."""

    def __init__(self, house: Services) -> None:
        self._house = house

    async def note(
        self, source: RequestSource, error: PermissionDenied, asked: tuple[str, str] | None, form: Mapping[str, str]
    ) -> int | None:
        """The number by which the person may ask for the role they lack; None when there is nothing to ask for.

        `asked` is the action and the value of a button that asks the same again, `form` what was filled in.
        """
        role = Role.named(error.missing or "")
        if role is None:
            return None
        try:
            if await self._house.people.outsider(source.user_id):
                return None  # they can be given no more than they have, or an app they may not know of
            app_id = error.app_id or (await self._about(asked, form) if error.somewhere else None)
            team = await self._house.people.workspace()
            command = _command(asked, form)
            return await self._house.store.run(
                access_requests.record_refusal, team, source.user_id, role, app_id, command, source.channel_id
            )
        except BotError as problem:  # the refusal itself is said all the same
            log.info("refused.not_noted", problem=kind_of(problem), cause=cause(problem))
            return None

    async def _about(self, asked: tuple[str, str] | None, form: Mapping[str, str]) -> str | None:
        """The app that was meant, when a refusal came before anybody looked: as named, or the only one there is."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                apps = await self._house.catalogue.apps()
        except (AppliveryError, TimeoutError):
            return None
        for named in _names(asked, form):
            if (found := _of(apps, named)) is not None:
                return found
            if found := await self._of_subscription(named):
                return found
        return apps[0].id if len(apps) == 1 and self._takes_an_app(asked) else None

    async def _of_subscription(self, value: str) -> str | None:
        channel_id, _, number = value.rpartition("/")
        if not channel_id or not number.isdecimal() or len(number) > 18:
            return None
        subscriptions = await self._house.store.run(stored_subscriptions.list_subscriptions, channel_id)
        return next((subscription.app_id for subscription in subscriptions if subscription.id == int(number)), None)

    def _takes_an_app(self, asked: tuple[str, str] | None) -> bool:
        """Whether the command is about an app also when none is named."""
        verb = asked[1].partition(" ")[0] if asked and asked[0] == RUN else ""
        entry = self._house.registry.get(HandlerKind.COMMAND, verb)
        kinds = (
            {kind for parameter in entry.parameters for kind in (parameter.kind, *get_args(parameter.kind))}
            if entry
            else set()
        )
        return not kinds.isdisjoint({App, BuildReference}) or verb == "subscribe"


def _names(asked: tuple[str, str] | None, form: Mapping[str, str]) -> Iterator[str]:
    """What may name the app, the likeliest first."""
    yield from (value for key, value in form.items() if key.endswith(".app"))
    if asked is None:
        return
    if asked[0] == RUN:
        words = grammar.parse(asked[1])
        yield from words.values("app")
        yield from words.plain[1:2]
        return
    yield asked[1]
    yield asked[1].partition("/")[0]
    yield asked[1].partition(" ")[0]


def _of(apps: Iterable[App], named: str) -> str | None:
    wanted = named.strip().casefold()
    found = [app.id for app in apps if wanted in (app.id.casefold(), app.slug.casefold(), app.name.casefold())]
    return found[0] if len(found) == 1 else None


def _command(asked: tuple[str, str] | None, form: Mapping[str, str]) -> str:
    """What they did, as a command."""
    if asked and asked[0] == RUN:
        return asked[1]
    if asked:
        return asked[0].partition(".")[0]
    return next((key.partition(".")[0] for key in form), "")

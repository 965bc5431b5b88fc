"""Cards below Applivery links that users paste, and their details."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from bot.applivery.client import AppliveryClient
from bot.db import idempotency
from bot.db import tickets as stored_tickets
from bot.db.database import Database
from bot.domain import access, lookup, pasted_links, tickets
from bot.domain.grammar import KeyValue, ParsedText
from bot.domain.model import Actor, App, Build, Recall, Role, Stage
from bot.domain.outcomes import LinkOutcome
from bot.domain.pasted_links import DetailsRequest, LinkPlaces, PastedLink, SharedLinks
from bot.exceptions import (
    BotError,
    ChannelUnavailable,
    FeatureOff,
    NotFound,
    PermissionDenied,
    PermissionUnverified,
    UserInputError,
    kind_of,
)
from bot.i18n import use_locale
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.observability.metrics import Metrics
from bot.services.access import AccessResolver
from bot.services.app_directory import AppDirectory
from bot.services.channels import ChannelService, require_sharing_known
from bot.services.news import NewsService
from bot.services.recalls import RecallService
from bot.slack.button_values import BuildValue
from bot.slack.client import SlackClient
from bot.slack.views import link_previews

if TYPE_CHECKING:
    from slack_sdk.models.metadata import EntityMetadata

    from bot.slack.blocks import Message

log = logger(__name__)

AGAIN_SECONDS = 1800.0  # minimum between two cards of a build in a channel


class _NotShown(Exception):
    """The reason why a link gets no card."""

    def __init__(self, outcome: LinkOutcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class _Preview(NamedTuple):
    """A link and its build, which its channel may see."""

    url: str
    build: Build
    recall: Recall | None
    is_personal: bool


class LinkPreviews:
    """Shows cards for pasted links if all readers of the channel may see the app, else nothing.

    A card has the same requirements as sharing a build: the user who pasted the link may use the app in this channel,
    the channel is not shared with another organisation, and the bot may post there.
    """

    def __init__(
        self,
        *,
        store: Database,
        applivery: AppliveryClient,
        apps: AppDirectory,
        people: AccessResolver,
        channels: ChannelService,
        recalls: RecallService,
        news: NewsService,
        slack_client: SlackClient,
        metrics: Metrics,
        places: LinkPlaces,
        organization: str,
        dashboard: Callable[[Build], str],
        language: str,
    ) -> None:
        """`organization` is the workspace as in the settings; `language` is that of channels."""
        self._store = store
        self._applivery = applivery
        self._apps = apps
        self._people = people
        self._channels = channels
        self._recalls = recalls
        self._news = news
        self._slack_client = slack_client
        self._metrics = metrics
        self._places = places
        self._organization = organization.casefold()
        self._own_names: set[str] = set()  # the id and the slug of the workspace, once known
        self._dashboard = dashboard
        self._language = language

    async def explain(self, shared: SharedLinks) -> LinkOutcome:
        """Show cards below the links of a message that its channel may see; never raises.

        URLs are not logged, as they may contain a secret.
        """
        return await self._counted(self._explain(shared), channel=shared.channel_id)

    async def open(self, asked: DetailsRequest) -> LinkOutcome:
        """Show a user the details of a card, or why they may not see them; never raises."""
        with use_locale(await self._people.language(asked.user_id)):
            return await self._counted(self._open(asked), channel=asked.channel_id)

    async def name_build(self, url: str) -> tuple[str, str, str]:
        """Return the app, build and platform that a URL of this workspace contains; empty for missing parts.

        The URL of a publication does not contain its app's name.
        """
        link = pasted_links.read(url, self._places)
        if link is None or link.ticket or not await self._is_ours(link.workspace):
            return "", "", ""
        return "" if link.is_store else link.app, link.build_id, link.platform

    async def _counted(self, work: Awaitable[LinkOutcome], channel: str | None) -> LinkOutcome:
        try:
            outcome = await work
        except _NotShown as silent:
            outcome = silent.outcome
        except BotError as problem:
            outcome = LinkOutcome.FAILED
            log.info("links.failed", problem=kind_of(problem), cause=cause(problem))
        except Exception as error:  # no user waits for the result
            outcome = LinkOutcome.FAILED
            log.exception("links.error", error=kind_of(error))
        log.info("links.done", outcome=outcome, channel=channel)
        self._metrics.links.labels(outcome).inc()
        return outcome

    # ------------------------------------------------------------------ cards

    async def _explain(self, shared: SharedLinks) -> LinkOutcome:
        links = self._recognized(shared)
        actor = await self._actor(shared)
        await self._require_place(shared.channel_id)
        found: list[_Preview] = []
        reason = LinkOutcome.GONE
        for url, link in links.items():
            try:
                found.append(await self._preview(actor, url, link))
            except _NotShown as silent:
                reason = silent.outcome
            except BotError as problem:  # of one link; other links still get their cards
                reason = LinkOutcome.FAILED
                log.info("links.failed", problem=kind_of(problem), cause=cause(problem))
        fresh = found if shared.is_refresh else [each for each in found if await self._is_first(shared, each.build)]
        if not fresh:
            raise _NotShown(LinkOutcome.RECENT if found else reason)
        try:
            await self._show(shared, fresh)
        except BotError as error:
            for each in fresh:
                await self._store.run(idempotency.release_once, _key(shared, each.build))
            if isinstance(error, FeatureOff):
                raise _NotShown(LinkOutcome.OFF) from error
            raise
        return LinkOutcome.EXPLAINED

    def _recognized(self, shared: SharedLinks) -> dict[str, PastedLink]:
        """Return the links to an app or a build, by URL."""
        if shared.is_draft:
            raise _NotShown(LinkOutcome.DRAFT)
        if len(shared.urls) > pasted_links.MOST_LINKS:
            raise _NotShown(LinkOutcome.MANY)
        read = {url: pasted_links.read(url, self._places) for url in shared.urls}
        links = {url: link for url, link in read.items() if link is not None}
        if not links:
            raise _NotShown(LinkOutcome.UNRECOGNIZED)
        if shared.is_outside:
            raise _NotShown(LinkOutcome.CHANNEL)
        return links

    async def _actor(self, shared: SharedLinks) -> Actor:
        """Return the user who pasted the links. Raises for another app's bot and a user without access to any app."""
        if not shared.user_id:
            raise _NotShown(LinkOutcome.DENIED)
        try:
            return await self._people.resolve_actor(shared.user_id, shared.channel_id)
        except PermissionUnverified:
            raise
        except PermissionDenied as error:
            raise _NotShown(LinkOutcome.DENIED) from error

    async def _require_place(self, channel_id: str) -> None:
        """Raise for a channel without any cards: the bot may not post there, or it is shared."""
        try:
            channel = await self._channels.look_up(channel_id)
        except ChannelUnavailable as error:
            raise _NotShown(LinkOutcome.CHANNEL) from error
        require_sharing_known(channel)
        if channel.is_shared or channel.is_archived or channel.is_member is False:
            raise _NotShown(LinkOutcome.CHANNEL)

    async def _preview(self, actor: Actor, url: str, link: PastedLink) -> _Preview:
        try:
            build = await self._build(actor, link)
        except (NotFound, UserInputError) as error:
            raise _NotShown(LinkOutcome.GONE) from error
        if build.stage is Stage.DELETED:
            raise _NotShown(LinkOutcome.GONE)
        return _Preview(url, build, await self._recalls.of(build.id), is_personal=bool(link.ticket))

    async def _build(self, actor: Actor, link: PastedLink) -> Build:
        """Return the build of a link, of an app that the actor may use in this channel."""
        if link.ticket:
            return await self._of_ticket(actor, link.ticket)
        if not await self._is_ours(link.workspace):
            raise _NotShown(LinkOutcome.UNRECOGNIZED)
        app = await self._app(link.app, may_be_new=not link.is_store)
        if app is not None:
            await self._authorize(actor, app)
        if link.build_id:
            return await self._by_id(actor, link, app)
        if app is None:
            raise _NotShown(LinkOutcome.GONE)
        return await self._newest(app, link.platform)

    async def _by_id(self, actor: Actor, link: PastedLink, app: App | None) -> Build:
        """Return a build by id; if the link has a publication's name, any app may have it."""
        if app is not None:
            try:
                return await self._apps.build_by_id(link.build_id, (app,))
            except NotFound:
                if not link.is_store:
                    raise
        if not link.is_store:
            raise _NotShown(LinkOutcome.GONE)
        lists = await self._channels.app_lists()
        mine = [
            each
            for each in await self._apps.apps()
            if access.may(actor, Role.MEMBER, each, lists.get(each.id, frozenset()))
        ]
        if not mine:
            raise _NotShown(LinkOutcome.DENIED)
        return await self._apps.build_by_id(link.build_id, tuple(mine))

    async def _of_ticket(self, actor: Actor, ticket: str) -> Build:
        """Return the build of a claim page. The ticket is not spent, and its owner not shown."""
        found = await self._store.run(stored_tickets.get_ticket, tickets.fingerprint(ticket))
        app = await self._app(found.app_id) if found else None
        if found is None or app is None:
            raise _NotShown(LinkOutcome.GONE)
        await self._authorize(actor, app)
        return await self._apps.build_by_id(found.build_id, (app,))

    async def _newest(self, app: App, platform: str) -> Build:
        """Return the newest build that can be downloaded, else the newest."""
        filters = ParsedText((), (KeyValue("os", platform),)) if platform else ParsedText((), ())
        try:
            return (await self._apps.build(app, lookup.LATEST, filters, recalled=await self._recalls.all())).build
        except lookup.NoReadyBuild as nothing:
            return nothing.newest

    async def _app(self, named: str, *, may_be_new: bool = True) -> App | None:
        """Return the app with exactly this slug or id; `may_be_new`: refresh a list that lacks it."""
        wanted = named.casefold()
        for fresh in (False, True)[: 1 + may_be_new]:
            for each in await self._apps.apps(fresh=fresh):
                if wanted in (each.slug.casefold(), each.id.casefold()):
                    return each
        return None

    async def _authorize(self, actor: Actor, app: App) -> None:
        lists = await self._channels.app_lists()
        if not access.may(actor, Role.MEMBER, app, lists.get(app.id, frozenset())):
            raise _NotShown(LinkOutcome.DENIED)

    async def _is_ours(self, workspace: str) -> bool:
        """Return whether a URL is of this workspace, by slug or id, whichever the settings have.

        URLs of a tenant's store contain no workspace.
        """
        named = workspace.casefold()
        if named in ("", self._organization):
            return True
        if not (lookup.BUILD_ID.fullmatch(named) or lookup.BUILD_ID.fullmatch(self._organization)):
            return False
        if not self._own_names:
            names = [{each.id.casefold(), each.slug.casefold()} for each in await self._applivery.workspaces()]
            self._own_names = next((known for known in names if self._organization in known), set())
        return named in self._own_names

    async def _is_first(self, shared: SharedLinks, build: Build) -> bool:
        """Return whether the channel has had no card of this build for half an hour, by any replica."""
        return await self._store.run(idempotency.acquire_once, _key(shared, build), AGAIN_SECONDS)

    async def _show(self, shared: SharedLinks, previews: list[_Preview]) -> None:
        with use_locale(self._language):
            cards: Mapping[str, Message] = {
                url: link_previews.card(build, recall, self._dashboard(build), is_personal=is_personal)
                for url, build, recall, is_personal in previews
            }
            entities: list[EntityMetadata] = [
                link_previews.entity(build, recall, url, self._dashboard(build))
                for url, build, recall, is_personal in previews
                if not is_personal
            ]
        await self._slack_client.unfurl(shared.channel_id, shared.ts, cards, entities)

    # ------------------------------------------------------------------ details

    async def _open(self, asked: DetailsRequest) -> LinkOutcome:
        """Authorise the reader as `get` does, then show the build's state and what is new since theirs."""
        try:
            actor = await self._people.resolve_requester(asked.user_id, asked.channel_id)
            build = await self._asked_for(actor, asked)
            recalls = await self._recalls.all()
            missed = await self._news.since_theirs(actor.user_id, build)
        except (_NotShown, NotFound):
            await self._slack_client.present_details(asked.trigger_id, None, link_previews.gone())
            return LinkOutcome.GONE
        except PermissionDenied as error:
            await self._slack_client.present_details(asked.trigger_id, None, link_previews.refusal(error))
            return LinkOutcome.DENIED
        except BotError as error:
            await self._slack_client.present_details(asked.trigger_id, None, link_previews.refusal(error))
            raise
        shown = link_previews.details(build, recalls.get(build.id), recalls, missed, self._dashboard(build))
        await self._slack_client.present_details(asked.trigger_id, shown)
        return LinkOutcome.OPENED

    async def _asked_for(self, actor: Actor, asked: DetailsRequest) -> Build:
        """Return the build of a card, by the reference in the card or, outside of messages, by its URL."""
        value = BuildValue.parse(asked.build)
        link = None if value.is_complete else pasted_links.read(asked.url, self._places)
        named, build_id = (value.app_id, value.build_id) if link is None else (link.app, link.build_id)
        app = await self._app(named) if named else None
        if app is None or not build_id or (actor.outsider and app.id not in actor.app_roles):
            raise _NotShown(LinkOutcome.GONE)  # for an outsider, all other apps must seem not to exist
        lists = await self._channels.app_lists()
        access.require_for(actor, Role.MEMBER, app, lists.get(app.id, frozenset()))
        return await self._apps.build_by_id(build_id, (app,))


def _key(shared: SharedLinks, build: Build) -> str:
    return f"link {shared.channel_id} {build.id}"

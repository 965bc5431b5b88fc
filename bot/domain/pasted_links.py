"""Parse pasted links to Applivery and to the claim page: find the app or build that each one names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from msgspec import Struct

from bot.domain.tickets import is_ticket

MOST_LINKS = 2  # per message; with more links no card is shown
MOST_DOMAINS = 5  # https://docs.slack.dev/messaging/unfurling-links-in-messages#configuring_domains
LONGEST = 3000  # characters of an address; longer ones are ignored
_HEX_ID = re.compile(r"[0-9a-fA-F]{24}")
_SLUG = re.compile(r"[\w.~-]{1,128}")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# Names of credentials in a query. A link with one is never previewed.
_SECRET = re.compile(r"token|signature|secret|password|credential|api.?key", re.IGNORECASE)
_DOWNLOAD = re.compile(r"/v\d+/download(/|$)")
# Applivery's hosts that are not stores of workspaces, `{workspace}.applivery.io`.
_NO_WORKSPACES = frozenset(
    {"api", "app", "dashboard", "docs", "download", "download-api", "sdk-api", "status", "store", "upload", "www"}
)
# Filters of a list of builds, which do not name a single build.
_FILTERS = frozenset({"tags", "tag", "git_branch", "gitbranch", "branch", "git_tag", "status"})


@dataclass(frozen=True, slots=True)
class PastedLink:
    """The target of a pasted link.

    `workspace` is a slug or an id, empty if the address has none; `app` is the slug or id of an app, or the slug of a
    publication (`is_store`). `build_id` is empty for the newest build, `platform` for any platform. `ticket` is the
    secret of a claim page, whose build is in the database.
    """

    workspace: str = ""
    app: str = ""
    build_id: str = ""
    platform: str = ""
    is_store: bool = False
    ticket: str = field(default="", repr=False)


class LinkPlaces(Struct, frozen=True):
    """The hosts of links that the bot previews, in lower case.

    `stores` are those of a tenant, whose addresses contain no workspace; `store_bases` have a store for each workspace,
    `{workspace}.{base}`. `public` and `public_path` are the bot's own address, before `/b/{ticket}`. `workspace` is the
    slug of the workspace, empty if the settings contain its id.
    """

    dashboards: tuple[str, ...]
    stores: tuple[str, ...] = ()
    store_bases: tuple[str, ...] = ()
    workspace: str = ""
    public: str = ""
    public_path: str = ""

    def domains(self) -> list[str]:
        """Return the domains that the Slack app has to list to get events for these links, at most five.

        Slack matches their subdomains too, but no IP addresses and no names without a dot.
        https://docs.slack.dev/messaging/unfurling-links-in-messages
        """
        own = [f"{self.workspace.casefold()}.{base}" for base in self.store_bases if self.workspace]
        named = dict.fromkeys((*self.dashboards, *self.stores, *own, self.public))
        return [name for name in named if _is_domain(name)][:MOST_DOMAINS]


@dataclass(frozen=True, slots=True)
class SharedLinks:
    """The links in a message; addresses may contain a secret, so they are never printed.

    `is_draft`: the message is not sent yet, and its channel is unknown. `is_refresh`: a user wants to refresh an
    existing card. `is_outside`: the bot is not in the channel.
    """

    user_id: str
    channel_id: str
    ts: str
    urls: tuple[str, ...] = field(repr=False)
    is_draft: bool = False
    is_refresh: bool = False
    is_outside: bool = False


@dataclass(frozen=True, slots=True)
class DetailsRequest:
    """A request for a card's details; `channel_id` is None outside of a message. `build` is `{app id}/{build id}`."""

    user_id: str
    channel_id: str | None
    trigger_id: str
    build: str
    url: str = field(repr=False)


def read(url: str, places: LinkPlaces) -> PastedLink | None:
    """Return the target of an address; None if it names no app of Applivery, or contains a credential.

    Slack may escape `&` as `&amp;`, as in messages.
    """
    parts = _split(url.replace("&amp;", "&"))
    if parts is None or parts.scheme not in ("http", "https") or "@" in parts.netloc or _has_secret(parts):
        return None
    host = (parts.hostname or "").casefold().rstrip(".")
    path = [unquote(part) for part in parts.path.split("/") if part]
    readers = (_claim, _dashboard, _store)
    return next(filter(None, (reader(host, path, parts, places) for reader in readers)), None)


def _split(url: str) -> SplitResult | None:
    if len(url) > LONGEST or not url.isprintable():
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _has_secret(parts: SplitResult) -> bool:
    """Return whether an address contains a credential, by the names in its query and fragment, or is a download."""
    named = [name for text in (parts.query, parts.fragment) for name, _ in parse_qsl(text, keep_blank_values=True)]
    return any(map(_SECRET.search, named)) or _DOWNLOAD.search(parts.path) is not None


def _claim(host: str, path: list[str], parts: SplitResult, places: LinkPlaces) -> PastedLink | None:
    before, _, ticket = parts.path.rstrip("/").rpartition("/b/")
    if not places.public or host != places.public or before != places.public_path or not is_ticket(ticket):
        return None
    return PastedLink(ticket=ticket)


def _dashboard(host: str, path: list[str], parts: SplitResult, places: LinkPlaces) -> PastedLink | None:
    if host not in places.dashboards or path[1:2] != ["apps"] or not path[2:]:
        return None
    query, below = _query(parts), path[3:]
    if below[:1] not in ([], ["builds"]) or len(below) > len(("builds", "id")):
        return None
    build_id = below[1] if below[1:] else query.get("id", "")
    if not _are_names(path[0], path[2]) or (build_id and not _HEX_ID.fullmatch(build_id)):
        return None
    if not build_id and not _FILTERS.isdisjoint(query):
        return None
    return PastedLink(path[0], path[2], build_id, query.get("os", ""))


def _store(host: str, path: list[str], parts: SplitResult, places: LinkPlaces) -> PastedLink | None:
    workspace = next(_workspaces_of(host, places), None)
    if workspace is None or len(path) != 1 or not _are_names(path[0]):
        return None
    query = _query(parts)
    build_id = query.get("build", "")
    if build_id and not _HEX_ID.fullmatch(build_id):
        return None
    return PastedLink(workspace, path[0], build_id, query.get("os", ""), is_store=True)


def _workspaces_of(host: str, places: LinkPlaces) -> Iterator[str]:
    """Yield the workspace of the store at a host; empty for a tenant's store."""
    if host in places.stores:
        yield ""
    for base in places.store_bases:
        label, dot, rest = host.partition(".")
        if dot and rest == base and label not in _NO_WORKSPACES:
            yield label


def _query(parts: SplitResult) -> dict[str, str]:
    """Return the query by lower-case name, with the first value of a repeated name."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(parts.query):
        found.setdefault(name.casefold(), value.strip())
    return found


def _are_names(*parts: str) -> bool:
    return all(map(_SLUG.fullmatch, parts))


def _is_domain(name: str) -> bool:
    labels = name.split(".")
    return len(labels) > 1 and all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit() and len(name) <= 255

"""Facts to test with: apps, builds, subscriptions, and text as the outside may send it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from bot.domain import filters, grammar
from bot.domain.filters import DEFAULT_EVENTS
from bot.domain.model import (
    App,
    Attachment,
    Build,
    BuildSource,
    Download,
    InstallRequirements,
    Member,
    MemberDownloads,
    Stage,
    Subscription,
)
from bot.domain.text_limits import TextTooLong

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
COURIER = App("a" * 24, "courier", "Courier", ("ios", "android"))
RIDER = App("b" * 24, "rider", "Rider", ("ios",))


def build(nth: int = 1, *, app: App = COURIER, stage: Stage = Stage.READY, **more: Any) -> Build:
    """A build whose id, version and number follow from `nth`."""
    said: dict[str, Any] = {"id": f"{nth:024x}", "version": f"1.{nth}.0", "number": str(nth), "platform": "ios"}
    return Build(app=app, stage=stage, **{**said, "created_at": NOON, **more})


FULL = build(
    173,
    version="2.4.0",
    size=48_200_000,
    tags=("nightly", "v2.4"),
    origin=BuildSource(branch="release/2.4", tag="v2.4", commit="0123456789abcdef", commit_message="Fix login\n\nLong"),
    uploader="Ana Pérez",
    changelog="Fixed <b>login</b>\n\n* and *more*",
)


def subscription(nth: int = 1, **more: Any) -> Subscription:
    """A subscription of #releases to Courier."""
    said: dict[str, Any] = {
        "team_id": "T1",
        "channel_id": "C1",
        "app_id": COURIER.id,
        "app_name": COURIER.name,
        "events": DEFAULT_EVENTS,
        "query": "",
        "created_by": "U0ANA",
        "created_at": NOON,
    }
    return Subscription(nth, **{**said, **more})


# ------------------------------------------------------------------ text from outside

TRAPS = (
    "<!channel>",
    "<!here|here>",
    "<!everyone>",
    "<@U0ANA>",
    "<!subteam^S1>",
    "<https://evil.test|Install>",
    "&lt;!channel&gt;",
    "&amp;lt;",
    "@channel",
    "*_~`",
    "```",
    "&",
    "<",
    ">",
    "|",
    "\x00",
    "\x1b[31m",
    "\x85",
    "\r\n",
    "\u2028",
    "\ud800",
    "\u202e",
    "\u2066",
    "مرحبا",
    "שלום",
    "👩‍👩‍👧‍👦",
    "👍🏽",
    "🇪🇸",
    "é",
    "각",
    "\u200b",
    '"',
    "“",
    "„",
    "»",
    "\\",
    ":",
    "//",
    "-tag:",
    "os:ios",
)
# What a person types or a CI sends, short or long, with everything in it that means something to Slack or to us.
texts = st.one_of(
    st.text(max_size=40),
    st.lists(st.one_of(st.sampled_from(TRAPS), st.text(max_size=8)), max_size=12).map("".join),
    st.builds(lambda piece, times: piece * times, st.sampled_from(TRAPS), st.sampled_from((50, 1000, 5000))),
)


def _is_storable(typed: str) -> bool:
    try:
        filters.query(grammar.parse(typed))
    except TextTooLong:
        return False
    return True


filter_texts = texts.filter(_is_storable)  # what a subscription can have as its filter: at most `filters.LONGEST`
moments = st.datetimes(
    datetime(1, 1, 3),  # noqa: DTZ001  hypothesis wants its bounds without a zone
    datetime(9999, 12, 29),  # noqa: DTZ001
    timezones=st.just(UTC),
)
ids = st.text("0123456789abcdef", min_size=24, max_size=24)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The value, or that Applivery said nothing."""
    return st.none() | strategy


apps = st.builds(App, id=ids, slug=texts, name=texts)
origins = st.builds(
    BuildSource,
    name=maybe(texts),
    branch=maybe(texts),
    tag=maybe(texts),
    commit=maybe(texts),
    commit_message=maybe(texts),
    number=maybe(texts),
    url=maybe(texts),
)
builds = st.builds(
    Build,
    id=ids,
    app=apps,
    stage=st.sampled_from(Stage),
    status=texts,
    version=texts,
    number=texts,
    platform=st.sampled_from(("ios", "android", "")) | texts,
    size=maybe(st.integers(0, 2**63 - 1)),
    tags=st.lists(texts, max_size=4).map(tuple),
    changelog=texts,
    origin=origins,
    uploader=maybe(texts),
    requirements=st.builds(
        InstallRequirements,
        min_os=maybe(texts),
        signing=maybe(texts),
        profile_expires_at=maybe(moments),
        all_devices=maybe(st.booleans()),
    ),
    attachments=st.lists(st.builds(Attachment, id=ids, name=texts, kind=maybe(texts)), max_size=2).map(tuple),
    extension=maybe(texts),
    disabled=st.booleans(),
    error=maybe(texts),
    error_code=maybe(texts),
    created_at=maybe(moments),
)
KINDS = ("user", "employee", "mdmUser", "otpUser", "unknown", "anonymous", "")
members = st.builds(Member, kind=st.sampled_from(KINDS) | texts, id=maybe(texts), email=maybe(texts), name=maybe(texts))
downloads = st.builds(
    Download, at=maybe(moments), version=maybe(texts), device=maybe(texts), os=maybe(texts), source=maybe(texts)
)
rows = st.builds(
    MemberDownloads,
    member=members,
    downloads=st.lists(downloads, max_size=3).map(tuple),
    total=maybe(st.integers(0, 10**6)),
)

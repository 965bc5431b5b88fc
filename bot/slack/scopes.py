"""Slack's scopes: why each is requested, what needs it, and what is off without it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from bot.exceptions import FeatureOff
from bot.i18n import gettext_noop

# Each scope with the reason for it; docs/reference/slack.md is generated from these (`make reference`).
SCOPES = {
    "commands": "run the slash command",
    "chat:write": "post cards in channels and answers in direct messages",
    "app_mentions:read": "answer `@Applivery get …`, also in threads, where slash commands don't work",
    "users:read": "recognize admins, guests and partners; use each user's time zone",
    "channels:read": "check whether it can post in a public channel",
    "groups:read": "check whether it can post in a private channel",
    "im:write": "open its DM with a user, to find or remove its message there",
    "files:read": "upload a file that a user posted or picked in a form",
    "files:write": "send reports and the audit log as CSV files, by DM",
    "usergroups:read": "read user groups, for roles and mentions",
    "users:read.email": "find who hasn't downloaded a build (`missing:@qa`), and whether one fits your phone",
    "channels:history": "find its own message after a crash, so that it isn't posted twice",
    "groups:history": "find its own message after a crash, in private channels",
    "im:history": "find its own message after a crash, in DMs; read what users type in its DM",
    "links:read": "see pasted links to Applivery and to the bot, and no others",
    "links:write": "show a build's card below a pasted link",
}


class Feature(NamedTuple):
    """A feature that an optional scope turns on: its name and uses for the admin, and the message while it is off."""

    name: str
    uses: str
    refusal: str  # a message id


_HISTORY = gettext_noop("I can't read message history: an admin can add the optional permission `{scope}`.")
_LINKS = gettext_noop("I can't show cards for links: an admin can add the optional permission `{scope}`.")
# A user may install the bot without any of these. https://docs.slack.dev/changelog/2026/03/16/optional-scopes
OPTIONAL = {
    "files:read": Feature(
        "files from Slack",
        "`upload`, `attach` and their shortcuts",
        gettext_noop("I can't read files in Slack: an admin can add the optional permission `{scope}`."),
    ),
    "files:write": Feature(
        "CSV files",
        "the *CSV* button of `downloads`, and `audit format:csv`",
        gettext_noop("I can't send files in Slack: an admin can add the optional permission `{scope}`."),
    ),
    "usergroups:read": Feature(
        "user groups",
        "grants to groups, `mention:` and `missing:@group`",
        gettext_noop("I can't read user groups: an admin can add the optional permission `{scope}`."),
    ),
    "users:read.email": Feature(
        "email addresses",
        "`missing:`, `person:@user`, and whether a link's build fits your phone: they need Applivery's download log",
        gettext_noop("I can't see email addresses in Slack: an admin can add the optional permission `{scope}`."),
    ),
    "channels:history": Feature("look-up in public channels", "a crash can, rarely, repeat an announcement", _HISTORY),
    "groups:history": Feature("look-up in private channels", "a crash can, rarely, repeat an announcement", _HISTORY),
    "im:history": Feature(
        "the bot's DM", "commands typed there aren't read, and a crash can, rarely, repeat a message", _HISTORY
    ),
    "links:read": Feature("cards for links", "pasted Applivery links show their build, with *Get build*", _LINKS),
    "links:write": Feature("cards for links", "pasted Applivery links show their build, with *Get build*", _LINKS),
}
REQUIRED = tuple(scope for scope in SCOPES if scope not in OPTIONAL)

# Every Web API method that the bot calls, with its scopes; one is enough, depending on the type of the channel.
# https://docs.slack.dev/reference/methods
METHODS: dict[str, tuple[str, ...]] = {
    "auth.teams.list": (),
    "auth.test": (),
    "apps.connections.open": (),  # the app token's own scope: connections:write
    "blocks.validate": (),
    "bots.info": ("users:read",),
    "chat.delete": ("chat:write",),
    "chat.getPermalink": (),
    "chat.postEphemeral": ("chat:write",),
    "chat.postMessage": ("chat:write",),
    "chat.unfurl": ("links:write",),
    "chat.update": ("chat:write",),
    "conversations.history": ("channels:history", "groups:history", "im:history"),
    "conversations.info": ("channels:read", "groups:read"),
    "conversations.members": ("channels:read", "groups:read"),
    "conversations.open": ("im:write",),
    "conversations.replies": ("channels:history", "groups:history", "im:history"),
    "entity.presentDetails": (),
    "files.completeUploadExternal": ("files:write",),
    "files.getUploadURLExternal": ("files:write",),
    "files.info": ("files:read",),
    "usergroups.list": ("usergroups:read",),
    "usergroups.users.list": ("usergroups:read",),
    "users.conversations": ("channels:read", "groups:read"),
    "users.info": ("users:read",),
    "users.list": ("users:read",),
    "users.lookupByEmail": ("users:read.email",),
    "views.open": (),
    "views.publish": (),
}
# The methods that an organisation's token may call only for one workspace, given by `team_id`: their pages say
# "required if org token is used". A workspace's token may pass it too.
# https://docs.slack.dev/enterprise/organization-ready-apps, https://docs.slack.dev/reference/methods/users.list,
# https://docs.slack.dev/reference/methods/usergroups.list
NAME_A_WORKSPACE = ("bots.info", "users.conversations", "usergroups.list", "usergroups.users.list", "users.list")


class Event(NamedTuple):
    """An event of Slack: what it is used for, and the scope that it requires."""

    reason: str
    scope: str = ""


# https://docs.slack.dev/reference/events
EVENTS = {
    "tokens_revoked": Event("the bot's token was revoked: it stops and says so"),
    "app_uninstalled": Event("the bot was uninstalled: it stops and says so"),
    "app_mention": Event("a user mentions the bot in a channel or thread", "app_mentions:read"),
    "message.im": Event("a user writes to the bot in its DM", "im:history"),
    "app_home_opened": Event("a user opens the Home tab"),
    "link_shared": Event("a user pastes a link to Applivery or to the claim page", "links:read"),
    "entity_details_requested": Event("a user opens the details of a build's card (Work Objects)"),
    "user_change": Event("a user became a guest or left", "users:read"),
    "team_join": Event("a user joined or came back", "users:read"),
    "subteam_members_changed": Event("the members of a user group changed, and so their roles", "usergroups:read"),
    "subteam_updated": Event("a user group was disabled or changed", "usergroups:read"),
    "subteam_created": Event("a user group is new", "usergroups:read"),
    "member_joined_channel": Event(
        "the bot was invited: it introduces itself once and posts what was held", "channels:read"
    ),
    "channel_archive": Event("a channel was archived: its subscriptions pause", "channels:read"),
    "channel_unarchive": Event("a channel is back: its subscriptions resume", "channels:read"),
    "channel_left": Event("the bot was removed: the channel's subscriptions pause", "channels:read"),
    "channel_rename": Event("a channel was renamed", "channels:read"),
    "channel_shared": Event(
        "a channel is shared with another organisation: its subscriptions pause, and their creator decides",
        "channels:read",
    ),
    "channel_unshared": Event("a channel is no longer shared: its subscriptions resume", "channels:read"),
    "channel_id_changed": Event(
        "a private channel got another ID: its subscriptions and cards move with it", "groups:read"
    ),
    "group_archive": Event("the same for private channels", "groups:read"),
    "group_unarchive": Event("the same for private channels", "groups:read"),
    "group_left": Event("the same for private channels", "groups:read"),
    "group_rename": Event("the same for private channels", "groups:read"),
}

# For an app that is installed for a whole organisation; Slack offers them to no other.
ORGANIZATION_EVENTS = {
    "team_access_granted": Event("the organisation added the app to a workspace"),
    "team_access_revoked": Event("the organisation removed it from a workspace: its subscriptions there pause"),
}


def feature_off(needed: Iterable[str]) -> FeatureOff | None:
    """Return the message to a user when one of these scopes is needed and missing; None if none is optional."""
    scope = next((scope for scope in needed if scope in OPTIONAL), None)
    return None if scope is None else FeatureOff(OPTIONAL[scope].refusal, scope)

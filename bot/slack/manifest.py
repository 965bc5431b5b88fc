"""The Slack app manifest for given settings: what Slack must know of this bot, with the smallest scopes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

# Each with the reason why it is asked for; docs/reference/slack.md is written from these two (`make reference`).
SCOPES = {
    "commands": "the slash command",
    "chat:write": "answers in direct messages, cards in channels it was invited to",
    "app_mentions:read": "answers `@Applivery get …` in threads, where slash commands do not work",
    "files:read": "reads a build that a user posted or picked in a form, for the upload they asked for",
    "files:write": "download reports and the audit trail as CSV files, in the direct messages of the user who asks",
    "usergroups:read": "roles of user groups, and when their members change; the group that a subscription mentions",
    "users:read": "tells guests, partners and admins apart, and hears when that changes; knows time zones",
    "users:read.email": "compares who downloaded a build with the members of a group or channel: `missing:@qa`",
    "channels:read": "knows whether it can post in a public channel, and hears when that changes",
    "groups:read": "the same for private channels it was invited to",
    "channels:history": "finds its own message again after a crash, so that it is not posted twice",
    "groups:history": "the same in private channels",
    "im:write": "opens its own direct messages with a user, to find its message there as well",
    "im:history": "the same in its own direct messages",
}

# Each with what it is for. https://docs.slack.dev/reference/events
EVENTS = {
    "app_mention": "a user asks in a thread",
    "app_home_opened": "a user opened its Home tab, which is rendered then",
    "user_change": "a user is a guest now, or has left: the cached record is dropped",
    "team_join": "a user is new, or back",
    "subteam_members_changed": "a user group, and so its roles, has other members",
    "subteam_updated": "a user group was disabled, or has other members",
    "member_joined_channel": "it was invited: it posts once what it can do, and what waits for that channel",
    "channel_archive": "a channel cannot be posted to any more",
    "channel_unarchive": "a channel is back, so what waits for it can be posted",
    "channel_left": "it was removed from a channel",
    "channel_rename": "a channel has another name",
    "group_archive": "the same for private channels",
    "group_unarchive": "the same for private channels",
    "group_left": "the same for private channels",
    "group_rename": "the same for private channels",
}


class MessageShortcut(NamedTuple):
    """An entry of a message's menu; `callback_id` is what Slack sends when it is chosen."""

    name: str
    callback_id: str
    description: str


def manifest(
    *, command: str, public_url: str | None, socket_mode: bool, shortcuts: Sequence[MessageShortcut]
) -> dict[str, Any]:
    """Return the manifest as Slack's "From a manifest" takes it. https://docs.slack.dev/reference/app-manifest

    In HTTP mode `public_url` is where Slack reaches `/slack/events`.
    """
    request_url = f"{(public_url or 'https://bot.example.com').rstrip('/')}/slack/events"
    address = {} if socket_mode else {"request_url": request_url}
    slash = {
        "command": command,
        "description": "Builds from Applivery: get, builds, status, upload, downloads, subscribe",
        "usage_hint": "get courier | builds courier | help",
        "should_escape": True,
        **({} if socket_mode else {"url": request_url}),
    }
    return {
        "display_information": {
            "name": "Applivery",
            "description": "Fresh private links to app builds, news of each build once, and who downloaded what",
            "background_color": "#1f2a44",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": "Applivery", "always_online": True},
            "slash_commands": [slash],
            "shortcuts": [{"type": "message", **shortcut._asdict()} for shortcut in shortcuts],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**address, "bot_events": list(EVENTS)},
            "interactivity": {
                "is_enabled": True,
                **address,
                **({} if socket_mode else {"message_menu_options_url": request_url}),
            },
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket_mode,
            "token_rotation_enabled": False,
        },
    }

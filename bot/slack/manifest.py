"""The Slack app manifest for given settings: what Slack must know of this bot, with the smallest scopes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

# Each with the reason why it is asked for; docs/reference/slack.md is written from these two (`make reference`).
SCOPES = {
    "commands": "run the slash command",
    "chat:write": "post cards in channels and answers in direct messages",
    "app_mentions:read": "answer `@Applivery get …` in threads, where slash commands don't work",
    "files:read": "upload a file that a user posted or picked in a form",
    "files:write": "send reports and the audit log as CSV files, by DM",
    "usergroups:read": "read user groups, for roles and mentions",
    "users:read": "recognize admins, guests and partners; use each user's time zone",
    "users:read.email": "find who hasn't downloaded a build yet: `missing:@qa`",
    "channels:read": "check whether it can post in a public channel",
    "groups:read": "check whether it can post in a private channel",
    "channels:history": "find its own message after a crash, so that it isn't posted twice",
    "groups:history": "find its own message after a crash, in private channels",
    "im:write": "open its DM with a user, to find its message there",
    "im:history": "find its own message after a crash, in DMs",
}

# Each with what it is for. https://docs.slack.dev/reference/events
EVENTS = {
    "app_mention": "a user mentions the bot in a thread",
    "app_home_opened": "a user opens the Home tab",
    "user_change": "a user became a guest or left",
    "team_join": "a user joined or came back",
    "subteam_members_changed": "the members of a user group changed, and so their roles",
    "subteam_updated": "a user group was disabled or changed",
    "member_joined_channel": "the bot was invited: it introduces itself once and posts what was held",
    "channel_archive": "a channel was archived: its subscriptions pause",
    "channel_unarchive": "a channel is back: its subscriptions resume",
    "channel_left": "the bot was removed: the channel's subscriptions pause",
    "channel_rename": "a channel was renamed",
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
        "description": "Get, announce and track Applivery builds",
        "usage_hint": "get courier | builds courier | help",
        "should_escape": True,
        **({} if socket_mode else {"url": request_url}),
    }
    return {
        "display_information": {
            "name": "Applivery",
            "description": "Private links to builds, announcements in channels, and download reports",
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

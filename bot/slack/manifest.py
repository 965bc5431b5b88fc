"""The Slack app manifest for given settings: what Slack must know of this bot, with the smallest scopes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from bot.slack.scopes import EVENTS, OPTIONAL, ORGANIZATION_EVENTS, SCOPES


class Shortcut(NamedTuple):
    """An entry of a message's menu or, when it `is_global`, of the menu of the message field and of Slack's search.

    `callback_id` is what Slack sends when it is chosen. https://docs.slack.dev/interactivity/implementing-shortcuts
    """

    name: str
    callback_id: str
    description: str
    is_global: bool = False

    def entry(self) -> dict[str, str]:
        """Return it as the manifest has it."""
        kind = "global" if self.is_global else "message"
        return {"type": kind, "name": self.name, "callback_id": self.callback_id, "description": self.description}


def manifest(
    *,
    command: str,
    public_url: str | None,
    socket_mode: bool,
    shortcuts: Sequence[Shortcut],
    name: str = "Applivery",
    organization: bool = False,
    unfurl_domains: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the manifest as Slack's "From a manifest" takes it. https://docs.slack.dev/reference/app-manifest

    In HTTP mode `public_url` is where Slack reaches `/slack/events`. `name` is the app's, in lists and in mentions.
    Slack wants each optional scope in both lists. Of links it reports those to
    `unfurl_domains`. For an `organization` it can be installed once for all of it, which Slack lets nobody undo:
    https://docs.slack.dev/enterprise/organization-ready-apps
    """
    events = [*EVENTS, *(ORGANIZATION_EVENTS if organization else ())]
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
            "name": name,
            "description": "Private links to builds, announcements in channels, and download reports",
            "background_color": "#1f2a44",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": name, "always_online": True},
            "slash_commands": [slash],
            "shortcuts": [shortcut.entry() for shortcut in shortcuts],
            **({"unfurl_domains": list(unfurl_domains)} if unfurl_domains else {}),
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES), "bot_optional": list(OPTIONAL)}},
        "settings": {
            "event_subscriptions": {**address, "bot_events": events},
            "interactivity": {
                "is_enabled": True,
                **address,
                **({} if socket_mode else {"message_menu_options_url": request_url}),
            },
            "org_deploy_enabled": organization,
            "socket_mode_enabled": socket_mode,
            "token_rotation_enabled": False,
        },
    }

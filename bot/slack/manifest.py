"""Build the Slack app manifest for the given settings, with the fewest scopes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from bot.slack.scopes import EVENTS, OPTIONAL, ORGANIZATION_EVENTS, SCOPES


class Shortcut(NamedTuple):
    """A message shortcut or, if `is_global`, a global one in the menu of the message field and in Slack's search.

    Slack sends its `callback_id` when it is chosen. https://docs.slack.dev/interactivity/implementing-shortcuts
    """

    name: str
    callback_id: str
    description: str
    is_global: bool = False

    def entry(self) -> dict[str, str]:
        """Return the shortcut as an entry of the manifest."""
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
    """Return the manifest for Slack's "From a manifest". https://docs.slack.dev/reference/app-manifest

    In HTTP mode Slack reaches `/slack/events` below `public_url`. `name` is the app's, in lists and in mentions.
    Slack requires each optional scope in both lists. It reports links to `unfurl_domains`. For an `organization` the
    app can be installed for all of its workspaces at once, which cannot be reverted:
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

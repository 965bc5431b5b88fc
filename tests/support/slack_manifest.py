"""Slack's app manifest as its published schema has it, versions 1 and 2: fields, kinds and limits; nothing else goes.

Written from https://docs.slack.dev/reference/app-manifest and https://github.com/slackapi/manifest-schema v0.5.0, which
is on no package registry. The two versions differ in functions, types and workflows alone, which an app of this kind
does not have: what is here is the same in both.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def _text(least: int, most: int, pattern: str | None = None) -> Any:
    return Annotated[str, Field(min_length=least, max_length=most, pattern=pattern)]


def _unique(items: list[str]) -> bool:
    return len(items) == len(set(items))


Url: Any = _text(1, 3500, "^https?://")
ScopeName = _text(1, 50, r"^[a-z_.]+(:[a-z_.]+)*$")
Scopes = Annotated[list[ScopeName], Field(max_length=255)]


class Metadata(Part):
    major_version: Literal[1, 2]
    minor_version: int | None = None


class DisplayInformation(Part):
    name: _text(1, 35)
    description: _text(1, 140) | None = None
    background_color: _text(4, 7, "^#[0-9a-fA-F]{3}([0-9a-fA-F]{3})?$") | None = None
    long_description: _text(175, 4000) | None = None


class AppHome(Part):
    home_tab_enabled: bool = False
    messages_tab_enabled: bool = False
    messages_tab_read_only_enabled: bool = False


class BotUser(Part):
    display_name: _text(1, 80)
    always_online: bool = False


class Shortcut(Part):
    name: _text(1, 24)
    type: Literal["message", "global"]
    callback_id: _text(1, 255)
    description: _text(1, 150)


class SlashCommand(Part):
    command: _text(2, 32, r"^/\S+$")
    url: _text(1, 3000, "^https?://") | None = None
    description: _text(1, 2000)
    usage_hint: _text(1, 1000) | None = None
    should_escape: bool = False


class Features(Part):
    app_home: AppHome | None = None
    bot_user: BotUser | None = None
    shortcuts: Annotated[list[Shortcut], Field(min_length=1, max_length=10)] | None = None
    slash_commands: Annotated[list[SlashCommand], Field(min_length=1, max_length=50)] | None = None
    unfurl_domains: Annotated[list[_text(1, 255)], Field(min_length=1, max_length=5)] | None = None


class OauthScopes(Part):
    bot: Scopes = []
    user: Scopes = []
    bot_optional: Scopes = []
    user_optional: Scopes = []

    @model_validator(mode="after")
    def _optional_ones_are_asked_for(self) -> OauthScopes:
        """Slack wants each optional scope among the requested ones too."""
        assert _unique(self.bot), "twice in bot"
        assert _unique(self.bot_optional), "twice in bot_optional"
        assert set(self.bot_optional) <= set(self.bot), "in bot_optional and not in bot"
        assert set(self.user_optional) <= set(self.user), "in user_optional and not in user"
        return self


class OauthConfig(Part):
    redirect_urls: Annotated[list[_text(1, 2500)], Field(max_length=1000)] = []
    scopes: OauthScopes | None = None
    token_management_enabled: bool = False


class EventSubscriptions(Part):
    request_url: Url | None = None
    bot_events: Annotated[list[_text(1, 50)], Field(max_length=100)] = []
    user_events: Annotated[list[_text(1, 50)], Field(max_length=100)] = []

    @model_validator(mode="after")
    def _each_once(self) -> EventSubscriptions:
        assert _unique(self.bot_events), "twice in bot_events"
        return self


class Interactivity(Part):
    is_enabled: bool
    request_url: Url | None = None
    message_menu_options_url: Url | None = None


class AppSettings(Part):
    event_subscriptions: EventSubscriptions | None = None
    interactivity: Interactivity | None = None
    org_deploy_enabled: bool = False
    socket_mode_enabled: bool = False
    token_rotation_enabled: bool = False


class Manifest(Part):
    metadata: Annotated[Metadata | None, Field(alias="_metadata")] = None
    display_information: DisplayInformation
    features: Features | None = None
    oauth_config: OauthConfig | None = None
    settings: AppSettings | None = None

    @model_validator(mode="after")
    def _has_an_address_without_sockets(self) -> Manifest:
        """Over HTTP, Slack has to know where each kind of request goes; over sockets an address would be unused."""
        settings, features = self.settings or AppSettings(), self.features or Features()
        events, buttons = settings.event_subscriptions, settings.interactivity
        addresses = [events and events.request_url, buttons and buttons.request_url]
        addresses += [command.url for command in features.slash_commands or ()]
        assert all((address is None) is settings.socket_mode_enabled for address in addresses), "addresses"
        return self


def check_manifest(manifest: dict[str, Any]) -> None:
    """Raise ValidationError, for each version, with what Slack would refuse."""
    for version in (None, 1, 2):
        Manifest.model_validate(manifest if version is None else {**manifest, "_metadata": {"major_version": version}})

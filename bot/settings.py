"""All settings: name, type, default and description; read once, in `cli/`, and passed on."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from bot.i18n import ENGLISH, LANGUAGES
from bot.setting_values import (
    HOST_AND_PORT,
    LABELS,
    POOLING,
    POSTGRESQL,
    TRANSACTION_POOLING,
    InvalidSettings,
    database_address,
    networks,
    split,
)

# of an app, https://docs.slack.dev/reference/app-manifest; its bot user with the same name may have 80
LONGEST_APP_NAME = 35


def _web_address(value: str) -> str:
    parts = split(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("isn't a web address with scheme and host")
    if set(value) & set("?#\\") or "@" in parts.netloc or not value.isprintable() or " " in value:
        raise ValueError("must have only scheme, host, port and path")
    if not HOST_AND_PORT.fullmatch(parts.netloc):
        raise ValueError("isn't a web address: its host isn't valid")
    return value.rstrip("/")


def _no_service_link(value: Any) -> Any:
    """Return None for the value that Kubernetes sets in METRICS_PORT for a Service named metrics.

    https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
    """
    return None if isinstance(value, str) and re.fullmatch(r"(tcp|udp|sctp)://\S+:\d+", value) else value


def _listening(value: str) -> str:
    if not re.fullmatch(rf"{LABELS}|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(?:%\w+)?", value):
        raise ValueError("isn't a host name or address")
    return value


def _public_address(value: str) -> str:
    value = _web_address(value)
    parts = urlsplit(value)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise ValueError("must be https, or phones can't install")
    return value


def _app_name(value: str) -> str:
    name = value.strip()
    if not name or not name.isprintable():
        raise ValueError("isn't a name on one line")
    if len(name) > LONGEST_APP_NAME:
        raise ValueError(f"is longer than the {LONGEST_APP_NAME} characters that Slack allows")
    return name


def _starts_with(prefix: str) -> AfterValidator:
    def check(value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(prefix):
            raise ValueError(f"must start with {prefix}")
        return value

    return AfterValidator(check)


def _one_header_word(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[\x21-\x7e]+", value.get_secret_value()):
        raise ValueError("has a space or a character that no token has")
    return value


def _one_path_word(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9._~-]+", value.get_secret_value()):
        raise ValueError("may only have letters, digits and . _ ~ -")
    return value


def _with_pooling(address: str, info: ValidationInfo) -> str:
    """Add the pooling mode to the address, from which `bot.db` reads it."""
    if info.data.get("pgbouncer") != TRANSACTION_POOLING or not address.startswith(POSTGRESQL):
        return address
    return f"{address}{'&' if '?' in address else '?'}{POOLING}={TRANSACTION_POOLING}"


def _people(value: Any) -> Any:
    if isinstance(value, str):
        value = tuple(part.strip() for part in value.split(",") if part.strip())
    for number, person in enumerate(value, 1):
        if not re.fullmatch(r"[UW][A-Za-z0-9_]+", person):
            # not repeated: it may be a token in the wrong setting
            raise ValueError(f"isn't a list of Slack member IDs: entry {number} isn't one")
    return value


def _list_of_networks(value: str) -> str:
    networks(value)
    return value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _translated(value: str) -> str:
    if value not in LANGUAGES:
        raise ValueError(f"isn't one of {', '.join(LANGUAGES)}")
    return value


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def setting(
    default: Any,
    description: str,
    *,
    example: str | None = None,
    group: str | None = None,
    to_fill_in: bool = False,
    **constraints: Any,
) -> Any:
    """Declare a setting; its description is the reference page and the line in `.env.example` (`make reference`).

    `default` is `...` for a required one. Errors show `example`, or the default. `group` starts a group of settings.
    With `to_fill_in` the line in `.env.example` is not commented out, like that of a required setting.
    """
    return Field(
        default,
        description=description,
        examples=[str(default) if example is None else example],
        json_schema_extra={"group": group, "to_fill_in": to_fill_in or default is ...},
        **constraints,
    )


DRAIN_SECONDS = 5.0  # in Kubernetes: within this time its proxies stop sending requests to a replica
_LABEL = "[A-Za-z0-9]+(-+[A-Za-z0-9]+)*"  # one label of a host name
Kind = TypeVar("Kind", bound=BaseSettings)
RoleName = Literal["member", "releaser", "manager", "admin"]
OrganizationRule = Literal["workspace", "organization"]
SlashCommand = Annotated[str, Field(pattern=r"^/[^\s/]{1,31}$")]
AppName = Annotated[str, AfterValidator(_app_name)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Credential = Annotated[SecretStr, AfterValidator(_one_header_word)]
BotToken = Annotated[Credential, _starts_with("xoxb-")]
Organization = Annotated[str, Field(pattern=r"^(([a-fA-F0-9]{24})|([a-zA-Z0-9\-]{3,}))$")]
Tenant = Annotated[str, Field(pattern=rf"^({_LABEL}(\.{_LABEL})*)?$")]


class Settings(BaseSettings):
    """The settings of one running bot, from the environment, `.env` or files; secrets never print themselves."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    slack_bot_token: BotToken = setting(
        ...,
        "bot token (OAuth & Permissions → Bot User OAuth Token)",
        example="xoxb-123456789012-… (Slack: OAuth & Permissions → Bot User OAuth Token)",
        group="Slack",
    )
    slack_app_token: Annotated[Credential, _starts_with("xapp-")] | None = setting(
        None,
        "app token for Socket Mode, which needs no public address "
        "(Basic Information → App-Level Tokens, scope connections:write)",
        example="xapp-1-… (Slack: Basic Information → App-Level Tokens, scope connections:write)",
        to_fill_in=True,
    )
    slack_signing_secret: Credential | None = setting(
        None,
        "for HTTP mode, instead of SLACK_APP_TOKEN (Basic Information → Signing Secret)",
        example="8f742231b10e8888abcd99yyyzzz85a5 (Slack: Basic Information → Signing Secret)",
        validate_default=True,
    )
    slack_api_url: WebAddress = setting("https://slack.com/api", "Slack's Web API", example="https://slack.com/api/")
    slack_command: SlashCommand = setting("/applivery", "slash command, as named in the Slack app")
    slack_app_name: AppName = setting(
        "Applivery",
        "the app's name in the manifest; choose another if Applivery's own Slack app is installed",
        example="Applivery Builds",
    )
    slack_socket_connections: int = setting(
        2, "Socket Mode connections, 1 to 10; two leave no gap when one is replaced", ge=1, le=10
    )

    applivery_token: Credential = setting(
        ...,
        "Service Account token (Workspace Settings → Service Accounts)",
        example="eyJhbGciOi… (Applivery: Workspace Settings → Service Accounts)",
        group="Applivery",
    )
    applivery_organization: Organization = setting(
        ..., "workspace: its slug or 24-digit id", example="acme (the workspace's slug or 24-digit id)"
    )
    applivery_tenant: Tenant = setting(
        "",
        "private tenant: `acme` for acme.applivery.io, or your own domain; empty for applivery.io",
        example="acme, or apps.acme.com",
    )
    applivery_api_url: WebAddress | None = setting(
        None,
        "API address; empty follows the tenant",
        example="https://api.applivery.io",
    )
    applivery_upload_url: WebAddress | None = setting(
        None, "upload address; empty follows the tenant", example="https://upload.applivery.io"
    )
    applivery_download_url: WebAddress | None = setting(
        None, "download address; empty follows the tenant", example="https://download-api.applivery.io"
    )
    applivery_dashboard_url: WebAddress | None = setting(
        None,
        "dashboard address, for “Open in Applivery”; empty follows the tenant",
        example="https://dashboard.applivery.io",
    )
    applivery_requests_per_hour: int = setting(
        8000, "request budget per hour for all replicas together; users go before polling; Applivery allows 10000", ge=1
    )
    applivery_webhook_secret: Annotated[SecretStr, AfterValidator(_one_path_word)] | None = setting(
        None,
        "turns on the webhook POST /webhooks/applivery/{secret}; a long random word: openssl rand -hex 24",
        example="a long random word: openssl rand -hex 24",
    )

    pgbouncer: Annotated[Literal["session", "transaction"], BeforeValidator(_lower)] = setting(
        "session",
        "the `pool_mode` of your pgbouncer: session (also without a pgbouncer), or transaction: the bot then prepares "
        "no statements, and asks every 2 s what other replicas did",
        group="Where it runs",
    )
    database_url: Annotated[str, AfterValidator(database_address), AfterValidator(_with_pooling)] = setting(
        "sqlite:///bot.db",
        "sqlite:///… for one process (absolute path: sqlite:////data/bot.db), postgresql://… for several replicas",
        example="sqlite:///bot.db or postgresql://bot@db/bot",
        repr=False,  # may hold a password
    )
    replicas: int = setting(
        1, "how many processes run on this database; with more than one, the bot refuses SQLite", example="2", ge=1
    )
    host: Annotated[str, AfterValidator(_listening)] = setting(
        "127.0.0.1",
        "address of the HTTP server: health, metrics, claim page, webhook, HTTP mode. `::` takes IPv6 and IPv4",
    )
    port: int = setting(3000, "port of the HTTP server; 0 for any free one", ge=0, le=65535)
    metrics_port: Annotated[int | None, BeforeValidator(_no_service_link)] = setting(
        None,
        "separate port for `/metrics` and `/readyz`, instead of PORT; `/healthz` is on both",
        example="9090",
        ge=0,
        le=65535,
    )
    drain_seconds: float | None = setting(
        None,
        "seconds that requests are still served after SIGTERM, while `/readyz` fails; empty: 5 in Kubernetes, else 0. "
        "Only in HTTP mode and with a claim page or webhook",
        example="5",
        ge=0,
        le=300,
    )
    public_url: Annotated[str, AfterValidator(_public_address)] | None = setting(
        None,
        "public https address of the bot; turns on the claim page, so that iPhones install from a link",
        example="https://bot.acme.com",
    )
    trusted_proxies: Annotated[str, AfterValidator(_list_of_networks)] = setting(
        "private",
        "networks of your proxies, whose X-Forwarded-For and Forwarded are trusted. `private` covers loopback, "
        "RFC 1918, link-local and RFC 4193. Add those of a CDN: private,173.245.48.0/20",
        example="private, or 10.0.0.0/8,173.245.48.0/20, or none",
    )

    links_per_minute: int = setting(10, "links per user and minute", ge=1, group="Limits, access, language and log")
    links_per_hour: int = setting(60, "links per user and hour", ge=1)
    ticket_minutes: float = setting(10, "minutes until a claim page expires", gt=0, le=1440)
    ledger_days: float = setting(90, "days that the audit log is kept", gt=0, le=3650)
    history_days: float = setting(
        365,
        "days to keep builds, announcements, watches, sent builds, requests, failed installs; open cards stay",
        ge=30,
        le=3650,
    )
    poll_busy_seconds: float = setting(
        5,
        "seconds between polls of an app whose build is processing (first half hour)",
        gt=0,
        le=86_400,
    )
    poll_idle_seconds: float = setting(60, "seconds between polls of an app otherwise", gt=0, le=86_400)
    build_deadline_hours: float = setting(24, "hours until a build that never finishes is given up", gt=0, le=8760)
    access_admins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_people)] = setting(
        (),
        "admins, by Slack member ID (Profile → ⋮ → Copy member ID), comma-separated; workspace admins are admins too",
        example="U012AB3CD,U045EF6GH",
    )
    access_default_role: Annotated[RoleName, BeforeValidator(_lower)] = setting(
        "member", "role of every other user: member, releaser, manager or admin"
    )
    access_org: Annotated[OrganizationRule, BeforeValidator(_lower)] = setting(
        "workspace",
        "Enterprise Grid: who is a colleague: members of this `workspace`, or of the whole `organization`",
    )
    language: Annotated[str, BeforeValidator(_lower), AfterValidator(_translated)] = setting(
        ENGLISH,
        f"language of channels: {' or '.join(LANGUAGES)}; users get their own language where it is one of these",
        example=", or ".join(LANGUAGES),
    )
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = setting(
        "INFO", "DEBUG, INFO, WARNING or ERROR"
    )
    log_format: Annotated[Literal["console", "json"], BeforeValidator(_lower)] = setting(
        "console", "console, or json for one JSON object a line"
    )

    @property
    def drains_for(self) -> float:
        """The seconds to keep serving after the signal to stop; 0 without incoming requests."""
        if self.slack_app_token and not self.public_url and not self.applivery_webhook_secret:
            return 0.0
        if self.drain_seconds is not None:
            return self.drain_seconds
        # https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables
        return DRAIN_SECONDS if os.environ.get("KUBERNETES_SERVICE_HOST") else 0.0

    @field_validator("metrics_port")
    @classmethod
    def _another_port(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value and value == info.data.get("port"):
            raise ValueError("must differ from PORT")
        return value

    @field_validator("slack_signing_secret")
    @classmethod
    def _one_way_in(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None and "slack_app_token" in info.data and info.data["slack_app_token"] is None:
            raise ValueError(
                "is missing, and so is SLACK_APP_TOKEN: set the first for HTTP mode, the second for Socket Mode"
            )
        return value


class DatabaseSettings(BaseSettings):
    """The settings for backups, which need no tokens."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    pgbouncer: Annotated[Literal["session", "transaction"], BeforeValidator(_lower)] = "session"
    database_url: Annotated[str, AfterValidator(database_address), AfterValidator(_with_pooling)] = Field(
        "sqlite:///bot.db", repr=False
    )


class SlackAppSettings(BaseSettings):
    """The settings for the Slack app manifest, which is needed before there are tokens."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    slack_command: SlashCommand = "/applivery"
    slack_app_name: AppName = "Applivery"
    public_url: Annotated[str, AfterValidator(_public_address)] | None = None
    applivery_organization: Organization | None = None
    applivery_tenant: Tenant = ""
    applivery_dashboard_url: WebAddress | None = None
    slack_app_token: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None

    @property
    def socket_mode(self) -> bool:
        """Whether Slack is connected by Socket Mode, the default."""
        return self.slack_app_token is not None or self.slack_signing_secret is None


class UploadSettings(BaseSettings):
    """The settings for `upload` and `attach` on the shell: one of the two tokens, and Slack's only to announce."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    applivery_app_token: Credential | None = setting(
        None,
        "token of a single app, for `upload` and `attach` on the command line (App Settings → API Tokens)",
        example="eyJhbGciOi… (Applivery: App Settings → API Tokens)",
    )
    applivery_token: Credential | None = None
    applivery_organization: Organization | None = None
    applivery_tenant: Tenant = ""
    applivery_api_url: WebAddress | None = None
    applivery_upload_url: WebAddress | None = None
    applivery_dashboard_url: WebAddress | None = None
    slack_bot_token: BotToken | None = None
    slack_api_url: WebAddress = "https://slack.com/api"


# An example of each setting, for its error message.
EXAMPLES = {
    name: str(field.examples[0])
    for name, field in {**UploadSettings.model_fields, **Settings.model_fields}.items()
    if field.examples
}


_ENV_FILE = ".env: {wrong}. Example: cp .env.example .env, then fill it in as UTF-8"


def read(**overrides: Any) -> Settings:
    """Read the settings from the environment, `.env` and files of secrets, the first that has one wins.

    `overrides` win over all of them: the demo and tests use them.

    Raises InvalidSettings with every fault at once.
    """
    return _read(Settings, overrides)


def read_slack_app(**overrides: Any) -> SlackAppSettings:
    """Read only the settings for the manifest. Raises InvalidSettings."""
    return _read(SlackAppSettings, overrides)


def read_database(**overrides: Any) -> DatabaseSettings:
    """Read only the settings for the database. Raises InvalidSettings."""
    return _read(DatabaseSettings, overrides)


def read_upload(**overrides: Any) -> UploadSettings:
    """Read the settings for an upload from the shell. Raises InvalidSettings."""
    return _read(UploadSettings, overrides)


def _read(kind: type[Kind], overrides: dict[str, Any]) -> Kind:
    try:
        return kind(**{"_secrets_dir": _folders(), **overrides})
    except ValidationError as error:
        # `from None`: pydantic's own text would print the values, secrets among them
        raise InvalidSettings(sorted(_line(fault) for fault in error.errors(include_input=False))) from None
    except SettingsError as error:
        # pydantic's error for a secret's file that cannot be opened, or is not text
        name, why = re.findall(r'"(\w+)"', str(error))[0], type(error.__cause__).__name__
        line = f"{name.upper()}: can't read its file ({why}). Example: {name.upper()}={EXAMPLES[name]}"
        raise InvalidSettings([line]) from None
    except UnicodeDecodeError:
        raise InvalidSettings([_ENV_FILE.format(wrong="isn't UTF-8 text")]) from None
    except OSError as error:
        raise InvalidSettings([_ENV_FILE.format(wrong=f"can't be read ({error.strerror})")]) from None


def _folders() -> list[Path]:
    """Return the folders with settings as files, each named like its setting: of Docker, Kubernetes and systemd.

    https://docs.docker.com/compose/how-tos/use-secrets/ and https://systemd.io/CREDENTIALS/
    """
    named = ("/run/secrets", os.environ.get("CREDENTIALS_DIRECTORY"))
    return [Path(text) for text in named if text and Path(text).is_dir()]


def _line(fault: Any) -> str:
    name = str(fault["loc"][0])
    return f"{name.upper()}: {_wrong(fault)}. Example: {name.upper()}={EXAMPLES[name]}"


def _wrong(fault: Any) -> str:
    if fault["type"] == "missing":
        return "is missing"
    if fault["type"] == "string_pattern_mismatch":
        return "has characters that aren't allowed"
    words = str(fault["msg"]).removeprefix("Value error, ")
    return words[0].lower() + words[1:]

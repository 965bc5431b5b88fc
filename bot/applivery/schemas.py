"""The schemas of Applivery's JSON: its keys, with types that accept any value instead of the expected one.

The decoder drops other keys; `networkInfo` (address, city, coordinates) is left out on purpose. Every field is optional
and every type accepts any value, so an unexpected value never affects other fields.
"""

from __future__ import annotations

from typing import Any, TypeAlias, TypeVar

from msgspec import Raw, Struct, field

_Wire = TypeVar("_Wire", bound=Struct)
_MISSING = Raw()


class IgnoredSchema(Struct):
    """An unused object; its keys are dropped while decoding."""


Scalar: TypeAlias = str | int | float | bool | None
Odd: TypeAlias = Scalar | list[Any]  # anything but an object, where an object is expected


def read(value: object, shape: type[_Wire]) -> _Wire:
    """Return `value` when it has this schema, else an instance whose fields are all None."""
    return value if isinstance(value, shape) else shape()


# ------------------------------------------------------------------ envelopes


class ErrorFieldSchema(Struct, rename="camel"):
    """One entry of 6002's `data.errors`."""

    field: Any = None


class ErrorDataSchema(Struct, rename="camel"):
    """`error.data`: the quota for code 5003, the fields for 6002."""

    item_name: Any = None
    limit: Any = None
    num: Any = None
    errors: list[ErrorFieldSchema | Odd] | IgnoredSchema | Scalar = None


class ErrorSchema(Struct, rename="camel"):
    """`error` of an answer, and of a build that failed."""

    code: Any = None
    message: Any = None
    data: ErrorDataSchema | Odd = None


class ResponseSchema(Struct, rename="camel"):
    """A response, or a page in it; keys that may hold the list stay undecoded until their type is known."""

    status: Any = None
    error: ErrorSchema | Odd = None
    data: Raw = _MISSING
    items: Raw = _MISSING
    docs: Raw = _MISSING
    has_next_page: Any = None
    next_page: Any = None
    total_pages: Any = None
    total_docs: Any = None
    total_items: Any = None


# ------------------------------------------------------------------ apps and builds


class SecuritySchema(Struct, rename="camel"):
    """The credential's permissions for an app."""

    role: Any = None


class ConfigurationSchema(Struct, rename="camel"):
    """An app's `configuration`: its retention of builds, and the plan's maximum."""

    build_retention_days: Any = None
    builds_retained_per_publication: Any = None
    max_billing_build_retention_days: Any = None


class AppSchema(Struct, rename="camel"):
    """An app, and a build's `applicationInfo`."""

    id: Any = None
    bare_id: Any = field(name="_id", default=None)
    name: Any = None
    slug: Any = None
    oss: Any = None
    build_platforms: Any = None
    last_build_processed_date: Any = None
    picture: Any = None
    security: SecuritySchema | Odd = None
    configuration: ConfigurationSchema | Odd = None


class OrganizationSchema(Struct, rename="camel"):
    """A workspace."""

    id: Any = None
    name: Any = None
    slug: Any = None


class UserSchema(Struct, rename="camel"):
    """The user of a collaborator or employee: only what is needed to count them once, without their name."""

    id: Any = None
    bare_id: Any = field(name="_id", default=None)
    role: Any = None


class CollaboratorSchema(Struct, rename="camel"):
    """A collaborator of a workspace or an app, or a user of an app's store."""

    id: Any = None
    user: UserSchema | Odd = None
    employee: UserSchema | Odd = None
    application: AppSchema | Odd = None


class PlistSchema(Struct):
    """Keys of an Apple app's Info.plist."""

    version: Any = field(name="CFBundleShortVersionString", default=None)
    number: Any = field(name="CFBundleVersion", default=None)
    minimum: Any = field(name="MinimumOSVersion", default=None)
    families: Any = field(name="UIDeviceFamily", default=None)


class ProfileSchema(Struct):
    """The provisioning profile; the list of devices is not read."""

    expires: Any = field(name="ExpirationDate", default=None)
    all_devices: Any = field(name="ProvisionsAllDevices", default=None)
    signing: Any = field(name="signingType", default=None)


class IosSchema(Struct, rename="camel"):
    """`info.ios`."""

    plist: PlistSchema | Odd = None
    mobileprovision: ProfileSchema | Odd = None


class AndroidSchema(Struct):
    """`info.android`."""

    version: Any = field(name="versionName", default=None)
    number: Any = field(name="versionCode", default=None)
    minimum: Any = field(name="minSDKVersion", default=None)


class InfoSchema(Struct, rename="camel"):
    """What Applivery extracted from the file."""

    ios: IosSchema | Odd = None
    android: AndroidSchema | Odd = None
    pkg: PlistSchema | Odd = None


class OriginSchema(Struct, rename="camel"):
    """`deployer.info`, with the names of older builds."""

    branch: Any = None
    tag: Any = None
    commit: Any = None
    commit_message: Any = None
    build_number: Any = None
    build_url: Any = None
    repository_url: Any = None
    old_branch: Any = field(name="git_branch", default=None)
    old_tag: Any = field(name="git_tag", default=None)
    old_commit: Any = field(name="git_commit", default=None)
    old_message: Any = field(name="commit_message", default=None)
    old_number: Any = field(name="build_number", default=None)
    old_url: Any = field(name="build_url", default=None)
    old_repository: Any = field(name="repository_url", default=None)


class DeployerSchema(Struct, rename="camel"):
    """`deployer`."""

    name: Any = None
    info: OriginSchema | Odd = None


class PersonSchema(Struct, rename="camel"):
    """`uploadedBy` (only an id in older responses), and `member` of a download."""

    type: Any = None
    member_id: Any = None
    email: Any = None
    first_name: Any = None
    last_name: Any = None


class FileSchema(Struct, rename="camel"):
    """`files[].file`; the raw storage address is not read."""

    original_name: Any = None
    size: Any = None


class AttachmentSchema(Struct, rename="camel"):
    """`files[]`."""

    id: Any = None
    bare_id: Any = field(name="_id", default=None)
    type: Any = None
    file: FileSchema | Odd = None


class BuildSchema(Struct, rename="camel"):
    """A build, in a list or with its details."""

    id: Any = None
    bare_id: Any = field(name="_id", default=None)
    status: Any = None
    tags: Any = None
    version_name: Any = None
    version_code: Any = None
    application: AppSchema | Odd = None
    application_info: AppSchema | Odd = None
    changelog: Any = None
    info: InfoSchema | Odd = None
    size: Any = None
    process_time: Any = None
    queued_time: Any = None
    error: ErrorSchema | Odd = None
    error_code: Any = None
    os: Any = None
    build_platform: Any = None
    deployer: DeployerSchema | Odd = None
    uploaded_by: PersonSchema | Odd = None
    original_extension: Any = None
    files: list[AttachmentSchema | Odd] | IgnoredSchema | Scalar = None
    disabled: Any = None
    created_at: Any = None
    updated_at: Any = None


# ------------------------------------------------------------------ downloads


class TokenSchema(Struct, rename="camel"):
    """A minted download token."""

    token: Any = None
    expires_at: Any = None


class DeviceSchema(Struct, rename="camel"):
    """`device` of a download."""

    model: Any = None
    type: Any = None


class SystemSchema(Struct, rename="camel"):
    """`os` of a download."""

    name: Any = None
    version: Any = None


class DownloadedBuildSchema(Struct, rename="camel"):
    """`build` of a download."""

    id: Any = None
    os: Any = None
    build_platform: Any = None
    version_name: Any = None


class DownloadSchema(Struct, rename="camel"):
    """One download; `member` only in the plain log."""

    id: Any = None
    source: Any = field(name="from", default=None)
    build: DownloadedBuildSchema | Odd = None
    device: DeviceSchema | Odd = None
    os: SystemSchema | Odd = None
    created_at: Any = None
    member: PersonSchema | Odd = None


class MemberRowSchema(DownloadSchema, rename="camel"):
    """One row of a by-user response, or of the plain log that some tenants return instead."""

    total: Any = None
    downloads: list[DownloadSchema | Odd] | IgnoredSchema | Scalar = None


# ------------------------------------------------------------------ subscriptions of the workspace


class HookSchema(Struct, rename="camel"):
    """`config.webhook`; its token is not read."""

    url: Any = None


class SlackSchema(Struct, rename="camel"):
    """The channel of Applivery's own Slack app."""

    team: Any = None
    channel: Any = None


class HookConfigSchema(Struct, rename="camel"):
    """`config` of a subscription."""

    webhook: HookSchema | Odd = None
    slack: SlackSchema | Odd = None


class NotificationSchema(Struct, rename="camel"):
    """A subscription of the workspace."""

    id: Any = None
    type: Any = None
    config: HookConfigSchema | Odd = None
    events: dict[str, Any] | Odd = None

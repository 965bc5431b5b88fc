"""How apps, builds, files, members and downloads look on the wire, every documented field filled in."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.applivery.contents import FileContent
from sandbox.applivery.models import FakeApp, FakeBuild, Wire

When = datetime | float | str | None
"""A moment as tests write it: aware datetime, epoch seconds, or ready-made words for the wire."""

UPLOADER: Wire = {
    "id": "5f0c0ffee0ddba11c0de0001",
    "email": "ci@acme.example",
    "firstName": "Build",
    "lastName": "Robot",
}
NAMELESS = ("unknown", "anonymous")

DETAILS = (
    "iconFile",
    "error",
    "errorCode",
    "buildPlatform",
    "processLogs",
    "files",
    "metadata",
    "externalFileUrl",
    "hasEmmJson",
    "defaultScripts",
    "disabled",
)
"""Fields the details call has over the list call (docs.applivery.com, app-distribution/api/builds/build-details)."""

EXTENSIONS = {
    "ipa": "ios",
    "apk": "android",
    "aab": "android",
    "dmg": "macos",
    "pkg": "macos",
    "exe": "windows",
    "msi": "windows",
    "msix": "windows",
    "msixbundle": "windows",
    "appx": "windows",
    "appxbundle": "windows",
    "nsp": "package",
    "zip": "package",
    "tar.gz": "package",
}
_READ_OUT = {"ios": "ios", "android": "android", "pkg": "macos"}
_USUAL = {"ios": "ipa", "android": "apk", "macos": "pkg", "windows": "msi"}
_TYPES = {"ipa": "application/octet-stream", "apk": "application/vnd.android.package-archive"}

# Places nobody tests from by chance: when one of these words shows up in Slack, it can only have come from here.
NETWORKS: tuple[Wire, ...] = (
    {
        "ip": "203.0.113.77",
        "city": "Funchal",
        "continent": "EU",
        "country": "PT",
        "latitude": 32.66568,
        "longitude": -16.92547,
        "postalCode": "9000-082",
        "region": "Região Autónoma da Madeira",
        "regionCode": "PT-30",
        "timezone": "Atlantic/Madeira",
        "visitor": "vis-7f3a0c55e1",
    },
    {
        "ip": "198.51.100.23",
        "city": "Tórshavn",
        "continent": "EU",
        "country": "FO",
        "latitude": 62.01073,
        "longitude": -6.77411,
        "postalCode": "FO-100",
        "region": "Streymoy",
        "regionCode": "FO-ST",
        "timezone": "Atlantic/Faroe",
        "visitor": "vis-c2b94d0816",
    },
)


def platform_of(wire: Wire) -> str:
    """Tell what a build is for: Applivery has the file, so it knows also where its answers do not say."""
    extension = str(wire.get("originalExtension") or "").lower().lstrip(".")
    known = [key for key, inside in (wire.get("info") or {}).items() if inside and key in _READ_OUT]
    return str(
        wire.get("os")
        or wire.get("buildPlatform")
        or EXTENSIONS.get(extension)
        or next((_READ_OUT[key] for key in known), "")
    ).lower()


def timestamp(when: datetime | float) -> str:
    """Write a moment as `2024-11-11T11:27:35.446Z`."""
    at = when if isinstance(when, datetime) else datetime.fromtimestamp(when, UTC)
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def app_wire(app_id: str, *, name: str, slug: str, oss: tuple[str, ...], organization: str, at: str) -> Wire:
    """Give a new app without builds."""
    sdk = {"ota": True, "forceUpdate": False, "minVersion": "", "forceAuth": False, "detected": {}}
    return {
        "id": app_id,
        "name": name,
        "slug": slug,
        "description": "",
        "oss": list(oss),
        "buildPlatforms": list(oss),
        "sdk": {os: dict(sdk) for os in ("ios", "android")},
        "notifications": {
            "newBuildNotifyCollaborators": False,
            "newBuildNotifyEmployees": False,
            "newBuildNotifyOtpUsers": False,
            "newBuildMessage": "",
            "newFeedbackNotifyCollaborators": False,
        },
        "security": {"role": "org.viewer"},
        "configuration": {"buildRetentionDays": 365, "buildsRetainedPerPublication": 5, "notificationLanguage": "en"},
        "picture": "",
        "organization": organization,
        "counts": {"builds": 0},
        "metadata": {},
        "createdAt": at,
        "updatedAt": at,
    }


def build_wire(app: FakeApp, build_id: str, *, version: str, number: str, os: str, status: str, at: datetime) -> Wire:
    """Give a build as its details have it, before its origin, size and files are known."""
    return {
        "id": build_id,
        "status": status,
        "tags": [],
        "versionName": version,
        "versionCode": number,
        "application": app.id,
        "applicationInfo": {"id": app.id, "name": app.name, "slug": app.slug, "picture": ""},
        "changelog": "",
        "info": {"icon": "", os: _INFO.get(os, _no_info)(app, version, number, at)},
        "size": 0,
        "processTime": 0,
        "queuedTime": 0,
        "os": os,
        "deployer": {"name": "", "info": {}},
        "uploadedBy": dict(UPLOADER),
        "originalExtension": _USUAL.get(os, "zip"),
        "storageProvider": {"id": "5f0c0ffee0ddba11c0de0002", "name": "Applivery Storage", "region": "eu"},
        "createdAt": timestamp(at),
        "updatedAt": timestamp(at),
        "iconFile": {},
        "error": None,
        "errorCode": None,
        "buildPlatform": os,
        "processLogs": [],
        "files": [],
        "metadata": {},
        "externalFileUrl": None,
        "hasEmmJson": False,
        "defaultScripts": {},
        "disabled": False,
    }


def _ios_info(app: FakeApp, version: str, number: str, at: datetime) -> Wire:
    return {
        "plist": {
            "CFBundleDisplayName": app.name,
            "CFBundleSupportedPlatforms": ["iPhoneOS"],
            "MinimumOSVersion": "15.0",
            "CFBundleIdentifier": f"com.acme.{app.slug}",
            "CFBundleShortVersionString": version,
            "CFBundleVersion": number,
            "CFBundleName": app.name,
            "CFBundleIcons": ["AppIcon60x60"],
            "UIDeviceFamily": [1, 2],
        },
        "mobileprovision": {
            "ExpirationDate": timestamp(at + timedelta(days=360)),
            "TeamIdentifier": "A1B2C3D4E5",
            "ProvisionsAllDevices": True,
            "TeamName": "Acme Corporation",
            "ProvisionedDevices": "",
            "signingType": "enterprise",
        },
    }


def _android_info(app: FakeApp, version: str, number: str, at: datetime) -> Wire:
    return {
        "targetSdkVersion": "35",
        "minSDKVersion": "26",
        "packageName": f"com.acme.{app.slug.replace('-', '_')}",
        "platformBuildVersionName": "15",
        "platformBuildVersionCode": "35",
        "versionName": version,
        "versionCode": number,
        "icon": "",
    }


def _no_info(app: FakeApp, version: str, number: str, at: datetime) -> Wire:
    return {}


_INFO = {"ios": _ios_info, "android": _android_info}


def origin(
    name: str, number: str, *, branch: str | None, tag: str | None, commit: str | None, message: str | None
) -> Wire:
    """Give a `deployer`; what is unknown is left out, and nothing known leaves it empty."""
    if branch is tag is commit is None:
        return {"name": "", "info": {}}
    ci = "https://ci.acme.example"
    info = {
        "commitMessage": message,
        "commit": commit,
        "branch": branch,
        "tag": tag,
        "buildUrl": f"{ci}/runs/{number}",
        "ciUrl": ci,
        "repositoryUrl": "https://git.acme.example/mobile",
        "buildNumber": number,
    }
    return {"name": name, "info": {key: value for key, value in info.items() if value is not None}}


def file_name(build: FakeBuild, extension: str) -> str:
    """Give the name a downloaded build is saved under."""
    return f"{build.app.slug}-{build.wire.get('versionName')}-{build.wire.get('versionCode')}.{extension}"


def package_content(build: FakeBuild, extension: str, size: int) -> FileContent:
    """Invent a build file of exactly `size` bytes; the same build always has the same bytes."""
    mimetype = _TYPES.get(extension, "application/octet-stream")
    return FileContent(file_name(build, extension), mimetype, size, seed=f"{build.id}.{extension}")


def file_wire(file_id: str, kind: str, content: FileContent, at: str, description: str = "") -> Wire:
    """Give an entry of `files`; a checksum only where the bytes are really kept."""
    key = f"builds/{file_id}/{content.name}"
    record: dict[str, Any] = {
        "originalName": content.name,
        "mimetype": content.mimetype,
        "size": content.size,
        "bucket": "acme-builds",
        "key": key,
        "location": f"https://storage.applivery.invalid/acme-builds/{key}",
        "region": "eu",
        "storageProviderId": "5f0c0ffee0ddba11c0de0002",
    }
    if content.kept is not None:
        record["checksum"] = hashlib.md5(content.kept, usedforsecurity=False).hexdigest()
    return {"id": file_id, "type": kind, "description": description, "file": record, "createdAt": at, "updatedAt": at}


def download_wire(build: FakeBuild, download_id: str, number: int, at: str, source: str) -> Wire:
    """Give a line of the download log; the device is the caller's to fill in."""
    wire = build.wire
    return {
        "id": download_id,
        "from": source,
        "build": {
            "id": build.id,
            "os": wire.get("os"),
            "buildPlatform": wire.get("buildPlatform"),
            "icon": "",
            "versionName": wire.get("versionName"),
        },
        "info": {},
        "device": {"model": "", "type": ""},
        "os": {"name": "", "version": ""},
        "networkInfo": dict(NETWORKS[number % len(NETWORKS)]),
        "createdAt": at,
        "updatedAt": at,
    }

"""Endpoints that take builds and attachments as multipart, in both API families."""

from __future__ import annotations

import hashlib
import re

from aiohttp import BodyPartReader, web

from sandbox.applivery.contents import KEPT_BYTES, FileContent
from sandbox.applivery.middleware import WORLD, app_of
from sandbox.applivery.models import Wire
from sandbox.applivery.path_params import build_of, in_workspace
from sandbox.applivery.payloads import EXTENSIONS
from sandbox.applivery.responses import ApiError, invalid, ok

routes = web.RouteTableDef()

_INFO = (
    "commitMessage",
    "commit",
    "branch",
    "tag",
    "triggerTimestamp",
    "buildUrl",
    "ciUrl",
    "repositoryUrl",
    "buildNumber",
)
_BOOLEANS = ("notifyCollaborators", "notifyEmployees")
_FIELDS = {
    *_BOOLEANS,
    *("buildPlatform", "packageName", "packageVersion", "versionName", "tags", "changelog"),
    *("notifyMessage", "notifyLanguage", "filter", "deployer.name"),
    *(f"deployer.info.{name}" for name in _INFO),
}
_PLATFORMS = ("ios", "macos", "android", "ps4", "ps5", "switch", "xbox-one", "xbox-series")
_LANGUAGES = ("es", "en", "fr", "ge", "it", "zh", "pt", "ru")
_GROUPS = re.compile(r"filter\[\d+\]\[\d+\]")
_NESTED = re.compile(r"\[(\w+)\]")


@routes.post("/v1/integrations/builds")
@routes.post("/v1/organizations/{organization}/apps/{app}/builds")
async def upload_build(request: web.Request) -> web.Response:
    """Take a build; the answer says `pending`. 6002 for a bad field, 5006 for a file of no known kind."""
    in_workspace(request)
    app = app_of(request)
    form, files = await _read(request, ("build", "packageIcon"))
    _check(form)
    content = files.get("build")
    if content is None or not content.size:
        raise invalid("build", "is required", "body")
    extension = next((end for end in EXTENSIONS if content.name.lower().endswith(f".{end}")), None)
    if extension is None:
        raise ApiError(400, 5006, "Upload failed: wrong path or invalid file")
    build = request.app[WORLD].upload(
        app,
        form=form,
        version=form.get("versionName") or form.get("packageVersion") or "1.0.0",
        number=form.get("deployer.info.buildNumber") or "1",
        os=EXTENSIONS[extension],
        changelog=form.get("changelog", ""),
        tags=[tag.strip() for tag in form.get("tags", "").split(",") if tag.strip()],
        extension=extension,
        content=content,
        icon=files.get("packageIcon"),
        deployer=_deployer(form),
        buildPlatform=form.get("buildPlatform") or EXTENSIONS[extension],
    )
    return ok(build.wire)


@routes.post("/v1/integrations/builds/{build}/files")
@routes.post("/v1/organizations/{organization}/apps/{app}/builds/{build}/files")
async def attach_file(request: web.Request) -> web.Response:
    """Attach a file to a processed build (otherwise 5014) and answer the build."""
    build = build_of(request)
    if not build.ready:
        raise ApiError(400, 5014, "Build Not Processed")
    form, files = await _read(request, ("file",))
    if "file" not in files:
        raise invalid("file", "is required", "body")
    request.app[WORLD].attach(build, files["file"].name, files["file"], description=form.get("description", ""))
    return ok(build.wire)


# ------------------------------------------------------------------ the form


async def _read(request: web.Request, file_fields: tuple[str, ...]) -> tuple[dict[str, str], dict[str, FileContent]]:
    """Read the multipart body as a stream; files above 1 MiB are measured and not kept."""
    if request.content_type != "multipart/form-data":
        raise invalid("body", "must be multipart/form-data", "body")
    form: dict[str, str] = {}
    files: dict[str, FileContent] = {}
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise invalid("body", "must not be nested", "body")
        name = part.name or ""
        if name in form or name in files:
            raise invalid(name, "must be sent once", "body")
        if name in file_fields:
            files[name] = await _take(part)
        else:
            form[name] = await part.text()
    return form, files


async def _take(part: BodyPartReader) -> FileContent:
    size, kept, digest = 0, bytearray(), hashlib.sha256()
    while chunk := await part.read_chunk(256 * 1024):
        size += len(chunk)
        digest.update(chunk)
        if size <= KEPT_BYTES:
            kept += chunk
    mimetype = part.headers.get("Content-Type", "application/octet-stream")
    name = part.filename or "file"
    whole = bytes(kept) if size <= KEPT_BYTES else None
    return FileContent(name, mimetype, size, seed=f"{name}:{size}", kept=whole, digest=digest.hexdigest())


def _check(form: dict[str, str]) -> None:
    for name, value in form.items():
        if _dotted(name) not in _FIELDS and not _GROUPS.fullmatch(name):
            raise invalid(name, "is not allowed", "body")
        if name in _BOOLEANS and value not in ("true", "false"):
            raise invalid(name, "must be a boolean", "body")
    if form.get("buildPlatform", "ios") not in _PLATFORMS:
        raise invalid("buildPlatform", f"must be one of [{', '.join(_PLATFORMS)}]", "body")
    if form.get("notifyLanguage", "en") not in _LANGUAGES:
        raise invalid("notifyLanguage", f"must be one of [{', '.join(_LANGUAGES)}]", "body")


def _dotted(name: str) -> str:
    """Read `deployer[info][branch]`, which the vendor's own plug-ins send, as `deployer.info.branch`."""
    return _NESTED.sub(r".\1", name) if name.startswith("deployer[") else name


def _deployer(form: dict[str, str]) -> Wire:
    sent = {_dotted(name): value for name, value in form.items()}
    info = {name: sent[f"deployer.info.{name}"] for name in _INFO if f"deployer.info.{name}" in sent}
    return {"name": sent.get("deployer.name", ""), "info": info}

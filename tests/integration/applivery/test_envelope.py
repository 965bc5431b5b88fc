"""An answer that Applivery does not document is said to be one, whatever was asked; an empty list alone says "none"."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import exceptions
from bot.applivery import envelope, parse
from bot.applivery.client import AppliveryClient
from bot.applivery.upload import UploadTimeouts
from bot.domain.model import App, Build, FileKind, Link, Stage
from bot.domain.uploads import UploadMetadata
from sandbox.applivery import FakeApplivery
from sandbox.faults import Fault
from tests.integration.applivery.conftest import MakeClient

HEX = "0123456789abcdef01234567"
COURIER = App("courier", "courier", "Courier")
BUILD = Build(HEX, COURIER, Stage.READY)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


LISTS: dict[str, Callable[[AppliveryClient], Awaitable[Any]]] = {
    "apps": lambda client: client.apps(),
    "notifications": lambda client: client.notifications(),
    "builds": lambda client: client.builds(COURIER),
    "filtered builds": lambda client: client.builds(COURIER, status=Stage.READY, os="ios", version="1"),
    "downloads_by_user": lambda client: client.downloads_by_user("courier"),
    "downloads of a build": lambda client: client.downloads_by_user("courier", HEX, since=NOON, until=NOON),
    "newest of an app": lambda client: client.app_builds(COURIER).newest(),
}
SINGLE: dict[str, Callable[[AppliveryClient], Awaitable[Any]]] = {
    "organization": lambda client: client.organization(),
    "app": lambda client: client.app("courier"),
    "role": lambda client: client.role("courier"),
    "subscribe_webhook": lambda client: client.subscribe_webhook("https://bot.acme.test/x"),
    "build": lambda client: client.build("courier", HEX),
    "mint": lambda client: client.mint(BUILD, FileKind.FILE),
    "mint of a file": lambda client: client.mint(BUILD, FileKind.FILE, file_id="a" * 24),
    "resolve": lambda client: client.resolve(Link("", "token", FileKind.FILE)),
    "build of an app": lambda client: client.app_builds(COURIER).build(HEX),
}
ODD = {
    "nothing": "",
    "blanks": " \n",
    "a page": "<!doctype html><title>Maintenance</title>",
    "half": '{"status": true, "data": {"items": [{"id": "x"',
    "null": "null",
    "a text": '"ok"',
    "a number": "3",
    "true": "true",
    "numbers": "[1, 2]",
    "an empty bare list": "[]",
    "lists": "[[], []]",
    "nulls": "[null]",
    "no keys": "{}",
    "only a status": '{"status": true}',
    "refused without a word": '{"status": false}',
    "refused in a word": '{"status": "false", "error": null}',
    "data null": '{"status": true, "data": null}',
    "data text": '{"status": true, "data": "ok"}',
    "data number": '{"status": true, "data": 5}',
    "data true": '{"status": true, "data": true}',
    "data numbers": '{"status": true, "data": [1, 2]}',
    "data nulls": '{"status": true, "data": [null, null]}',
    "data strange": '{"status": true, "data": {"hello": "world"}}',
    "data list of the strange": '{"status": true, "data": [{"hello": "world"}, {}]}',
    "items null": '{"status": true, "data": {"items": null}}',
    "items text": '{"status": true, "data": {"items": "none"}}',
    "items object": '{"status": true, "data": {"items": {"0": {"id": "x"}}}}',
    "items numbers": '{"status": true, "data": {"items": [1, "x", null, []], "totalDocs": 4}}',
    "items strange": '{"status": true, "data": {"items": [{"hello": "world"}], "totalDocs": 1}}',
    "data twice": '{"data": {"data": {"data": {"data": []}}}}',
}


@pytest.mark.parametrize("asked", [*LISTS, *SINGLE])
async def test_an_odd_answer_is_not_understood(server: FakeApplivery, make_client: MakeClient, asked: str) -> None:
    """It is an error of ours with these words, counted, and asked for once."""

    async def end(body: str) -> tuple[str, list[str]]:
        heard: list[str] = []
        client = make_client(observe=lambda _name, outcome, _seconds: heard.append(outcome))
        server.faults.clear()
        server.faults.add("*", Fault(body=body), times=None)
        try:
            return f"understood: {await {**LISTS, **SINGLE}[asked](client)!r}", heard
        except exceptions.InvalidResponse as error:
            return str(error), heard

    ends = {odd: await end(body) for odd, body in ODD.items()}
    wrong = {
        odd: (said, heard)
        for odd, (said, heard) in ends.items()
        if "a response this bot doesn't understand" not in said or heard != ["Unreadable"]
    }
    assert wrong == {}


@pytest.mark.parametrize(
    "empty", ['{"status": true, "data": {"items": [], "totalDocs": 0}}', '{"status": true, "data": []}']
)
@pytest.mark.parametrize("asked", LISTS)
async def test_an_empty_list_is_none(server: FakeApplivery, client: AppliveryClient, asked: str, empty: str) -> None:
    server.faults.add("*", Fault(body=empty), times=None)
    found = await LISTS[asked](client)
    assert not list(getattr(found, "items", found))


async def test_an_odd_answer_to_an_upload_is_unsure(server: FakeApplivery, make_client: MakeClient) -> None:
    from tests.integration.applivery.test_app_builds import parcel

    client = make_client(timeouts=UploadTimeouts(attempts=1, looks=(0.0,)))
    app = server.app("Courier")
    for number, odd in enumerate(ODD.values()):
        server.faults.add("POST *", Fault(body=odd))
        with pytest.raises(exceptions.UploadOutcomeUnknown, match="can't read"):
            await client.app_builds(App(app.id, "courier", "Courier")).upload(
                parcel(), UploadMetadata(version_name=f"9.{number}")
            )


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["data", "items", "status", "hello", "error"]), inner, max_size=3)
        ),
    )
)
def test_only_an_empty_list_says_none(anything: Any) -> None:
    try:
        page = parse.builds(json.dumps(anything).encode(), COURIER, page=1, limit=10)
    except exceptions.AppliveryError:
        return
    assert page.items == ()
    said: Any = anything
    while isinstance(said, dict):  # a null beside the list says nothing
        parts = [said[key] for key in ("data", "items") if isinstance(said.get(key), list | dict)]
        said = next((part for part in parts if isinstance(part, list)), parts[0])
    assert said == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "an empty body"),
        (b"<html>", "a web page"),
        (b"null", "null"),
        (b"[1]", "a list"),
        (b'"x"', "a text"),
        (b"12", "a number"),
        (b"true", "true"),
        (b'{"a": 1}', "an object of another shape"),
        (b"\xff\xfe", "no JSON"),
    ],
)
def test_envelope_names_kind_of_unexpected_body(body: bytes, kind: str) -> None:
    assert envelope.kind_of(body) == kind

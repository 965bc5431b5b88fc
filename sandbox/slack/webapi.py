"""The Web API at /api/<method>: arguments, tokens, scopes, faults and the book of calls."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from email.utils import formatdate
from math import ceil
from typing import Any

from aiohttp import web

from sandbox.faults import Fault, FaultQueue, cut, sent
from sandbox.slack.methods import METHODS
from sandbox.slack.organization import NEED_TEAM_ID
from sandbox.slack.rate_limit import PostRateExceeded
from sandbox.slack.server_state import Answer, ApiState, CallArguments
from sandbox.slack.validation import SlackApiError


@dataclass(frozen=True)
class RecordedCall:
    """One call of a Web API method: its arguments without the token, when (epoch seconds), and what was answered.

    `answer` is None when the connection was cut before an answer.
    """

    method: str
    args: dict[str, Any]
    at: float
    answer: Answer | None
    status: int = 200


class FakeWebApi:
    """Answers the calls. `tokens` maps each token to its kind; `revoked` ones are refused, each with its error."""

    def __init__(self, desk: ApiState, faults: FaultQueue, tokens: dict[str, str]) -> None:
        self.desk = desk
        self.faults = faults
        self.tokens = tokens
        self.revoked: dict[str, str] = {}
        self.calls: list[RecordedCall] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        name = request.match_info["method"]
        try:
            given = await self._arguments(request)
        except SlackApiError as refused:
            return self._answered(name, {}, refused.body())
        token = self._token(request, given)
        fault = self.faults.next(name)
        if fault is not None:
            met = await self._meet(request, name, given, fault)
            if met is not None:
                return met
        try:
            answer: Answer = {"ok": True, **self._run(name, given, token)}
        except SlackApiError as refused:
            answer = refused.body()
        except PostRateExceeded as fast:
            return self._too_fast(name, given, str(fast.seconds))
        if fault is not None and fault.drop_after:
            self._book(name, given, None, 0)
            return cut(request)
        if fault is not None and fault.error_after:
            answer = {"ok": False, "error": fault.error_after}
        return self._answered(name, given, answer)

    async def _arguments(self, request: web.Request) -> dict[str, Any]:
        given: dict[str, Any] = dict(request.query)
        if not request.can_read_body:
            return given
        if request.content_type == "application/json":
            try:
                body = json.loads(await request.text() or "{}")
            except ValueError:
                raise SlackApiError("invalid_json") from None
            if not isinstance(body, dict):
                raise SlackApiError("json_not_object")
            return {**given, **body}
        if request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
            form = await request.post()
            return {**given, **{key: value for key, value in form.items() if isinstance(value, str)}}
        raise SlackApiError("invalid_post_type")

    def _token(self, request: web.Request, given: dict[str, Any]) -> str:
        header = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        return str(given.pop("token", "") or header)

    async def _meet(self, request: web.Request, name: str, given: dict[str, Any], fault: Fault) -> web.Response | None:
        if fault.latency:
            await asyncio.sleep(fault.latency)
        if fault.drop:
            self._book(name, given, None, 0)
            return cut(request)
        if fault.status == 429:
            return self._too_fast(name, given, _whole(1 if fault.retry_after is None else fault.retry_after))
        if fault.body is not None or fault.packed is not None or (fault.status is not None and fault.error is None):
            status = fault.status or 200
            self._book(name, given, None, status)
            return sent(fault, _retry(fault), "text/plain")
        if fault.error is not None:
            return self._answered(name, given, {"ok": False, "error": fault.error}, fault.status or 200, _retry(fault))
        return None

    def _run(self, name: str, given: dict[str, Any], token: str) -> Answer:
        known = METHODS.get(name)
        if known is None:
            raise SlackApiError("unknown_method", req_method=name)
        if known.token != "none":  # noqa: S105 -- a kind, not a secret
            self._admit(token, known.token)
        if known.scopes:
            self.desk.need(*known.scopes)
        if name in NEED_TEAM_ID:
            self._admit_to_workspace(given)
        return known.run(self.desk, CallArguments(given))

    def _admit(self, token: str, wanted: str) -> None:
        if not token:
            raise SlackApiError("not_authed")
        kind = self.tokens.get(token)
        if kind is None:
            raise SlackApiError("invalid_auth")
        if token in self.revoked:
            raise SlackApiError(self.revoked[token])
        if kind != wanted:
            raise SlackApiError("not_allowed_token_type")

    def _admit_to_workspace(self, given: dict[str, Any]) -> None:
        """Refuse an organisation's token without a workspace, or for one the app was not added to; others need none.

        `missing_argument` is what was seen: https://github.com/sgratzl/slack-cleaner/issues/101,
        https://github.com/lyft/omnibot/pull/44. "The token used is not granted the specific workspace access required
        to complete this request": https://docs.slack.dev/reference/methods/users.list#errors
        """
        if (installed := self.desk.workspace.org_install) is None:
            return
        if not given.get("team_id"):
            raise SlackApiError("missing_argument")
        if given["team_id"] not in (installed.added_to or ()):
            raise SlackApiError("team_access_not_granted")

    # ------------------------------------------------------------------ answering

    def _too_fast(self, name: str, given: dict[str, Any], seconds: str) -> web.Response:
        return self._answered(name, given, {"ok": False, "error": "ratelimited"}, 429, {"Retry-After": seconds})

    def _answered(
        self, name: str, given: dict[str, Any], answer: Answer, status: int = 200, extra: dict[str, str] | None = None
    ) -> web.Response:
        self._book(name, given, answer, status)
        scopes = ",".join(sorted(self.desk.workspace.scopes))
        accepted = ",".join(METHODS[name].scopes) if name in METHODS else ""
        # by the clock that stamps the messages, which need not be this machine's
        said = formatdate(self.desk.workspace.clock(), usegmt=True)
        headers = {"Date": said, "x-oauth-scopes": scopes, "x-accepted-oauth-scopes": accepted, **(extra or {})}
        return web.json_response(answer, status=status, headers=headers)

    def _book(self, name: str, given: dict[str, Any], answer: Answer | None, status: int) -> None:
        call = RecordedCall(name, given, self.desk.workspace.clock(), answer, status)
        self.calls.append(call)
        self.desk.workspace.changed("call", {"method": name, "ok": bool(answer and answer.get("ok"))})


def _whole(seconds: float) -> str:
    # Slack's Retry-After is whole seconds, and slack_sdk's handlers count on it.
    return str(ceil(seconds))


def _retry(fault: Fault) -> dict[str, str]:
    return {} if fault.retry_after is None else {"Retry-After": _whole(fault.retry_after)}

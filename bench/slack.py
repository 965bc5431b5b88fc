"""What Slack sends: a slash command, a click on a button, a form; signed, as over HTTP."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from urllib.parse import urlencode

SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


def command(number: int, person: int, run: str, sink_port: int, text: str = "builds courier") -> bytes:
    """One signed request, as Slack sends it. https://docs.slack.dev/interactivity/implementing-slash-commands"""
    return _signed(urlencode(typed(number, person, f"http://127.0.0.1:{sink_port}/answer/{run}/{number}", text)))


def typed(number: int, person: int, response_url: str, text: str) -> dict[str, str]:
    """What Slack says of a command, over HTTP and in Socket Mode alike."""
    return {
        "token": "gIkuvaNzQIHg97ATvDxqgjtO",
        "team_id": "T0BENCH",
        "team_domain": "bench",
        "channel_id": "C0RELEASES",
        "channel_name": "releases",
        "user_id": f"U0PERSON{person}",
        "user_name": f"person{person}",
        "command": "/applivery",
        "text": text,
        "api_app_id": "A0BENCH",
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": _trigger(number),
    }


def click(number: int, person: int, value: str, answer_port: int) -> bytes:
    """A click on a card's *Get build*, each on a card of its own: twice on one is a double click.

    https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
    """
    who = f"person{person}"
    ts = f"{time.time():.6f}"  # writing one click takes longer than a microsecond
    label = {"type": "plain_text", "text": "Get build", "emoji": True}
    button = {"type": "button", "action_id": "get.v1", "block_id": "b1", "text": label, "value": value}
    element = {key: candidate for key, candidate in button.items() if key != "block_id"}
    words = {"type": "mrkdwn", "text": "*Courier 2.4.0 (#173)* is ready"}
    card = {
        "type": "message",
        "bot_id": "B0BOT",
        "user": "U0BOT",
        "ts": ts,
        "text": "Courier 2.4.0 (#173) is ready",
        "blocks": [
            {
                "type": "section",
                "block_id": "b0",
                "text": words,
            },
            {"type": "actions", "block_id": "b1", "elements": [element]},
        ],
    }
    payload = {
        "type": "block_actions",
        "team": {"id": "T0BENCH", "domain": "bench"},
        "user": {"id": f"U0PERSON{person}", "username": who, "name": who, "team_id": "T0BENCH"},
        "api_app_id": "A0BENCH",
        "token": "gIkuvaNzQIHg97ATvDxqgjtO",
        "container": {"type": "message", "message_ts": ts, "channel_id": "C0RELEASES", "is_ephemeral": False},
        "trigger_id": _trigger(number),
        "channel": {"id": "C0RELEASES", "name": "releases"},
        "message": card,
        "state": {"values": {}},
        "response_url": f"http://127.0.0.1:{answer_port}/answer/{number}",
        "actions": [{**button, "action_ts": ts}],
    }
    return _signed(urlencode({"payload": json.dumps(payload)}))


def _trigger(number: int | str) -> str:
    """An id of its own in every round: the bot does what comes by the same one only once."""
    return f"{time.time_ns()}.738474920.{number}"


def submission(file_id: str, app: str, run: str) -> bytes:
    """The form of `upload`, sent. https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload"""
    option = {"text": {"type": "plain_text", "text": app}, "value": app}
    state = {
        "upload.app": {"upload.app": {"type": "external_select", "selected_option": option}},
        "upload.file": {"upload.file": {"type": "file_input", "files": [{"id": f"{file_id}{run}"}]}},
    }
    payload = {
        "type": "view_submission",
        "team": {"id": "T0BENCH", "domain": "bench"},
        "user": {"id": "U0PERSON0", "username": "ana", "name": "ana", "team_id": "T0BENCH"},
        "api_app_id": "A0BENCH",
        "token": "gIkuvaNzQIHg97ATvDxqgjtO",
        "trigger_id": _trigger(run),
        "view": {
            "id": f"V0UPLOAD{run}",
            "type": "modal",
            "callback_id": "upload.v1",
            "private_metadata": json.dumps({"channel": "C0RELEASES"}),
            "state": {"values": state},
        },
    }
    return _signed(urlencode({"payload": json.dumps(payload)}))


def _signed(body: str) -> bytes:
    now = str(int(time.time()))
    signature = hmac.new(SIGNING_SECRET.encode(), f"v0:{now}:{body}".encode(), hashlib.sha256).hexdigest()
    return (
        "POST /slack/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nAccept-Encoding: gzip,deflate\r\n"
        "User-Agent: Slackbot 1.0 (+https://api.slack.com/robots)\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"X-Slack-Request-Timestamp: {now}\r\nX-Slack-Signature: v0={signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()

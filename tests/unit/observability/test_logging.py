"""Logs in which no secret stands, whoever writes them and however, and counters that say what they count."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bot.domain.audit import Entrypoint
from bot.domain.outcomes import PollOutcome, RequestOutcome
from bot.exceptions import DeliveryUnknown
from bot.observability import logging as bot_logging
from bot.observability.metrics import Metrics
from bot.observability.redaction import HIDDEN, Redactor, redactor
from bot.slack.web_api import WebAPI

# Each is (a text as it may be logged, the part nobody may see). Assembled here, so that no scanner takes them for real.
XO = "xo" + "x"
SHAPES = [
    (f"token {XO}b-123456789012-abcDEF", f"{XO}b-123456789012-abcDEF"),
    (f"token={XO}p-1-2-3-f00", f"{XO}p-1-2-3-f00"),
    (f"refresh {XO}e-1-My0xLUV4cGl", f"{XO}e-1-My0xLUV4cGl"),
    (f"rotated {XO}e.{XO}b-1-Mi0yLTk4", "1-Mi0yLTk4"),
    ("app xa" + "pp-1-A012-345-deadbeef", "1-A012-345-deadbeef"),
    ("{'Authorization': 'Bearer eyJhbGciOiJI.eyJzdWIi.sig-na_ture'}", "eyJhbGciOiJI"),
    ("authorization: bearer opaque~token+/=", "opaque~token+/="),
    ("GET https://download-api.applivery.io/v1/download/4f5e6d7c8b.a_x-9 302", "4f5e6d7c8b.a_x-9"),
    ("https://x.test/v1/download/4f5e6d7c8b/manifest.plist", "4f5e6d7c8b"),
    ("<https://x.test/v1/download/4f5e6d7c8b|Install>", "4f5e6d7c8b"),
    ('POST "/webhooks/applivery/0123456789abcdef?x=1"', "0123456789abcdef"),
    ("GET /b/Zm9vYmFyYmF6cXV4LW9u 200", "Zm9vYmFyYmF6cXV4LW9u"),
    ("https://hooks.slack.com/commands/T0/123/AbCdEf", "AbCdEf"),
    ("https://hooks.slack.com/actions/T0/123/AbCdEf", "AbCdEf"),
    ("https://hooks.slack.com/services/T0/B0/AbCdEf", "AbCdEf"),
    ("wss://wss-primary.slack.com/link/?ticket=aa-bb.cc%2Fdd&app_id=1", "aa-bb.cc%2Fdd"),
    ("postgresql://bot:hunter2@db:5432/bot", "hunter2"),
    ("postgresql+psycopg://bot:hun@ter2@db/bot", "ter2"),
    ("postgresql://:hunter2@db/bot", "hunter2"),
    ("postgresql://db/bot?user=bot&password=hunter2&sslmode=require", "hunter2"),
    ("https://bucket.s3.test/a.ipa?X-Amz-Expires=60&X-Amz-Signature=c0ffee11", "c0ffee11"),
]
LEARNT = "correct horse battery staple"


@pytest.fixture
def logs(capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """Set up logs in a style and read what came out of them; everything is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    chatty = {name: logging.getLogger(name).level for name in ("slack_sdk", "aiohttp.access", "asyncio")}
    quiet = {name: logging.getLogger(name).level for name in ("alembic", "stamina")}
    before = structlog.get_config()

    def read(style: str, level: str = "INFO") -> Any:
        bot_logging.set_up_logs(level, style)
        return lambda: capsys.readouterr().err

    yield read
    root.handlers = handlers
    root.setLevel(level)
    for name, was in {**chatty, **quiet}.items():
        logging.getLogger(name).setLevel(was)
    structlog.reset_defaults()
    structlog.configure(**before)


# ------------------------------------------------------------------ what is taken out


@pytest.mark.parametrize(("text", "secret"), SHAPES)
def test_a_secret_is_known_by_its_shape(text: str, secret: str) -> None:
    shown = Redactor().text(text)
    assert secret not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize(("text", "secret"), SHAPES)
def test_redactor_keeps_text_around_secret(text: str, secret: str) -> None:
    shown = Redactor().text(f"before {text} after")
    assert shown.startswith("before ")
    assert shown.endswith(" after")


@pytest.mark.parametrize(
    "text",
    [
        "GET https://api.applivery.io/v1/organizations/acme/apps?page=2 took 0.31 s",
        "http://127.0.0.1:9000/v1/organizations",
        "ana@acme.test asked for courier 2.4.0 (173) at 2026-11-21T03:16:58+00:00",
        "key 0f8fad5b-d9cb-469f-a165-70867728950e in C012AB3CD",
        "/b/short /download/ /healthz",
        "sqlite:////var/lib/bot/bot.db",
        "password authentication failed for user bot",
    ],
)
def test_ordinary_words_are_left_alone(text: str) -> None:
    assert Redactor().text(text) == text


def test_a_secret_of_any_look_is_taken_out_once_it_was_learnt() -> None:
    redactor = Redactor()
    assert LEARNT in redactor.text(LEARNT)
    redactor.learn(LEARNT, None, "")
    assert redactor.text(f"it is {LEARNT}!{LEARNT}") == f"it is {HIDDEN}!{HIDDEN}"


def test_a_very_short_secret_hides_no_words() -> None:
    redactor = Redactor()
    redactor.learn("a", "build")
    assert redactor.text("a build") == "a build"


@pytest.mark.parametrize("secret", ["a.b*c+d?", "[]()^$|", "\\d\\d\\d\\d"])
def test_a_learnt_secret_is_a_word_and_no_pattern(secret: str) -> None:
    redactor = Redactor()
    redactor.learn(secret)
    assert redactor.text(f"<{secret}> 1234") == f"<{HIDDEN}> 1234"


class Odd:
    def __repr__(self) -> str:
        return f"Odd({LEARNT})"


@pytest.mark.parametrize(
    "value",
    [
        LEARNT,
        [LEARNT],
        (1, {"a": [LEARNT]}),
        {LEARNT: 1},
        {"a": {"b": {"c": LEARNT}}},
        {LEARNT},
        LEARNT.encode(),
        ValueError(LEARNT),
        Odd(),
        re.compile(LEARNT),
    ],
)
def test_a_secret_is_found_in_any_value(value: Any) -> None:
    redactor = Redactor()
    redactor.learn(LEARNT)
    assert LEARNT not in str(redactor.value(value))
    assert HIDDEN in str(redactor.value(value))


@pytest.mark.parametrize("value", [None, True, 0, 1.5, [], {}])
def test_redactor_keeps_type_of_harmless_value(value: Any) -> None:
    assert redacted_type(value) is type(value)


def redacted_type(value: Any) -> type:
    return type(Redactor().value(value))


@given(st.text(), st.sampled_from(SHAPES), st.text())
def test_no_text_around_a_secret_shows_it(before: str, shape: tuple[str, str], after: str) -> None:
    text, secret = shape
    redactor = Redactor()
    shown = redactor.text(f"{before} {text} {after}")
    assert shown.count(secret) <= before.count(secret) + after.count(secret)
    assert redactor.text(shown).count(secret) <= shown.count(secret)


# ------------------------------------------------------------------ in the logs

STYLES = ("console", "json")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("text", "secret"), SHAPES)
def test_no_line_shows_a_secret_in_its_words_or_its_facts(logs: Any, style: str, text: str, secret: str) -> None:
    read = logs(style)
    log = bot_logging.logger("bot.test")
    log.info(text)
    log.info("got %s", text)
    log.warning("fact", fact=text, nested={"list": [text, {"deep": (text,)}]}, raw=text.encode())
    log.bind(bound=text).error("bound")
    with structlog.contextvars.bound_contextvars(everywhere=text):
        log.info("context")
    shown = read()
    assert len(re.findall("bot.test", shown)) == 5
    assert secret not in shown


def fail(secret: str) -> None:
    try:
        raise KeyError(secret)
    except KeyError as error:
        raise RuntimeError(f"while {secret}") from error


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("text", "secret"), SHAPES)
def test_no_exception_shows_a_secret_nor_does_its_cause(logs: Any, style: str, text: str, secret: str) -> None:
    read = logs(style)
    try:
        fail(text)
    except RuntimeError as error:
        error.add_note(text)
        bot_logging.logger("bot.test").exception("request.error")
        bot_logging.logger("bot.test").error("request.error", exc_info=error)
        logging.getLogger("a.library").exception("it failed with %s", text)
        logging.getLogger("a.library").error("it failed", exc_info=error)
    shown = read()
    assert shown.count("Traceback") == 8, "each says where it happened, and where its cause did"
    assert shown.count("RuntimeError: while ") == 4
    assert secret not in shown


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("text", "secret"), SHAPES)
def test_no_library_shows_a_secret(logs: Any, style: str, text: str, secret: str) -> None:
    read = logs(style)
    library = logging.getLogger("a.library")
    library.warning(text)
    library.warning("%s and %r", text, {"headers": [text]})
    library.warning("%(url)s", {"url": text})
    library.warning("extra", extra={"url": text})
    logging.getLogger("slack_sdk.web").error("Sending a request - %s", text)
    shown = read()
    assert len(shown.splitlines()) == 5
    assert secret not in shown


@pytest.mark.parametrize("style", STYLES)
def test_a_learnt_secret_is_in_no_line(logs: Any, style: str) -> None:
    read = logs(style)
    redactor.learn(LEARNT)
    bot_logging.logger("bot.test").info("it is %s", LEARNT, fact=[LEARNT])
    logging.getLogger("a.library").warning("it is %s", LEARNT)
    shown = read()
    assert shown.count(HIDDEN) == 3
    assert LEARNT not in shown


def test_json_log_line_is_one_object_for_any_content(logs: Any) -> None:
    read = logs("json")
    bot_logging.logger("bot.test").info("an\nevent", text="a\nb\u2028c", odd=Odd(), number=1, nothing=None)
    logging.getLogger("a.library").warning("two\nlines")
    try:
        fail("x")
    except RuntimeError:
        bot_logging.logger("bot.test").exception("broke")
    lines = [json.loads(line) for line in read().splitlines()]
    assert [line["event"] for line in lines] == ["an\nevent", "two\nlines", "broke"]
    assert lines[0]["number"] == 1
    assert lines[0]["nothing"] is None
    assert [line["level"] for line in lines] == ["info", "warning", "error"]
    assert [line["logger"] for line in lines] == ["bot.test", "a.library", "bot.test"]
    assert all(line["timestamp"].endswith("Z") for line in lines)
    assert "KeyError" in lines[2]["exception"]


def test_the_level_is_obeyed_and_chatty_libraries_are_kept_quiet(logs: Any) -> None:
    read = logs("console", "INFO")
    bot_logging.logger("bot.test").debug("ours, too fine")
    bot_logging.logger("bot.test").info("ours")
    logging.getLogger("slack_sdk.socket_mode").info("a message of a library")
    logging.getLogger("slack_sdk.socket_mode").warning("a warning of a library")
    shown = read()
    assert "too fine" not in shown
    assert "ours" in shown
    assert "a message" not in shown
    assert "a warning" in shown


def test_setting_up_twice_logs_once(logs: Any) -> None:
    logs("json")
    read = logs("console")
    bot_logging.logger("bot.test").info("only once")
    assert read().count("only once") == 1


# ------------------------------------------------------------------ metrics


def families(metrics: Metrics) -> dict[str, Any]:
    return {
        metric.name: metric for metric in text_string_to_metric_families(generate_latest(metrics.registry).decode())
    }


def test_every_metric_has_prefix_documentation_and_unit() -> None:
    """A name starts with the prefix of the bot or of the process."""
    for name, family in families(Metrics()).items():
        assert name.startswith(("applivery_bot_", "process_")), name
        assert family.documentation
        assert family.type in ("counter", "gauge", "histogram")
        if family.type == "histogram":
            assert name.endswith("_seconds")


def test_requests_are_counted_by_door_name_and_outcome() -> None:
    metrics = Metrics()
    metrics.requests.labels(Entrypoint.COMMAND, "get", RequestOutcome.ANSWERED).inc()
    metrics.requests.labels(Entrypoint.COMMAND, "get", RequestOutcome.ANSWERED).inc()
    metrics.requests.labels(Entrypoint.BUTTON, "get.v1", RequestOutcome.DENIED).inc()
    samples = families(metrics)["applivery_bot_requests"].samples
    counted = {tuple(sample.labels.values()): sample.value for sample in samples if sample.name.endswith("_total")}
    assert counted == {("command", "get", "answered"): 2, ("button", "get.v1", "denied"): 1}


def test_two_services_in_one_process_count_for_themselves() -> None:
    metrics, other = Metrics(), Metrics()
    metrics.polls.labels(PollOutcome.IDLE).inc()
    assert len(families(metrics)["applivery_bot_polls"].samples) > 0
    assert len(families(other)["applivery_bot_polls"].samples) == 0


def test_no_metric_is_told_apart_by_person_channel_app_or_token() -> None:
    metrics = Metrics()
    labels = {label for var in vars(metrics).values() for label in getattr(var, "_labelnames", ())}
    assert labels <= {
        "door",
        "name",
        "outcome",
        "call",
        "route",
        "method",
        "status",
        "kind",
        "event",
        "reason",
        "check",
        "version",
        "state",
    }


# ------------------------------------------------------------------ what is not even written out


class Words(str):
    """A text that counts how often it was written out for a log."""

    times = 0

    def __repr__(self) -> str:
        Words.times += 1
        return super().__repr__()


class BrokenSession:
    """A session whose every request fails before it is made."""

    closed = False

    def request(self, *_: Any, **__: Any) -> Any:
        raise aiohttp.ClientConnectionError


async def test_slack_sdk_writes_out_no_request_at_usual_levels(logs: Any) -> None:
    logs("json")
    session: Any = BrokenSession()
    api = WebAPI(token="xoxb-1", base_url="https://slack.test/api/", session=session, once=True)
    with pytest.raises(DeliveryUnknown):
        await api.api_call("chat.postMessage", json={"text": Words("a card")})
    assert Words.times == 0

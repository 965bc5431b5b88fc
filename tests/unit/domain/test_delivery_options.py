"""How a subscription is told: typed, said back, and until when what happens now is kept back."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import delivery_options, grammar
from bot.domain.grammar import ParsedText
from bot.domain.model import DeliveryOptions
from bot.exceptions import UserInputError
from tests.support.facts import NOON, subscription, texts
from tests.unit.domain.timeparse.test_schedule import ZONES, _schedules

MADRID = "Europe/Madrid"
HOUR = timedelta(hours=1)


def typed(text: str, tz: str = MADRID) -> DeliveryOptions:
    return delivery_options.manner(grammar.parse(text), tz)


# ------------------------------------------------------------------ what was typed


def test_without_a_word_the_manner_is_the_usual_one() -> None:
    assert typed("courier on:processed branch:main") == DeliveryOptions(tz=MADRID)
    assert delivery_options.options(DeliveryOptions(tz=MADRID)) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("format:compact", DeliveryOptions(compact=True)),
        ("format:full", DeliveryOptions()),
        ("FORMAT:Compact", DeliveryOptions(compact=True)),
        ("threads:off", DeliveryOptions(threads=False)),
        ("threads:on", DeliveryOptions()),
        ("group:version", DeliveryOptions(grouped=True)),
        ("group:off", DeliveryOptions()),
        ("label:Staging", DeliveryOptions(label="Staging")),
        ('label:" Staging 2 "', DeliveryOptions(label="Staging 2")),
        (f"label:{'x' * 40}", DeliveryOptions(label="x" * 40)),
        ("mention:@beta", DeliveryOptions(mention="@beta")),
        ("mention:none", DeliveryOptions()),
        ("digest:daily", DeliveryOptions(digest="daily@09:00")),
        ("digest:Fri@17:30", DeliveryOptions(digest="friday@17:30")),
        ("digest:off", DeliveryOptions()),
        ("quiet:22-8", DeliveryOptions(quiet="22:00-08:00")),
        ("quiet:22:30–08:15", DeliveryOptions(quiet="22:30-08:15")),
        ("quiet:off", DeliveryOptions()),
        ("quiet:22-8 tz:Europe/Lisbon", DeliveryOptions(quiet="22:00-08:00", tz="Europe/Lisbon")),
    ],
)
def test_a_manner_is_typed_loosely_and_means_one_thing(text: str, expected: DeliveryOptions) -> None:
    assert typed(text, expected.tz) == expected


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("format:tiny", "`format:compact` or `format:full`"),
        ("threads:maybe", "`threads:o"),
        ("group:app", "`group:version`"),
        ("digest:hourly", "daily@09:00"),
        ("quiet:night", "quiet:22:00-08:00"),
        ("quiet:25-8", "quiet:22:00-08:00"),
        ("quiet:08:00-8", "quiet:22:00-08:00"),
        ("tz:Madrid", "tz:Europe/Madrid"),
        ("-threads:on", "`threads:off`"),
        ("label:a label:b", "`label:a` or `label:b`"),
        (f"label:{'x' * 41}", "The limit is 40."),
    ],
)
def test_delivery_options_invalid_refused_with_example(text: str, hint: str) -> None:
    with pytest.raises(UserInputError) as caught:
        typed(text)
    assert hint in f"{caught.value.sentence} {caught.value.next_step}"


clocks = st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda at: f"{at[0]:02}:{at[1]:02}")
quiets = st.tuples(clocks, clocks).filter(lambda both: both[0] != both[1]).map("-".join)
some = st.builds(
    DeliveryOptions,
    compact=st.booleans(),
    threads=st.booleans(),
    grouped=st.booleans(),
    label=texts.map(lambda text: text.strip()[:40].strip()).filter(lambda text: not text.startswith("//")),
    mention=st.sampled_from(("", "@beta", "S0BETA")),
    digest=st.just("") | _schedules.map(str),
    quiet=st.just("") | quiets,
    tz=st.sampled_from(ZONES),
)


@given(some)
def test_delivery_options_explanation_parses_to_the_same(other_options: DeliveryOptions) -> None:
    options = delivery_options.options(other_options)
    again = delivery_options.manner(grammar.parse(grammar.explain(ParsedText((), options))), other_options.tz)
    same = {
        name: getattr(other_options, name)
        for name in ("compact", "threads", "grouped", "mention", "digest", "quiet", "tz")
    }
    assert {name: getattr(again, name) for name in same} == same
    assert again.label == other_options.label


@given(st.sampled_from(delivery_options.KEYS), texts)
def test_delivery_options_any_text_is_parsed_or_refused(key: str, text: str) -> None:
    with suppress(UserInputError):
        typed(f"{key}:{text}")


# ------------------------------------------------------------------ until when


def until(now: datetime, *, muted: datetime | None = None, **manner: str) -> datetime | None:
    return delivery_options.held_until(
        subscription(manner=DeliveryOptions(**{"tz": MADRID, **manner}), muted_until=muted), now
    )


def madrid(*when: int, fold: int = 0) -> datetime:
    return datetime(*when, fold=fold, tzinfo=ZoneInfo(MADRID)).astimezone(UTC)


def test_usually_nothing_is_kept_back() -> None:
    assert until(NOON) is None
    assert until(NOON, muted=NOON) is None, "a mute is over when it is over"


def test_a_mute_keeps_back_until_it_is_over() -> None:
    assert until(NOON, muted=NOON + HOUR) == NOON + HOUR


def test_a_digest_keeps_back_until_it_is_due() -> None:
    assert until(madrid(2026, 11, 21, 8, 59), digest="daily@09:00") == madrid(2026, 11, 21, 9)
    assert until(madrid(2026, 11, 21, 9), digest="daily@09:00") == madrid(2026, 11, 22, 9)


def test_a_digest_during_a_mute_is_the_first_one_after_it() -> None:
    muted = madrid(2026, 11, 23, 12)
    assert until(madrid(2026, 11, 21, 8), muted=muted, digest="daily@09:00") == madrid(2026, 11, 24, 9)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ((2026, 11, 20, 21, 59), None),
        ((2026, 11, 20, 22, 0), (2026, 11, 21, 8)),
        ((2026, 11, 20, 23, 59), (2026, 11, 21, 8)),
        ((2026, 11, 21, 0, 0), (2026, 11, 21, 8)),
        ((2026, 11, 21, 7, 59), (2026, 11, 21, 8)),
        ((2026, 11, 21, 8, 0), None),
    ],
)
def test_quiet_hours_go_over_midnight(now: tuple[int, ...], end: tuple[int, ...] | None) -> None:
    assert until(madrid(*now), quiet="22:00-08:00") == (madrid(*end) if end else None)


def test_quiet_hours_within_a_day_leave_the_night_alone() -> None:
    assert until(madrid(2026, 11, 21, 13), quiet="12:00-14:00") == madrid(2026, 11, 21, 14)
    assert until(madrid(2026, 11, 21, 3), quiet="12:00-14:00") is None


def test_a_mute_that_ends_in_quiet_hours_goes_on_to_their_end() -> None:
    now = madrid(2026, 11, 21, 20)
    assert until(now, muted=madrid(2026, 11, 21, 23), quiet="22:00-08:00") == madrid(2026, 11, 22, 8)
    assert until(now, muted=madrid(2026, 11, 21, 21), quiet="22:00-08:00") == madrid(2026, 11, 21, 21)


def test_quiet_hours_end_at_their_hour_on_clock_change() -> None:
    assert until(madrid(2026, 3, 28, 23), quiet="22:00-08:00") == datetime(2026, 3, 29, 6, tzinfo=UTC)
    assert until(madrid(2026, 10, 24, 23), quiet="22:00-08:00") == datetime(2026, 10, 25, 7, tzinfo=UTC)
    # 02:30 does not exist that night: it is over when the clocks change
    assert until(madrid(2026, 3, 28, 23), quiet="22:00-02:30") == datetime(2026, 3, 29, 1, tzinfo=UTC)
    # and here it comes twice: what happens in the hour's second turn waits for the second end
    assert until(madrid(2026, 10, 25, 2, 15), quiet="22:00-02:30") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert until(madrid(2026, 10, 25, 2, 15, fold=1), quiet="22:00-02:30") == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(moments, st.none() | moments, some)
def test_delivery_held_always_until_later(now: datetime, muted: datetime | None, options: DeliveryOptions) -> None:
    """A delivery is never held until a time that has passed."""
    held = delivery_options.held_until(subscription(manner=options, muted_until=muted), now)
    if muted and muted > now + timedelta(days=30):
        muted = None  # longer than a mute can be: it is from a clock that was ahead
    if held is None:
        assert not options.digest
        assert muted is None or muted <= now
    else:
        assert held > now
        assert muted is None or held >= min(muted, held)
        assert muted is None or muted <= now or held >= muted


@given(moments, st.sampled_from(ZONES), clocks, st.integers(60, 22 * 60 - 1))
def test_quiet_hours_last_less_than_a_day_and_end_exclusive(now: datetime, tz: str, start: str, minutes: int) -> None:
    begin = datetime(2026, 1, 1, int(start[:2]), int(start[3:]), tzinfo=UTC)
    options = DeliveryOptions(quiet=f"{start}-{begin + timedelta(minutes=minutes):%H:%M}", tz=tz)
    if end := delivery_options.quiet_ends(options, now):
        assert now < end <= now + timedelta(minutes=minutes) + HOUR
        assert delivery_options.quiet_ends(options, end) is None


@pytest.mark.parametrize(
    ("tz", "quiet", "now", "end"),
    [
        (MADRID, "22:00-02:30", datetime(2027, 3, 27, 23, 0, tzinfo=UTC), datetime(2027, 3, 28, 1, 0, tzinfo=UTC)),
        (MADRID, "22:00-03:00", datetime(2027, 3, 27, 23, 0, tzinfo=UTC), datetime(2027, 3, 28, 1, 0, tzinfo=UTC)),
        (
            "Australia/Lord_Howe",
            "22:00-02:15",
            datetime(2026, 10, 3, 13, 0, tzinfo=UTC),
            datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
        ),
    ],
)
def test_quiet_hours_in_a_skipped_hour_end_at_the_change(tz: str, quiet: str, now: datetime, end: datetime) -> None:
    assert delivery_options.quiet_ends(DeliveryOptions(quiet=quiet, tz=tz), now) == end

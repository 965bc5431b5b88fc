"""Spanish time words: one for each English one, read whatever language the person has."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain import grammar
from bot.domain.timeparse import deadline, period, schedule, time_words
from bot.exceptions import UserInputError

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)  # a Wednesday
TZ = "Europe/Madrid"

# Every kind of word that the English grammars know.
PERIODS = {
    "today": "hoy",
    "now": "ahora",
    "yesterday": "ayer",
    "this week": "esta semana",
    "last week": "la semana pasada",
    "last-week": "semana pasada",
    "this month": "este mes",
    "last month": "el mes pasado",
    "last_month": "mes pasado",
    "2h": "2 horas",
    "1h": "hace 1 hora",
    "3d": "3 días",
    "1d": "1 dia",
    "2w": "2 semanas",
    "1w": "1 semana",
    "1m": "1 mes",
    "2m": "hace 2 meses",
    "monday": "lunes",
    "tuesday": "martes",
    "wednesday": "miércoles",
    "thursday": "el jueves",
    "friday": "VIERNES",
    "saturday": "sábado",
    "sunday": "domingo",
    "sun": "dom",
    "yesterday..today": "ayer..hoy",
}
DEADLINES = {
    "tomorrow": "mañana",
    "tomorrow 10:00": "mañana a las 10:00",
    "until friday": "hasta el viernes",
    "until friday 10:00": "hasta el viernes a las 10:00",
    "for 30 minutes": "durante 30 minutos",
    "30m": "30 minutos",
    "1m": "1 minuto",
    "2 hours": "dentro de 2 horas",
    "2 days": "2 días",
    "1 week": "1 semana",
    "today 18:00": "hoy a las 18:00",
    "sat": "sab",
}
SCHEDULES = {
    "daily@09:00": "diario@9:00",
    "daily@18:30": "todos los días a las 18:30",
    "daily@08:00": "cada día a las 8",
    "weekdays@09:00": "laborables@09:00",
    "weekdays@10:00": "días laborables a las 10",
    "monday@09:00": "cada lunes a las 9",
    "mon,thu@17:30": "lunes y jueves a las 17:30",
    "sat,sun@10:00": "sábado,domingo@10:00",
    "wednesday@10:00": "los miercoles a las 10:00",
}


def test_spanish_period_means_the_english_one() -> None:
    for english, words in PERIODS.items():
        for typed in (words, time_words.plain(words), words.upper()):
            assert period.parse(typed, None, now=NOW, tz=TZ) == period.parse(english, None, now=NOW, tz=TZ), typed


def test_spanish_deadline_means_the_english_one() -> None:
    for english, words in DEADLINES.items():
        for typed in (words, time_words.plain(words), words.capitalize()):
            assert deadline.parse(typed, now=NOW, tz=TZ) == deadline.parse(english, now=NOW, tz=TZ), typed


def test_spanish_schedule_means_the_english_one() -> None:
    for english, words in SCHEDULES.items():
        assert schedule.parse(words) == schedule.parse(english), words
        assert schedule.parse(time_words.plain(words)) == schedule.parse(english), words


def test_spanish_past_is_no_deadline() -> None:
    for typed in ("hace 3 días", "ayer", "semana pasada"):
        with pytest.raises(UserInputError):
            deadline.parse(typed, now=NOW, tz=TZ)


ENGLISH = {"today", "now", "yesterday", "tomorrow", "this week", "last week", "this month", "last month"}


def test_every_english_time_word_has_a_spanish_one() -> None:
    assert set(time_words.WORDS.values()) >= ENGLISH | {"until", "for", "at", "daily", "weekdays"}
    assert len(time_words.SPANISH_NAMES) == len(time_words.NAMES)
    assert {*time_words.UNITS.values(), *time_words.PERIOD_UNITS.values()} == {"m", "h", "d", "w"}
    assert set(deadline._NEAR) <= ENGLISH


def test_spanish_words_clash_with_no_english_ones() -> None:
    english = [
        *ENGLISH,
        *time_words.NAMES,
        *deadline._FILLERS,
        "daily",
        "weekdays",
        "7d",
        "30m",
        "4h",
        "2 weeks",
        "last-week",
    ]
    assert [word for word in english if time_words.english(word) != word] == []
    assert not {time_words.plain(word) for word in time_words.WORDS} & set(english)
    for name in time_words.NAMES:
        for length in range(3, len(name) + 1):
            assert time_words.weekday(name[:length]) == time_words.NAMES.index(name)


def test_spanish_times_are_told_from_an_apps_name() -> None:
    assert deadline.split("courier hasta el viernes a las 10:00") == ("hasta el viernes a las 10:00", "courier")
    assert deadline.split("el tiempo 4h") == ("4h", "el tiempo")
    assert deadline.split("La App mañana") == ("mañana", "La App")
    assert deadline.split("courier 2 horas") == ("2 horas", "courier")


@pytest.mark.parametrize(
    ("typed", "value"), [("semana pasada", "semana pasada"), ("3 días", "3 días"), ("mes pasado", "mes pasado")]
)
def test_spanish_option_of_two_words_needs_no_quotes(typed: str, value: str) -> None:
    read = grammar.closed_up(grammar.read(f"courier since:{typed}"))
    assert read.values("since") == (value,)
    assert read.plain == ("courier",)

"""What a person reads when something goes wrong: whole sentences, and the next step."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import bot
from bot import exceptions, i18n
from bot.applivery import paths
from bot.domain.lookup import AmbiguousInput
from bot.domain.text_limits import TextTooLong
from bot.exceptions import BotError, InvalidId, NotFoundByName
from bot.i18n import NO_TEXT, Text, _, english
from bot.i18n import locale as locales
from bot.slack.scopes import OPTIONAL

ROOT = Path(bot.__file__).parent
ENDS = (".", "?", "…")


def kinds(of: type[BotError] = BotError) -> Iterator[type[BotError]]:
    yield of
    for subclass in of.__subclasses__():
        yield from kinds(subclass)


KINDS = sorted({kind for kind in kinds() if kind.__module__ == exceptions.__name__}, key=lambda cls: cls.__name__)


def asked_for(kind: type[BotError]) -> list[str]:
    """What has to be given to raise one of this kind."""
    parameters = list(inspect.signature(kind).parameters.values())
    return [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL
    ]


# Their next step says how long to wait.
WAITS = {exceptions.SlackRateLimited: 1, exceptions.AppliveryRateLimited: 2}
BARE = [kind for kind in KINDS if not asked_for(kind) and kind not in WAITS]
FREE = [kind for kind in BARE if "sentence" in inspect.signature(kind).parameters]


def ended(text: str) -> bool:
    return text.endswith(ENDS)


@pytest.mark.parametrize("kind", KINDS)
def test_error_has_complete_sentence_and_next_step(kind: type[BotError]) -> None:
    sentence, step = str(kind.sentence), str(kind.next_step)
    assert sentence[0].isupper()
    assert sentence.endswith(".")
    assert not step or ended(step)
    assert not step or step[0].isupper()


@pytest.mark.parametrize("kind", KINDS)
def test_no_sentence_speaks_of_numbers_classes_or_tracebacks(kind: type[BotError]) -> None:
    said = f"{kind.sentence} {kind.next_step}"
    assert not re.search(r"\b\d{3,}\b|Error|Exception|Traceback|None|null|HTTP|JSON", said)


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_says_what_it_is_for_the_reader_of_the_code(kind: type[BotError]) -> None:
    assert (inspect.getdoc(kind) or "").endswith(".")
    assert inspect.getdoc(kind) != inspect.getdoc(kind.__mro__[1])


@pytest.mark.parametrize("kind", BARE)
def test_an_error_raised_bare_has_the_words_of_its_kind(kind: type[BotError]) -> None:
    error = kind()
    assert (error.sentence, error.next_step) == (kind.sentence, kind.next_step)
    assert str(error) == f"{kind.sentence} {kind.admin_step or kind.next_step}".strip()


@pytest.mark.parametrize("kind", KINDS)
def test_members_are_told_no_task_of_an_admin(kind: type[BotError]) -> None:
    said = f"{kind.sentence} {kind.next_step}"
    assert not re.search(r"`[A-Z_]{6,}`|Workspace Settings|[Rr]einstall|scope|\blog\b", said)


@pytest.mark.parametrize("kind", KINDS)
def test_an_admin_is_not_sent_to_an_admin(kind: type[BotError]) -> None:
    if issubclass(kind, exceptions.PermissionDenied):
        return
    assert not re.search(r"\badmin\b", f"{kind.admin_step or kind.next_step}")


def test_the_next_step_is_the_readers() -> None:
    error = exceptions.InvalidCredentials()
    assert error.step_for(admin=False) == exceptions.ADMINS_FIX
    assert "`APPLIVERY_TOKEN`" in str(error.step_for(admin=True))
    assert exceptions.ServiceUnavailable().step_for(admin=True) == exceptions.ServiceUnavailable.next_step


def test_a_given_next_step_is_every_readers() -> None:
    error = exceptions.InvalidCredentials(next_step=english("Wait."))
    assert error.step_for(admin=True) == error.step_for(admin=False) == english("Wait.")
    both = exceptions.InvalidCredentials(None, english("Wait."), english("Renew it."))
    assert (str(both.next_step), str(both.step_for(admin=True))) == ("Wait.", "Renew it.")


@pytest.mark.parametrize(("kind", "seconds"), WAITS.items())
def test_an_error_that_passes_says_how_long_to_wait(kind: type[BotError], seconds: int) -> None:
    assert (kind().sentence, kind().next_step) == (kind.sentence, exceptions.again_in(seconds))
    assert _(kind().next_step, "es") == _(exceptions.again_in(seconds), "es") != str(kind().next_step)


# One of each kind that takes something; what is from outside is in them.
MADE: list[Callable[[], BotError]] = [
    *BARE,
    *WAITS,
    lambda: NotFoundByName(Text("app"), "cuorier", ["courier"]),
    lambda: NotFoundByName(Text("app"), "zzz"),
    lambda: exceptions.FeatureOff(OPTIONAL["usergroups:read"].refusal, "usergroups:read"),
    lambda: InvalidId(paths.NO_BUILD_ID, "x" * 99),
    lambda: exceptions.BuildRecalled("Courier 2.4.0", "crash"),
    lambda: exceptions.BuildRecalled("Courier 2.4.0", "crash", ("Courier 2.3.0", "a/b")),
    lambda: exceptions.RateLimited(3),
    lambda: AmbiguousInput(Text("Which app?"), [("One", "1")]),
    lambda: TextTooLong(Text("The label"), "x" * 41_000, 40_000),
]


class Unreadable:
    """The language of the moment, for what must not ask for it."""

    def get(self) -> str:
        raise AssertionError("the language was read")


@pytest.mark.parametrize("made", MADE)
def test_no_error_reads_the_language(made: Callable[[], BotError], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locales, "_SPOKEN", Unreadable())
    error = made()
    assert str(error) == f"{_(error.sentence, 'en')} {_(error.step_for(admin=True), 'en')}".strip()
    assert repr(error).startswith(error.kind)
    with pytest.raises(AssertionError, match="the language was read"):
        _(error.sentence)


def test_every_kind_of_error_is_made() -> None:
    assert {type(made()) for made in MADE} >= set(KINDS)


@pytest.mark.parametrize("made", MADE)
def test_one_error_is_said_in_both_languages(made: Callable[[], BotError]) -> None:
    error = made()
    with i18n.use_locale("es"):
        spanish = _(error.sentence), _(error.next_step)
    english_too = _(error.sentence), _(error.next_step)
    assert spanish[0] != english_too[0]
    assert spanish[1] != english_too[1] or not spanish[1]


def test_texts_within_a_text_are_said_in_its_language() -> None:
    error = NotFoundByName(Text("app"), "gte", otherwise=Text("Choose {names}.", names=Text("another app")))
    with i18n.use_locale("es"):
        assert _(error.sentence) == "No hay app que se llame “gte”."
        assert _(error.next_step) == f"Elige {_('another app')}."


def test_error_log_text_is_the_same_in_every_language() -> None:
    with i18n.use_locale("es"):
        logged = [
            repr(exceptions.ServiceUnavailable(status=502)),
            repr(exceptions.NotFound(code=3001)),
            repr(exceptions.RateLimited(3)),
        ]
    assert logged == ["AppliveryDown(HTTP 502)", "Gone(code 3001)", "TooEager"]


@pytest.mark.parametrize(
    ("wait", "english", "spanish"),
    [
        (0.2, "in 1 second.", "dentro de 1 segundo."),
        (119.4, "in 119 seconds.", "dentro de 119 segundos."),
        (120, "in 2 minutes.", "dentro de 2 minutos."),
        (3600, "in 60 minutes.", "dentro de 60 minutos."),
    ],
)
def test_rate_limited_error_says_when_to_retry(wait: float, english: str, spanish: str) -> None:
    step = exceptions.RateLimited(wait).next_step
    assert _(step) == f"Try again {english}"
    with i18n.use_locale("es"):
        assert _(step) == f"Inténtalo de nuevo {spanish}"


@pytest.mark.parametrize("kind", FREE)
def test_error_specific_words_replace_default_for_it_only(kind: type[BotError]) -> None:
    error = kind(english("The dog ate it."), NO_TEXT)
    assert (str(error.sentence), str(error.next_step), str(error)) == ("The dog ate it.", "", "The dog ate it.")
    assert kind(english("The dog ate it.")).next_step == kind.next_step
    assert str(kind.sentence) != "The dog ate it."


def test_every_kind_of_error_has_words_of_its_own() -> None:
    said = [kind.sentence for kind in BARE if not issubclass(kind, exceptions.StartupError)]
    assert len(said) > 15
    assert len(set(said)) == len(said)


def test_error_by_user_input_has_no_reference_and_bug_has() -> None:
    for kind in KINDS:
        if issubclass(kind, exceptions.UserInputError | exceptions.PermissionDenied):
            assert kind.everyday, kind
    for kind in (
        exceptions.ServiceUnavailable,
        exceptions.InvalidResponse,
        exceptions.DatabaseUnavailable,
        exceptions.DeliveryUnknown,
        exceptions.MessageRejected,
    ):
        assert not kind.everyday, kind


# ------------------------------------------------------------------ words with names in them


def test_unknown_name_error_suggests_closest_names() -> None:
    error = NotFoundByName(Text("app"), "cuorier", ["courier", "rider"], otherwise=Text("List them."))
    assert str(error) == "There is no app called “cuorier”. Did you mean `courier` or `rider`?"
    assert (
        str(NotFoundByName(Text("app"), "zzz", otherwise=Text("List them.")))
        == "There is no app called “zzz”. List them."
    )
    assert str(NotFoundByName(Text("app"), "zzz")) == "There is no app called “zzz”."


@pytest.mark.parametrize(
    "error", [NotFoundByName(Text("app"), "x" * 40_000), InvalidId("“{typed}” is too long.", "x" * 40_000)]
)
def test_error_quotes_only_part_of_long_input(error: BotError) -> None:
    assert len(str(error)) < 250
    assert "…" in str(error.sentence)


def test_choices_are_kept_in_order() -> None:
    error = AmbiguousInput(english("Two fit."), [("One", "1"), ("Two", "2")])
    assert error.choices == (("One", "1"), ("Two", "2"))
    assert str(error.next_step) == "Which one?"


# ------------------------------------------------------------------ every sentence in the house


def raised() -> Iterator[tuple[str, ast.expr]]:
    """Every word given to an error anywhere in the bot: where, and what."""
    # StartupError is for the shell, where a line may end with an address to copy
    names = {
        AmbiguousInput.__name__,
        *(kind.__name__ for kind in FREE if not issubclass(kind, exceptions.StartupError)),
    }
    for file in sorted(ROOT.rglob("*.py")):
        if "sandbox" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                words = [
                    *node.args[:2],
                    *(keyword.value for keyword in node.keywords if keyword.arg in ("sentence", "next_step")),
                ]
                yield from ((f"{file.relative_to(ROOT.parent)}:{node.lineno}", word) for word in words)


CALLS = ("_", "ngettext", "gettext_noop", "Text", "Counted")


def last_words(word: ast.expr) -> list[str]:
    """How a literal may end; nothing for what is put together somewhere else."""
    if isinstance(word, ast.Call) and isinstance(word.func, ast.Name) and word.func.id in CALLS:
        return [
            end for node in word.args[: 2 if word.func.id in ("ngettext", "Counted") else 1] for end in last_words(node)
        ]
    if isinstance(word, ast.IfExp):
        return [*last_words(word.body), *last_words(word.orelse)]
    if isinstance(word, ast.JoinedStr) and word.values:
        word = word.values[-1]
    return [word.value] if isinstance(word, ast.Constant) and isinstance(word.value, str) else []


def test_every_sentence_raised_anywhere_is_whole() -> None:
    found = list(raised())
    assert len(found) > 50, "this test would find nothing to complain about"
    torn = [(where, text) for where, word in found for text in last_words(word) if text and not ended(text)]
    assert torn == []


def test_a_torn_sentence_would_be_found() -> None:
    (call,) = ast.parse('BadInput(f"no {x} stop" if y else Text("Stop."), Counted("a {number}", "b", x))').body
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    assert [last_words(node) for node in call.value.args] == [[" stop", "Stop."], ["a {number}", "b"]]


def test_alternatives_are_named_by_choices_and_by_no_sentence() -> None:
    """What names right answers in its own words would be shown without their buttons."""
    named = re.compile(r"Did you mean|There (is|are): |Choose \{")
    found = [where for where, node in raised() for words in last_words(node) if named.search(words)]
    assert not found

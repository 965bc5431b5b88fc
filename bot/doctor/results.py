"""What a check found, and a report of all of them as text or JSON; pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from bot.i18n.verbatim import unmarked

Redact = Callable[[str], str]


class CheckOutcome(StrEnum):
    """How a check ended; only `BROKEN` makes the doctor fail."""

    WELL = "ok"
    WARNING = "warning"
    BROKEN = "broken"
    SKIPPED = "not checked"


_MARKS = {CheckOutcome.WELL: "✓", CheckOutcome.WARNING: "!", CheckOutcome.BROKEN: "✗", CheckOutcome.SKIPPED: "–"}
_WIDTH = max(len(outcome) for outcome in CheckOutcome)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of the report: what was looked at, how it is, and what to do about it.

    `blocks` names the checks that can only fail for the same reason: they are not made.
    """

    check: str
    outcome: CheckOutcome
    said: str
    fix: str = ""
    blocks: tuple[str, ...] = ()


def well(check: str, text: str) -> CheckResult:
    """Nothing to do."""
    return CheckResult(check, CheckOutcome.WELL, text)


def warning(check: str, said: str, fix: str, *, blocks: tuple[str, ...] = ()) -> CheckResult:
    """It works, and could be better or soon be worse."""
    return CheckResult(check, CheckOutcome.WARNING, said, fix, blocks)


def broken(check: str, text: str, fix: str, *, blocks: tuple[str, ...] = ()) -> CheckResult:
    """Something does not work until an admin acts."""
    return CheckResult(check, CheckOutcome.BROKEN, text, fix, blocks)


def skipped(check: str, text: str, fix: str = "") -> CheckResult:
    """Not looked at, and why."""
    return CheckResult(check, CheckOutcome.SKIPPED, text, fix)


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """Everything that was found, in the order it was looked at; `redact` takes secrets out of what is shown."""

    findings: tuple[CheckResult, ...]
    redact: Redact

    @property
    def fine(self) -> bool:
        """Whether nothing is broken; warnings are allowed."""
        return all(finding.outcome is not CheckOutcome.BROKEN for finding in self.findings)

    def text(self) -> str:
        """One line for each check, its fix below, and the sum of it all."""
        lines = [line for finding in self.findings for line in _lines(finding)]
        return unmarked(self.redact("\n".join([*lines, "", self._sum()])))

    def json(self) -> str:
        """The same for programs: `ok`, and `checks` with `check`, `outcome`, `said` and `fix`."""
        checks = [
            {
                "check": finding.check,
                "outcome": finding.outcome.value,
                "said": unmarked(self.redact(finding.said)),
                "fix": unmarked(self.redact(finding.fix)),
            }
            for finding in self.findings
        ]
        return json.dumps({"ok": self.fine, "checks": checks}, indent=2)

    def _sum(self) -> str:
        counts = {outcome: sum(finding.outcome is outcome for finding in self.findings) for outcome in CheckOutcome}
        return ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count) + "."


def _lines(finding: CheckResult) -> list[str]:
    one_line = " ".join(finding.said.split())
    lines = [f"{_MARKS[finding.outcome]} {finding.outcome:<{_WIDTH}}  {finding.check}: {one_line}"]
    return [*lines, f"{'':{_WIDTH + 4}}→ {' '.join(finding.fix.split())}"] if finding.fix else lines

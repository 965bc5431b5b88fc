"""Results of checks, and the report as text or JSON; pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from itertools import groupby

from msgspec import Struct

from bot.i18n.verbatim import unmarked

Redact = Callable[[str], str]


class CheckOutcome(StrEnum):
    """The outcome of a check; only `BROKEN` makes the doctor fail."""

    WELL = "ok"
    WARNING = "warning"
    BROKEN = "broken"
    SKIPPED = "not checked"
    OFF = "off"


_MARKS = {
    CheckOutcome.WELL: "✓",
    CheckOutcome.WARNING: "!",
    CheckOutcome.BROKEN: "✗",
    CheckOutcome.SKIPPED: "–",
    CheckOutcome.OFF: "-",
}


class CheckResult(Struct, frozen=True):
    """A line of the report: the check, the fact, and the fix.

    `blocks` are the checks that could only fail for the same reason, so they are skipped.
    """

    check: str
    outcome: CheckOutcome
    said: str
    fix: str = ""
    blocks: tuple[str, ...] = ()


def well(check: str, text: str) -> CheckResult:
    """Return the result of a check without problems."""
    return CheckResult(check, CheckOutcome.WELL, text)


def warning(check: str, said: str, fix: str, *, blocks: tuple[str, ...] = ()) -> CheckResult:
    """Return the result for something that works but should be improved, or will stop working."""
    return CheckResult(check, CheckOutcome.WARNING, said, fix, blocks)


def broken(check: str, text: str, fix: str, *, blocks: tuple[str, ...] = ()) -> CheckResult:
    """Return the result for something that does not work until an admin fixes it."""
    return CheckResult(check, CheckOutcome.BROKEN, text, fix, blocks)


def skipped(check: str, text: str, fix: str = "") -> CheckResult:
    """Return the result of a check that was skipped, with the reason."""
    return CheckResult(check, CheckOutcome.SKIPPED, text, fix)


def off(check: str, text: str, fix: str = "") -> CheckResult:
    """Return the result for a feature that is turned off on purpose."""
    return CheckResult(check, CheckOutcome.OFF, text, fix)


class DoctorReport(Struct, frozen=True):
    """All results in the order of the checks, and the next step; `redact` removes secrets from the output."""

    findings: tuple[CheckResult, ...]
    redact: Redact
    next_step: str

    @property
    def fine(self) -> bool:
        """Whether nothing is broken; warnings are allowed."""
        return all(finding.outcome is not CheckOutcome.BROKEN for finding in self.findings)

    def text(self) -> str:
        """Return a line for each check with its fix below, the counts, and the next step."""
        lines = [line for finding in _joined(self.findings) for line in _lines(finding)]
        return unmarked(self.redact("\n".join([*lines, "", self._counts(), f"Next: {_one_line(self.next_step)}"])))

    def json(self) -> str:
        """Return the report as JSON: `ok`, `next`, and `checks` with `check`, `outcome`, `said` and `fix`."""
        checks = [
            {
                "check": finding.check,
                "outcome": finding.outcome.value,
                "said": unmarked(self.redact(finding.said)),
                "fix": unmarked(self.redact(finding.fix)),
            }
            for finding in self.findings
        ]
        return json.dumps({"ok": self.fine, "next": unmarked(self.redact(self.next_step)), "checks": checks}, indent=2)

    def _counts(self) -> str:
        counts = {outcome: sum(finding.outcome is outcome for finding in self.findings) for outcome in CheckOutcome}
        return ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count) + "."


def _joined(findings: Sequence[CheckResult]) -> Iterator[CheckResult]:
    """Yield the results, with neighbours that were skipped for the same reason joined."""
    for (outcome, said, fix), group in groupby(
        findings, key=lambda finding: (finding.outcome, finding.said, finding.fix)
    ):
        results = list(group)
        if outcome is CheckOutcome.SKIPPED and len(results) > 1:
            names = dict.fromkeys(result.check for result in results)
            yield skipped(", ".join(names), said, fix)
        else:
            yield from results


def _lines(finding: CheckResult) -> list[str]:
    name = finding.check[:1].upper() + finding.check[1:]
    lines = [f"{_MARKS[finding.outcome]} {name}: {_one_line(finding.said)}"]
    return [*lines, f"  → {_one_line(finding.fix)}"] if finding.fix else lines


def _one_line(text: str) -> str:
    return " ".join(text.split())

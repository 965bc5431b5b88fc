"""Install what the named locks pin into the Python that runs this, hashes checked; called by setup.sh.

pip reads the index page of one package after the other, which is most of its time. As many pips run at once as there
are cores, each with its share of the packages. A lock names all that is needed, so none of them looks for more.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--no-warn-script-location")
MOST = 4  # pips at once
LINE_SECONDS = 2.0  # between two lines, where a line cannot be written over


def main(locks: list[str]) -> int:
    """Install the pins of these files; return the exit code."""
    pins = list(dict.fromkeys(pin for lock in locks for pin in read_pins(lock)))
    shares = [share for start in range(_at_once()) if (share := pins[start :: _at_once()])]
    progress = Progress(len(pins))
    with tempfile.TemporaryDirectory() as folder:
        threads, codes = [], [1] * len(shares)
        for number, share in enumerate(shares):
            lock = Path(folder) / f"{number}.lock"
            lock.write_text("".join(share), encoding="utf-8")

            def work(number: int = number, lock: Path = lock) -> None:
                codes[number] = _install(lock, progress)

            threads.append(threading.Thread(target=work))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    progress.end()
    return max(codes, default=0)


def read_pins(lock: str) -> list[str]:
    """Return the requirements of a lock, each with its hashes, without comments."""
    found: list[str] = []
    for line in Path(lock).read_text(encoding="utf-8").splitlines(keepends=True):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace() and found:
            found[-1] += line
        else:
            found.append(line)
    return found


def _at_once() -> int:
    return min(MOST, os.cpu_count() or 1)


def _install(lock: Path, progress: Progress) -> int:
    words = (*PIP, "--no-deps", "--require-hashes", "-r", str(lock))
    said: list[str] = []
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as pip:
        assert pip.stdout
        for line in pip.stdout:
            said.append(line)
            if line.startswith("Collecting "):
                progress.step()
    if pip.returncode:
        sys.stderr.writelines(said)
    return pip.returncode


class Progress:
    """How many packages there are already: one line, written over, in a terminal; a new one now and then in a log."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._lock = threading.Lock()
        self._written = time.monotonic()
        self._in_place = sys.stderr.isatty()

    def step(self) -> None:
        """Count one more."""
        with self._lock:
            self._done += 1
            now = time.monotonic()
            if self._in_place:
                self._write(f"\r{self._words()}")
            elif now - self._written >= LINE_SECONDS:
                self._written = now
                self._write(f"{self._words()}\n")

    def end(self) -> None:
        """Leave the line."""
        if self._in_place and self._done:
            self._write("\n")

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()

    def _words(self) -> str:
        return f"setup:      {self._done} of {self._total} packages"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

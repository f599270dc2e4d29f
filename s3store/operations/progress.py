"""Progress on a terminal: one line that is rewritten in place. Nothing is written to other streams."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from typing import Any

from s3store.core.units import human_size, human_span, printable
from s3store.operations.reports import Step, Watcher

_EVERY = 0.1
_METER_EVERY = 0.2
_WIDTH = 30


class Line:
    """A line of a terminal that is rewritten in place. Nothing is written if the stream is not a terminal."""

    def __init__(self, stream: Any, *, shown: bool = True) -> None:
        self._stream = stream
        self.shown = shown and bool(getattr(stream, "isatty", lambda: False)())

    def write(self, text: str) -> None:
        """Replace the line."""
        if self.shown:
            # Back to the first column, and clear to the end of the line.
            self._stream.write(f"\r\x1b[K{text}")
            self._stream.flush()

    def close(self) -> None:
        """Erase the line."""
        self.write("")


class Bar:
    """A progress bar for a known number of files."""

    def __init__(self, stream: Any, *, shown: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self._line = Line(stream, shown=shown)
        self._clock = clock
        self._began = self._last = clock()

    def step(self, name: str, done: int, total: int) -> None:
        """Show that `done` of `total` are done. `name` is the latest."""
        now = self._clock()
        if not self._line.shown or (now - self._last < _EVERY and done < total):
            return
        self._last = now
        full = _WIDTH * done // total
        rate = done / max(now - self._began, 0.001)
        line = f"[{'#' * full}{'.' * (_WIDTH - full)}] {done}/{total}, {rate:.0f}/s "
        room = shutil.get_terminal_size().columns - len(line) - 1
        shown = name.encode("unicode_escape").decode()
        self._line.write(line + (shown if len(shown) <= room else f"…{shown[len(shown) - room + 1 :]}" * (room > 1)))

    def close(self) -> None:
        """Erase the line."""
        self._line.close()


class Meter(Watcher):
    """Shows files, bytes, rate and the time that is left, for an operation whose size becomes known while it runs.

    `title` is the word at the start of the line. The time that is left is a guess from the bytes, or from the files
    if they are empty.
    """

    def __init__(
        self, title: str, stream: Any, *, shown: bool = True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._title = title
        self._line = Line(stream, shown=shown)
        self._clock = clock
        self._began = self._last = clock()
        self._lock = threading.Lock()
        self._expected = self._expected_size = 0
        self._done = self._moved = self._failed = 0

    def expect(self, objects: int, size: int) -> None:
        """Note how much more is to be done."""
        self._expected += objects
        self._expected_size += size

    def moved(self, size: int) -> None:
        """Note bytes of content, from any thread."""
        with self._lock:
            self._moved += size
        self._show()

    def step(self, step: Step) -> None:
        """Note a step that is done."""
        self._done += 1
        self._failed += step.op == "fail"
        self._show()

    def warn(self, text: str) -> None:  # noqa: ARG002 (shown by others)
        """Erase the line, so that the warning has one of its own."""
        self._line.close()

    def close(self) -> None:
        """Erase the line."""
        self._line.close()

    def _show(self) -> None:
        now = self._clock()
        if not self._line.shown or (now - self._last < _METER_EVERY and self._done < self._expected):
            return
        self._last = now
        text = self.text(now - self._began)
        self._line.write(printable(text)[: shutil.get_terminal_size().columns - 1])

    def text(self, seconds: float) -> str:
        """Return the line after that many seconds."""
        parts = [self._title, f"{self._done}/{max(self._done, self._expected)} files"]
        if self._expected_size:
            rate = self._moved / max(seconds, 0.001)
            parts += [f"{human_size(self._moved)}/{human_size(self._expected_size)}", f"{human_size(rate)}/s"]
        if left := self._left(seconds):
            parts.append(f"{human_span(left)} left")
        if self._failed:
            parts.append(f"{self._failed} failed")
        return "  ".join(parts)

    def _left(self, seconds: float) -> float:
        done, whole = (self._moved, self._expected_size) if self._moved else (self._done, self._expected)
        return seconds * (whole - done) / done if done and whole > done else 0.0

"""A progress bar on a terminal, and nothing elsewhere."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Any

_EVERY = 0.1
_WIDTH = 30


class Bar:
    """A progress bar that is rewritten in place. Nothing is written if the stream is not a terminal."""

    def __init__(self, stream: Any, *, shown: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._shown = shown and bool(getattr(stream, "isatty", lambda: False)())
        self._clock = clock
        self._began = self._last = clock()

    def step(self, name: str, done: int, total: int) -> None:
        """Show that `done` of `total` are done. `name` is the latest."""
        now = self._clock()
        if not self._shown or (now - self._last < _EVERY and done < total):
            return
        self._last = now
        full = _WIDTH * done // total
        rate = done / max(now - self._began, 0.001)
        line = f"[{'#' * full}{'.' * (_WIDTH - full)}] {done}/{total}, {rate:.0f}/s "
        room = shutil.get_terminal_size().columns - len(line) - 1
        shown = name.encode("unicode_escape").decode()
        self._write(line + (shown if len(shown) <= room else f"…{shown[len(shown) - room + 1 :]}" if room > 1 else ""))

    def close(self) -> None:
        """Erase the line."""
        if self._shown:
            self._write("")

    def _write(self, line: str) -> None:
        # Back to the first column, and clear to the end of the line.
        self._stream.write(f"\r\x1b[K{line}")
        self._stream.flush()

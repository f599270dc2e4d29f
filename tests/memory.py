"""The peak of the memory of this process. A child begins with the number of its parent in getrusage()."""

from __future__ import annotations

from pathlib import Path


def forget_peak() -> None:
    """Let the peak begin anew with what is in use now. Linux: proc(5), /proc/pid/clear_refs."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak() -> int:
    """Return the peak in KiB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

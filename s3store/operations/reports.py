"""What an operation reports: its steps while it works, and a summary at its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["SCHEMA", "Failed", "Step", "Summary", "Watcher"]

SCHEMA = 1
"""The version of the JSON that commands print. Keys are only added to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was done, or with a dry run, would be done.

    `op` is one word, such as `send`, `copy`, `delete`, `skip` or `fail`; `size` is in bytes. `etag` is that of the file
    in the source, without quotes, or "" if no server has listed it. JSON does not have it.
    """

    op: str
    name: str
    size: int = 0
    reason: str = ""
    etag: str = ""

    def json(self) -> dict[str, Any]:
        """Return the step as JSON has it."""
        return {"op": self.op, "name": self.name, "size": self.size, "reason": self.reason}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A file that failed: `code` is one word for programs, `why` a sentence for people."""

    name: str
    code: str
    why: str

    @classmethod
    def of(cls, name: str, error: BaseException) -> Failed:
        """Return the failure of an exception: the code of S3, if it has one, otherwise the name of its class."""
        return cls(name=name, code=getattr(error, "code", None) or type(error).__name__, why=str(error))


@dataclass(slots=True, kw_only=True)
class Summary:
    """The counts of a run, under the same names for all commands."""

    command: str
    dry_run: bool = False
    source: str | None = None
    target: str | None = None
    objects: int = 0
    size: int = 0
    sent: int = 0
    skipped: int = 0
    deleted: int = 0
    failed: list[Failed] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    requests: int = 0
    seconds: float = 0.0
    plan: list[Step] | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def json(self) -> Mapping[str, Any]:
        """Return the summary as JSON has it."""
        found: dict[str, Any] = {"schema": SCHEMA, "command": self.command, "dry_run": self.dry_run}
        if self.source is not None:
            found["from"] = self.source
        if self.target is not None:
            found["to"] = self.target
        found |= {"objects": self.objects, "bytes": self.size, "sent": self.sent, "skipped": self.skipped}
        found |= {"deleted": self.deleted}
        found["failed"] = [{"name": each.name, "code": each.code, "why": each.why} for each in self.failed]
        found |= {"warnings": self.warnings, "requests": self.requests, "seconds": round(self.seconds, 3)}
        if self.plan is not None:
            found["plan"] = [step.json() for step in self.plan]
        return found | self.more


class Watcher:
    """Is told what an operation does. A subclass shows it; this one is silent. The methods are called by one thread."""

    def expect(self, objects: int, size: int) -> None:
        """Note how many more files, and how many more bytes of content, are to be processed."""

    def moved(self, size: int) -> None:
        """Note that bytes of content were transferred. Any thread may call it."""

    def step(self, step: Step) -> None:
        """Note a step that is done."""

    def warn(self, text: str) -> None:
        """Note something that the user must know, and that does not stop the operation."""

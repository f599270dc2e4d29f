"""What long work says about itself: progress while it goes on, and a report at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from s3store import errors
from s3store.folders.entries import Usage

MAX_FAILURES = 1000
"""The number of failures that a report describes. It counts all of them."""

_CODES = {
    errors.AccessDeniedError: "denied",
    errors.ObjectChangedError: "changed",
    errors.ObjectExistsError: "exists",
    errors.ObjectNotFoundError: "missing",
}

_REASONS = {
    "archived": "The file is archived. Restore it from the archive first.",
    "changed": "The file was replaced meanwhile. The new version stays where it is.",
    "denied": "Not allowed.",
    "exists": "A file or folder of this name exists.",
    "itself": "A folder cannot be moved into itself.",
    "missing": "No such file or folder.",
    "server": "The server did not do it. Try again.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One path that was left as it is. `code` is `archived`, `changed`, `denied`, `exists`, `itself`, `missing` or
    `server`.
    """

    path: str
    reason: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trashed:
    """What `trash` has deleted, for `restore`. It can be stored as JSON: `dataclasses.asdict` and `Trashed(**data)`.

    `paths` are relative to the outermost root. `versioned`: the bucket keeps versions, and nothing was copied.
    """

    operation: str
    paths: tuple[str, ...]
    versioned: bool = False
    report: Report | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What long work has done. The numbers are those of files.

    `arrived` are paths that appeared in a source during the work: they stay there. `targets` are the pairs (source,
    target) of the paths that were asked for. `failed` counts all failures, `failures` describes the first 1,000.
    """

    done: int = 0
    skipped: int = 0
    replaced: int = 0
    renamed: int = 0
    failed: int = 0
    failures: tuple[Failure, ...] = ()
    arrived: tuple[str, ...] = ()
    targets: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far long work is, in files and bytes. `total` and `bytes_total` are None while they are unknown.

    `started` is the time of the beginning by the server's clock: give it as `since` to continue. The last one has the
    `report`, and `trashed` if there is something to restore; that of `measuring` has the `usage`.
    """

    done: int = 0
    failed: int = 0
    total: int | None = None
    bytes: int = 0
    bytes_total: int | None = None
    started: datetime | None = None
    report: Report | None = None
    trashed: Trashed | None = None
    usage: Usage | None = None


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts while the work goes on."""

    done: int = 0
    skipped: int = 0
    replaced: int = 0
    renamed: int = 0
    failed: int = 0
    total: int | None = None
    bytes: int = 0
    bytes_total: int | None = None
    started: datetime | None = None
    failures: list[Failure] = field(default_factory=list)
    arrived: list[str] = field(default_factory=list)
    targets: list[tuple[str, str]] = field(default_factory=list)

    def expect(self, files: int, size: int) -> None:
        """Add to what is to be done."""
        self.total = (self.total or 0) + files
        self.bytes_total = (self.bytes_total or 0) + size

    def fail(self, path: str, code: str) -> None:
        """Note a failure."""
        self.failed += 1
        if len(self.failures) < MAX_FAILURES:
            self.failures.append(Failure(path=path, reason=_REASONS[code], code=code))

    @property
    def progress(self) -> Progress:
        """How far the work is."""
        return Progress(
            done=self.done,
            failed=self.failed,
            total=self.total,
            bytes=self.bytes,
            bytes_total=self.bytes_total,
            started=self.started,
        )

    @property
    def report(self) -> Report:
        """What was done."""
        return Report(
            done=self.done,
            skipped=self.skipped,
            replaced=self.replaced,
            renamed=self.renamed,
            failed=self.failed,
            failures=tuple(self.failures),
            arrived=tuple(self.arrived),
            targets=tuple(self.targets),
        )


def code_of(error: errors.S3StoreError) -> str:
    """Return the code of the failure that an exception describes."""
    if error.code == "InvalidObjectState":
        return "archived"
    return next((code for kind, code in _CODES.items() if isinstance(error, kind)), "server")


def code_of_key(code: str) -> str:
    """Return the code of the failure for an error code of S3 about one key."""
    known = errors.build(errors.kind_of(code, None), "", operation="", bucket=None, code=code)
    return "changed" if isinstance(known, errors.ObjectExistsError) else code_of(known)

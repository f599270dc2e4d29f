"""What an examination returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from s3store.operations.doctor.findings import ERROR, NOTE, WARNING, Finding
from s3store.operations.reports import SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an examination found.

    `prefix` is what the keys of the files start with. `findings` are in the order of the probes, `passed` are sentences
    about what works. `requests` is the number of requests to the server, `seconds` the time. Texts are "" if they are
    not known.
    """

    alias: str
    bucket: str = ""
    prefix: str = ""
    endpoint: str = ""
    account: str = ""
    findings: tuple[Finding, ...] = ()
    passed: tuple[str, ...] = ()
    requests: int = 0
    seconds: float = 0.0

    def at(self, level: str) -> tuple[Finding, ...]:
        """Return the findings of a level: "error", "warning" or "note"."""
        return tuple(found for found in self.findings if found.level == level)

    @property
    def fixable(self) -> tuple[Finding, ...]:
        """The errors and warnings that `manage.py s3 doctor --fix` can mend."""
        return tuple(found for found in self.findings if found.fixable and found.level != NOTE)

    def json(self) -> dict[str, Any]:
        """Return the report as JSON has it."""
        return {
            "schema": SCHEMA,
            "command": "doctor",
            "storage": self.alias,
            "bucket": self.bucket,
            "prefix": self.prefix,
            "endpoint": self.endpoint,
            "account": self.account,
            "errors": len(self.at(ERROR)),
            "warnings": len(self.at(WARNING)),
            "findings": [found.json() for found in self.findings],
            "passed": list(self.passed),
            "requests": self.requests,
            "seconds": round(self.seconds, 3),
        }

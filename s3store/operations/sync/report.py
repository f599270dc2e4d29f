"""What a run tells: steps and warnings, for the summary and for who watches."""

from __future__ import annotations

from s3store.operations.reports import Failed, Step, Summary, Watcher
from s3store.operations.sync.decide import SKIP
from s3store.operations.sync.rows import Row
from s3store.operations.sync.transfer import Done, Pair
from s3store.wire import pool


class Report:
    """Counts the outcomes in `summary`, and tells them to `watcher`. `failed` are those of transfers, by names."""

    def __init__(self, summary: Summary, watcher: Watcher) -> None:
        self.summary = summary
        self.watcher = watcher
        self.failed: dict[str, Failed] = {}

    def note(self, outcome: pool.Outcome[Pair, Done]) -> None:
        """Note what became of a pair."""
        source, done = outcome.item.source, outcome.result
        name = source.name
        if done is None:
            error = outcome.error or RuntimeError()
            self.failed[name] = Failed.of(name, error)
            self.watcher.step(Step(op="fail", name=name, size=source.size, reason=str(error)))
        elif done.op == SKIP:
            self.skip(source, done.reason)
        else:
            self.summary.sent += 1
            self.summary.size += done.size
            self.step(Step(op=done.op, name=name, size=done.size, reason=done.reason, etag=source.etag))

    def skip(self, source: Row, reason: str) -> None:
        """Note a file of the source that is equal."""
        self.summary.skipped += 1
        self.watcher.step(Step(op=SKIP, name=source.name, reason=reason, etag=source.etag))

    def fail(self, failure: Failed) -> None:
        """Tell a failure."""
        self.watcher.step(Step(op="fail", name=failure.name, reason=failure.why))

    def step(self, step: Step) -> None:
        """Note a step, in a dry run as a part of the plan."""
        if self.summary.plan is not None:
            self.summary.plan.append(step)
        self.watcher.step(step)

    def warn(self, text: str) -> None:
        """Note a warning."""
        self.summary.warnings.append(text)
        self.watcher.warn(text)

    def ended(self, seconds: float) -> Summary:
        """Return the summary of a run, in the order of names."""
        self.summary.seconds = seconds
        self.summary.failed.sort(key=lambda failure: failure.name)
        if self.summary.plan:
            self.summary.plan.sort(key=lambda step: step.name)
        return self.summary

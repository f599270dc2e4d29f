"""What an operation tells while it works."""

from s3store.operations.reports import Watcher


class Told(Watcher):
    """Keeps what it is told: steps as (op, name, reason), warnings, and the numbers of files and bytes."""

    def __init__(self):
        self.steps, self.warnings = [], []
        self.expected, self.moved_bytes = (0, 0), 0

    def expect(self, objects, size):
        self.expected = (self.expected[0] + objects, self.expected[1] + size)

    def moved(self, size):
        self.moved_bytes += size

    def step(self, step):
        self.steps.append((step.op, step.name, step.reason))

    def warn(self, text):
        self.warnings.append(text)

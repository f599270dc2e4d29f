"""The progress bar: a line on a terminal, nothing elsewhere."""

import io
import re

import pytest

from s3store.operations.progress import Bar, Meter
from s3store.operations.reports import Step, Watcher


class Terminal(io.StringIO):
    def isatty(self):
        return True

    @property
    def lines(self):
        return self.getvalue().split("\r\x1b[K")[1:]


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Time stands still until a test moves it; the terminal has 80 columns."""
    now = [100.0]
    monkeypatch.setenv("COLUMNS", "80")
    return now


def test_nothing_where_there_is_no_terminal():
    """Neither in a file, nor on a stream that does not know what it is, nor where it is not wanted."""
    for stream, shown in ((io.StringIO(), True), (Terminal(), False)):
        bar = Bar(stream, shown=shown)
        bar.step("a", 1, 1)
        bar.close()
        assert stream.getvalue() == ""
    Bar(object()).step("a", 1, 1)


def test_a_line_that_is_written_over(clock):
    """Ten times a second at most, at the end in any case, and gone when it is closed."""
    terminal = Terminal()
    bar = Bar(terminal, clock=lambda: clock[0])
    for number in range(1, 11):
        clock[0] += 0.0625
        bar.step(f"static/f{number}.css", number, 10)
    bar.close()
    assert terminal.lines[0] == "[######........................] 2/10, 16/s static/f2.css"
    assert terminal.lines[-2] == "[##############################] 10/10, 16/s static/f10.css"
    assert terminal.lines[-1] == ""
    assert len(terminal.lines) == 6
    assert "\n" not in terminal.getvalue()


@pytest.mark.parametrize(
    ("columns", "name", "shown"),
    [
        (80, "a/b.css", "a/b.css"),
        (60, "a/very/long/name/of/a/file.css", "…me/of/a/file.css"),
        (42, "a/very/long/name.css", ""),
        (20, "a/very/long/name.css", ""),
        (80, "ü\n\x1b[31m.css", r"\xfc\n\x1b[31m.css"),
    ],
    ids=["short", "long", "no room", "less than none", "control characters"],
)
def test_the_line_fits_the_terminal(monkeypatch, clock, columns, name, shown):
    """The end of a name says more than its start; a name cannot move the cursor."""
    monkeypatch.setenv("COLUMNS", str(columns))
    terminal = Terminal()
    bar = Bar(terminal, clock=lambda: clock[0])
    clock[0] += 1
    bar.step(name, 1, 2)
    (line,) = terminal.lines
    bare = re.sub(r"^\[#+\.+\] 1/2, 1/s ", "", line)
    assert bare == shown
    assert len(line) < max(columns, 45)


# Meter


def test_a_meter_shows_files_bytes_rate_and_time(clock):
    """Of the part that is known; a warning and the end erase it."""
    terminal = Terminal()
    meter = Meter("sync", terminal, clock=lambda: clock[0])
    meter.expect(3, 3072)
    clock[0] += 1
    meter.moved(1024)
    meter.step(Step(op="send", name="a"))
    clock[0] += 1
    meter.step(Step(op="fail", name="b"))
    meter.warn("look")
    meter.close()
    assert terminal.lines == [
        "sync  0/3 files  1.0 KiB/3.0 KiB  1.0 KiB/s  0:02 left",
        "sync  2/3 files  1.0 KiB/3.0 KiB  512 B/s  0:04 left  1 failed",
        "",
        "",
    ]


def test_a_meter_without_bytes(clock):
    """The files say how long it takes; the last one is always shown."""
    terminal = Terminal()
    meter = Meter("rm", terminal, clock=lambda: clock[0])
    meter.expect(2, 0)
    clock[0] += 5
    meter.step(Step(op="delete", name="a"))
    meter.step(Step(op="delete", name="b"))
    assert terminal.lines == ["rm  1/2 files  0:05 left", "rm  2/2 files"]


def test_more_files_than_expected(clock):
    """A place that does not exist is a file that failed, and was not expected."""
    terminal = Terminal()
    Meter("rm", terminal, clock=lambda: clock[0]).step(Step(op="fail", name="a"))
    assert terminal.lines == ["rm  1/1 files  1 failed"]


def test_a_meter_without_a_terminal_is_silent(clock):
    """So is the base of all that is told about steps."""
    stream = io.StringIO()
    for watcher in (Meter("sync", stream, clock=lambda: clock[0]), Watcher()):
        watcher.expect(1, 1)
        watcher.moved(1)
        watcher.step(Step(op="send", name="a"))
        watcher.warn("look")
    assert stream.getvalue() == ""

"""The progress bar: a line on a terminal, nothing elsewhere."""

import io
import re

import pytest

from s3store.operations.progress import Bar


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

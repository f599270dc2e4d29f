"""The Tab key: the script runs in bash and, where it is installed, in zsh."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap

import pytest

from s3store.management.verbs import VERBS
from s3store.operations.shell.completing import LIMIT, completions
from s3store.testing.counting import counted_requests
from tests.operations.shell.conftest import fill

NAMES = (
    "photos/cat.jpg",
    "photos/$(touch x).txt",
    "photos/a b.txt",
    "photos/it's",
    "photos/2026/x",
    "plain.txt",
    "b*d",
)


@pytest.fixture
def typed(tmp_path, quick):
    """A function that returns what a shell offers for a line, and what it runs in that directory."""
    fill(quick.default, *NAMES)
    settings = f"""
        SECRET_KEY = "x"
        INSTALLED_APPS = ["s3store"]
        STORAGES = {{
            "default": {{"BACKEND": "s3store.storage.S3Storage", "OPTIONS": {quick.options!r}}},
            "staticfiles": {{"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
        }}
    """
    (tmp_path / "typed_settings.py").write_text(textwrap.dedent(settings))
    here = tmp_path / "here"
    here.mkdir()
    path = os.pathsep.join([str(tmp_path), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path, "DJANGO_SETTINGS_MODULE": "typed_settings"}
    scripts = {}

    def run(shell, code, *arguments):
        ran = subprocess.run(
            [shell, *(["--norc"] if shell == "bash" else ["-f"]), "-c", code, shell, *arguments],
            cwd=here,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        return [line for line in ran.stdout.splitlines() if line]

    def offered(line, shell="bash"):
        if shell not in scripts:
            scripts[shell] = quick.run("completion", shell).out
            assert run(shell, f'{STUBS if shell == "zsh" else ""}\neval "$1"', scripts[shell]) == []
        line = line.replace("manage.py", f"{sys.executable} -m django")
        if shell == "zsh":
            words = re.findall(r"(?:\\.|\S)+", line) + [""] * bool(re.search(r"[^\\] $", line))
            return run(shell, ZSH, scripts[shell], *words)
        words = re.findall(r":|(?:\\.|[^\s:])+", line) + [""] * line.endswith((" ", ":"))
        return run(shell, BASH, scripts[shell], line, *words)

    offered.here, offered.scripts = here, scripts
    return offered


BASH = r"""
eval "$1"
COMP_LINE="$2" COMP_POINT=${#2}
shift 2
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_s3store_complete "$1"
printf '%s\n' "${COMPREPLY[@]}"
"""

STUBS = r"""
compdef() { : }
compadd() {
    shift $@[(i)--]
    for candidate in "$@"; do [[ $candidate == "${(Q)words[CURRENT]}"* ]] && print -r -- "$candidate"; done
    return 0
}
_files() { print -l -- *(N) }
_default() { print -r -- before }
"""

ZSH = (
    STUBS
    + r"""
eval "$1"
shift
words=("$@") CURRENT=$#
_s3store_complete
exit 0
"""
)

SHELLS = [
    "bash",
    pytest.param("zsh", marks=pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")),
]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("manage.py s3 st", ["stat"]),
        ("manage.py s3 ", sorted(VERBS)),
        ("manage.py s3 ls --so", ["--sort"]),
        ("manage.py s3 ls --sort ", ["name", "size", "time"]),
        ("manage.py s3 acl --set public-r", ["public-read", "public-read-write"]),
        ("manage.py s3 headers --storage d", ["default"]),
        ("manage.py s3 cp --content-type ", []),
        ("manage.py s3 completion ", ["bash", "zsh"]),
        ("manage.py s3 ls def", ["default:"]),
        ("manage.py s3 rm -r ", ["default:", "far:", "other:"]),
        ("manage.py s3 cat far:x", []),
        ("manage.py s3 cat nothing:x", []),
        ("manage.py s3 cat default:../x", []),
    ],
    ids=str,
)
def test_words(typed, shell, line, offered):
    """Subcommands, options, their values, and aliases of S3Storages."""
    assert [word for word in typed(line, shell) if word != "-h"] == offered


def test_bash_completes_names(typed):
    """bash replaces what follows the colon; what the shell would interpret has backslashes."""
    assert typed("manage.py s3 ls default:p") == ["photos/", "plain.txt"]
    assert typed("manage.py s3 cat default:photos/") == [
        "photos/\\$\\(touch\\ x\\).txt",
        "photos/2026/",
        "photos/a\\ b.txt",
        "photos/cat.jpg",
        "photos/it\\'s",
    ]
    assert typed(r"manage.py s3 cat default:photos/a\ b") == ["photos/a\\ b.txt"]
    assert typed('manage.py s3 cat "default:photos/a') == ["default:photos/a b.txt"]
    assert typed("manage.py s3 cat 'default:photos/") == [
        "default:photos/2026/",
        "default:photos/a b.txt",
        "default:photos/cat.jpg",
    ]
    assert [*typed.here.iterdir()] == []


def test_bash_offers_local_files_where_they_are_possible(typed):
    """For cp and mv, beside the aliases."""
    (typed.here / "default.txt").touch()
    assert typed("manage.py s3 cp de") == ["default:", "default.txt"]
    assert typed("manage.py s3 rm de") == ["default:"]


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh_completes_names(typed):
    """zsh itself adds the backslashes."""
    assert typed("manage.py s3 ls default:p", "zsh") == ["default:photos/", "default:plain.txt"]
    assert typed("manage.py s3 cat default:photos/a\\ ", "zsh") == ["default:photos/a b.txt"]
    (typed.here / "a.txt").touch()
    assert typed("manage.py s3 cp de", "zsh") == ["default:", "a.txt"]
    assert typed("manage.py migrate ", "zsh") == ["before"]


def test_other_words_are_completed_as_before(typed):
    """By the function that was there, if any."""
    assert typed("manage.py migrate ") == []
    before = "_earlier() { COMPREPLY=(earlier); }\ncomplete -F _earlier manage.py\n"
    again = BASH.replace('eval "$1"\n', before + 'eval "$1"\neval "$1"\n')
    ran = subprocess.run(
        ["bash", "--norc", "-c", again, "bash", script_of(typed), "./manage.py mi", "./manage.py", "mi"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == ["earlier"]


def script_of(typed):
    typed("manage.py s3 s")
    return typed.scripts["bash"]


def test_names_are_offered_with_one_request(quick):
    """A page of a listing; patterns, control characters, and the directory itself are left out."""
    fill(quick.default, "d/", "d/a", "d/b*", "d/c", "d/e/f", content=b"")
    quick.default.save("d/\u202e", b"x")
    with counted_requests(quick.default) as sent:
        assert [*completions("default:d/")] == ["default:d/a", "default:d/c", "default:d/e/"]
    assert len(sent) == 1
    assert f"max-keys={LIMIT}" in sent[0].query
    for text in ("default:../x", "default:a//b", "default:" + "x" * 2000):
        assert [*completions(text)] == []


def test_the_command_without_a_shell(quick):
    """Says what to give; while somebody types, errors are silent."""
    ran = quick.run("completion")
    assert (ran.status, ran.error) == (2, "Give the shell: bash or zsh.")
    fill(quick.default, "abc")
    assert quick.run("completion", "--paths", "default:a").out == "default:abc\n"
    for text in ("none:a", "default:../a"):
        assert (quick.run("completion", "--paths", text).out, quick.run("completion", "--paths", text).status) == (
            "",
            0,
        )
    assert "complete -o bashdefault" in quick.run("completion", "bash").out

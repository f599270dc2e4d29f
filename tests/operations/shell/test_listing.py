"""manage.py s3 ls, du and stat."""

from __future__ import annotations

import json
import re
from datetime import datetime

import pytest

from s3store.testing.counting import counted_requests
from tests.operations.shell.conftest import fill

FILES = ("a.txt", "photos/1.jpg", "photos/2.jpg", "photos/2026/3.jpg", "photos/2026/x/4.txt", "photos-old/5.jpg")


@pytest.fixture
def filled(shell):
    fill(shell.default, *FILES)
    return shell


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        ([], ["a.txt", "photos-old/", "photos/"]),
        (["default:"], ["a.txt", "photos-old/", "photos/"]),
        (["default:photos"], ["1.jpg", "2.jpg", "2026/"]),
        (["default:photos/"], ["1.jpg", "2.jpg", "2026/"]),
        (["default:a.txt"], ["a.txt"]),
        (["-r", "default:photos"], ["1.jpg", "2.jpg", "2026/3.jpg", "2026/x/4.txt"]),
        (["default:photos/*.jpg"], ["1.jpg", "2.jpg"]),
        (["default:photos*"], ["photos-old/", "photos/"]),
        (["default:*/*.jpg"], ["photos-old/5.jpg", "photos/1.jpg", "photos/2.jpg"]),
        (["default:photos/**.jpg"], ["1.jpg", "2.jpg", "2026/3.jpg"]),
        (["default:photos/202?/"], ["2026/3.jpg", "2026/x/4.txt"]),
        (["-r", "--exclude", "*.txt", "default:photos"], ["1.jpg", "2.jpg", "2026/3.jpg"]),
        (["--exclude", "2026", "default:photos"], ["1.jpg", "2.jpg"]),
    ],
    ids=str,
)
def test_ls(filled, arguments, lines):
    """One level, a tree, or what matches; names are relative to the directory."""
    assert sorted(filled.lines("ls", *arguments)) == sorted(lines)


def test_ls_of_several_places_names_each(filled):
    """As the ls of Unix does."""
    assert filled.lines("ls", "default:a.txt", "default:photos/2026") == [
        "default:a.txt:",
        "a.txt",
        "",
        "default:photos/2026:",
        "3.jpg",
        "x/",
    ]


def test_ls_lists_with_as_few_requests_as_possible(filled):
    """A directory with its slash is one request; a pattern lists only what starts as it does."""
    with counted_requests(filled.default) as sent:
        filled.lines("ls", "default:photos/")
        filled.lines("ls", "default:photos/2*.jpg")
    assert sent.methods == ["GET", "GET"]
    assert "prefix=" + filled.default.options.location + "%2Fphotos%2F2&" in sent[1].query + "&"
    assert all("delimiter=%2F" in request.query for request in sent)


def test_ls_long_sorted_and_as_json(quick):
    """Sizes in words, times with an offset; JSON has bytes and UTC."""
    fill(quick.default, "b.txt", content=b"x" * 2048)
    fill(quick.default, "a.txt", "d/c.txt")
    found = quick.lines("ls", "-l", "--sort", "size", "--reverse", "default:")
    assert [line.split()[-1] for line in found] == ["b.txt", "a.txt", "d/"]
    size, moment = re.fullmatch(r" +(2\.0 KiB)  (\S+)  b\.txt", found[0]).groups()
    assert (size, datetime.fromisoformat(moment).utcoffset() is not None) == ("2.0 KiB", True)
    assert quick.lines("ls", "-l", "--bytes", "--sort", "time", "default:b.txt")[0].split()[0] == "2048"
    assert quick.lines("ls", "--sort", "name") == ["a.txt", "b.txt", "d/"]
    assert quick.lines("ls", "--reverse") == ["d/", "b.txt", "a.txt"]
    told = json.loads(quick.run("ls", "--json").out)
    assert (told["schema"], told["command"]) == (1, "ls")
    stat = quick.default.stat("b.txt")
    assert told["entries"][1] == {
        "name": "b.txt",
        "type": "file",
        "size": 2048,
        "modified": stat.modified.isoformat(),
        "etag": stat.etag.strip('"'),
        "storage_class": "STANDARD",
        "place": "default:b.txt",
    }
    assert told["entries"][2] == {"name": "d/", "type": "directory", "place": "default:d/"}
    lines = [json.loads(line) for line in quick.lines("ls", "--jsonl")]
    assert [line.get("name") for line in lines] == ["a.txt", "b.txt", "d/", None]
    assert lines[-1]["command"] == "ls"


def test_sk_01_names_do_not_control_the_terminal(quick):
    """Escape sequences are shown as text, also in errors; JSON has the name itself."""
    quick.default.save("a\u202eb.txt", b"x")
    assert quick.lines("ls") == ["a\\u202eb.txt"]
    assert quick.lines("du", "default:*")[0].endswith("default:a\\u202eb.txt")
    assert "a\\u202eb" in quick.run("stat", "default:a\u202eb.txt").out
    assert json.loads(quick.run("ls", "--json").out)["entries"][0]["name"] == "a\u202eb.txt"


@pytest.mark.parametrize("verb", ["ls", "du", "stat", "cat", "rm"])
@pytest.mark.parametrize("place", ["default:nothing", "default:nothing/", "default:no*"])
def test_what_does_not_exist(quick, verb, place):
    """Exit status 1, with the key."""
    fill(quick.default, "a.txt")
    options = ["-r"] if verb in ("stat", "cat", "rm") and place.endswith("/") else []
    ran = quick.run(verb, *options, place)
    assert ran.status == 1
    assert f"{quick.default.options.location}/{place.partition(':')[2]}" in ran.error
    assert "Check the name" in ran.error or verb == "rm"


def test_an_empty_storage_is_not_an_error(quick):
    """Nothing is listed, and nothing counted."""
    assert quick.lines("ls") == []
    assert quick.lines("ls", "-r", "default:") == []
    assert quick.lines("du") == ["       0 B         0 files  default:"]


def test_markers_and_impossible_names_are_not_listed(quick):
    """An empty folder is a directory; a key that is not a name is nothing that a storage can open."""
    fill(quick.default, "empty/", "/b", "../x", content=b"")
    assert quick.lines("ls") == ["empty/"]
    assert quick.lines("ls", "default:empty") == []
    assert quick.lines("ls", "default:e*") == ["empty/"]
    assert quick.lines("ls", "-r") == []
    assert quick.lines("ls", "default:*") == ["empty/"]


def test_a_local_path_is_refused(quick):
    """Exit status 2, and what to write."""
    for verb in ("ls", "du", "stat", "cat", "rm", "url"):
        ran = quick.run(verb, "./photos/a.txt")
        assert (ran.status, ran.error) == (
            2,
            "'./photos/a.txt' is a local path: for a file in a storage, write ALIAS:a.txt.",
        )
    assert "write ALIAS:path" in quick.run("ls", "a/").error


def test_pages_of_a_directory_are_joined(quick, monkeypatch):
    """A directory that a server repeats on the next page is listed once."""
    fill(quick.default, *(f"d{n}/{x}" for n in range(3) for x in "ab"), "z")
    real = type(quick.default.objects.bucket).pages

    def small(self, prefix, params, *, flat, limit=1000):
        pages = list(real(self, prefix, params, flat=flat, limit=1))
        return iter([pages[0], *pages])

    monkeypatch.setattr(type(quick.default.objects.bucket), "pages", small)
    assert quick.lines("ls") == ["d0/", "d1/", "d2/", "z"]


# du


def test_du(filled):
    """The files at any depth, and their bytes; with a depth, the directories below; for a pattern, what matches."""
    content = len(b"content")

    def of(*arguments):
        rows = [line.rsplit(maxsplit=3) for line in filled.lines("du", "--bytes", *arguments)]
        return {place: (int(size), int(files)) for size, files, _, place in rows}

    assert of() == {"default:": (6 * content, 6)}
    assert of("--depth", "1") == {
        "default:": (6 * content, 6),
        "default:photos/": (4 * content, 4),
        "default:photos-old/": (content, 1),
    }
    assert of("default:photos", "default:a.txt") == {
        "default:photos/": (4 * content, 4),
        "default:a.txt": (content, 1),
    }
    assert of("-d", "2", "default:pho*") == {
        "default:photos/": (4 * content, 4),
        "default:photos/2026/": (2 * content, 2),
        "default:photos/2026/x/": (content, 1),
        "default:photos-old/": (content, 1),
    }
    assert of("default:**/*.txt") == {"default:a.txt": (content, 1), "default:photos/2026/x/4.txt": (content, 1)}
    assert of("default:*/2026/") == {"default:photos/2026/": (2 * content, 2)}
    assert of("--include", "*", "--exclude", "*.jpg") == {"default:": (2 * content, 2)}


def test_du_counts_all_keys_and_speaks_json(quick):
    """Keys that are not names are on the bill too; markers have no bytes and are not files."""
    fill(quick.default, "a//b", "x/c")
    fill(quick.default, "x/", content=b"")
    told = json.loads(quick.run("du", "--json").out)
    assert told["usage"] == [{"name": "", "files": 2, "bytes": 14, "place": "default:"}]
    assert quick.lines("du", "default:x") == ["       7 B         1 file   default:x/"]
    assert "is not a depth" in quick.run("du", "--depth", "-1").error


# stat


def test_stat_prints_all_facts(quick):
    """A block for each file; sizes in bytes and in words."""
    quick.default.save("a.txt", b"x" * 2048, content_type="text/x", metadata={"colour": "red"})
    fill(quick.default, "d/b")
    text = quick.run("stat", "default:a.txt").out
    stat = quick.default.stat("a.txt")
    for line in (
        r"place +default:a\.txt",
        rf"key +{quick.default.options.location}/a\.txt",
        r"size +2048 \(2\.0 KiB\)",
        re.escape(stat.modified.isoformat()),
        "etag +" + stat.etag.strip('"'),
        "content_type +text/x",
        r"metadata\.colour +red",
    ):
        assert re.search(line, text), line
    assert quick.lines("stat", "-r", "default:d", "default:a.txt").count("") == 1
    ran = quick.run("stat", "default:d")
    assert (ran.status, ran.error) == (2, "default:d is a directory. Give -r to process the files in it.")
    (told,) = json.loads(quick.run("stat", "--json", "default:a.txt").out)["files"]
    assert (told["size"], told["metadata"], told["place"]) == (2048, {"colour": "red"}, "default:a.txt")


def test_a_name_with_a_bracket_is_the_file_if_it_exists(quick):
    """A pattern is what it is only otherwise."""
    fill(quick.default, "p[1].txt", "p1.txt")
    assert quick.lines("ls", "default:p[1].txt") == ["p[1].txt"]
    quick.default.delete("p[1].txt")
    assert quick.lines("ls", "default:p[1].txt") == ["p1.txt"]


def test_a_file_beside_a_directory_of_its_name(quick):
    """The name is the file, and with a slash the directory; ls and du prefer the directory."""
    fill(quick.default, "x", "x/y")
    assert quick.lines("ls", "default:x") == ["y"]
    assert quick.lines("cat", "default:x") == ["content"]
    assert quick.lines("stat", "-r", "default:x/")[0].endswith("default:x/y")

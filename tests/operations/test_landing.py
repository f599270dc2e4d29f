"""Files from a bucket are written below one directory, complete or not at all."""

from __future__ import annotations

import errno
import os
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import pytest

from s3store.operations import landing
from s3store.operations.landing import Landing, LandingError, Opener

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@pytest.fixture(params=[True, False], ids=["by descriptor", "by path"])
def place(request, monkeypatch, tmp_path):
    """A directory that does not exist yet, on systems with and without descriptors of directories."""
    monkeypatch.setattr(landing, "_BY_DESCRIPTOR", request.param)
    return Landing(tmp_path / "inside" / "here")


def write(place, name, content=b"new", **options):
    with place.writing(name, **options) as file:
        file.write(content)


def everything(top: Path) -> dict[str, bytes]:
    return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}


def test_files_land_with_their_directories_and_times(place, tmp_path):
    """Permissions follow the umask."""
    before = os.umask(0o027)
    try:
        write(place, "a/b/c.txt", b"content", modified=MOMENT, durable=True)
    finally:
        os.umask(before)
    landed = place.directory / "a" / "b" / "c.txt"
    assert everything(tmp_path) == {"inside/here/a/b/c.txt": b"content"}
    assert landed.stat().st_mtime == MOMENT.timestamp()
    assert (landed.stat().st_mode & 0o777, landed.parent.stat().st_mode & 0o777) == (0o640, 0o750)
    place.make_directory("")
    place.make_directory("a/empty")
    assert (place.directory / "a" / "empty").is_dir()


@pytest.mark.parametrize("name", ["../../out", "/abs", "a\\..\\out", "a/../../out", "x//y"])
def test_sn_23_sk_02_hostile_names_are_refused(place, tmp_path, name):
    """Before anything is created."""
    with pytest.raises(LandingError, match="is not written to this machine") as caught:
        write(place, name)
    with pytest.raises(LandingError):
        place.make_directory(name)
    assert (caught.value.code, [*tmp_path.iterdir()]) == ("UnsafeName", [])


def test_sn_23_sk_02_links_are_not_followed(place, tmp_path):
    """Neither to a directory nor to a file."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_bytes(b"kept")
    place.directory.mkdir(parents=True)
    (place.directory / "out").symlink_to(outside)
    (place.directory / "file").symlink_to(outside / "kept")
    (place.directory / "dangling").symlink_to(outside / "made")
    for name in ("out/kept", "out/new", "file", "dangling"):
        with pytest.raises(LandingError, match="symbolic link") as caught:
            write(place, name, overwrite=True)
        assert caught.value.code == "Symlink"
    with pytest.raises(LandingError, match="symbolic link"):
        place.make_directory("out/deeper")
    assert everything(outside) == {"kept": b"kept"}


def test_a_link_that_appears_meanwhile_is_not_followed(monkeypatch, tmp_path):
    """The directory that was entered is the one that is written to."""
    outside = tmp_path / "outside"
    outside.mkdir()
    place = Landing(tmp_path / "inside")
    place.make_directory("a")
    with place.writing("a/b") as file:
        file.write(b"x")
        (place.directory / "a").rename(place.directory / "moved")
        (place.directory / "a").symlink_to(outside)
    assert everything(tmp_path / "inside" / "moved") == {"b": b"x"}
    assert everything(outside) == {}


def test_sk_02_a_file_beside_a_directory_of_the_same_name(place, tmp_path):
    """`x` and `x/y` cannot both exist: the second one is refused, whichever it is."""
    write(place, "x", b"first")
    with pytest.raises(LandingError, match="is a file and not a directory"):
        write(place, "x/y")
    write(place, "z/y")
    with pytest.raises(LandingError, match="is a directory"):
        write(place, "z", overwrite=True)
    os.mkfifo(place.directory / "pipe")
    with pytest.raises(LandingError, match="not a regular file"):
        write(place, "pipe", overwrite=True)
    assert sorted(everything(place.directory)) == ["x", "z/y"]


def test_a_file_that_exists_is_replaced_only_on_request(place):
    """Also if it appears while the content arrives, and where the file system has no links."""
    write(place, "a", b"old")
    with pytest.raises(FileExistsError, match="Give --overwrite"):
        write(place, "a")
    with pytest.raises(FileExistsError, match="Give --overwrite"), place.writing("b") as file:
        file.write(b"late")
        (place.directory / "b").write_bytes(b"faster")
    assert everything(place.directory) == {"a": b"old", "b": b"faster"}
    write(place, "a", b"new", overwrite=True)
    assert everything(place.directory) == {"a": b"new", "b": b"faster"}


def test_a_name_that_is_free_again_is_a_failure_all_the_same(place, monkeypatch):
    """Another process created the file, and deleted it a moment later."""

    def taken(*_, **__):
        raise FileExistsError

    monkeypatch.setattr(os, "link", taken)
    with pytest.raises(FileExistsError, match="Give --overwrite"):
        write(place, "a")
    assert everything(place.directory) == {}


@pytest.mark.parametrize("error", [PermissionError(errno.EPERM, "no links here"), NotImplementedError()])
def test_file_systems_without_links(place, monkeypatch, error):
    """An empty file reserves the name."""

    def no_links(*_, **__):
        raise error

    monkeypatch.setattr(os, "link", no_links)
    write(place, "a", b"one")
    with pytest.raises(FileExistsError), place.writing("b") as file:
        file.write(b"late")
        (place.directory / "b").write_bytes(b"faster")
    assert everything(place.directory) == {"a": b"one", "b": b"faster"}


def test_nothing_is_left_of_a_file_that_fails(place):
    """Whatever is raised; the old file stays."""
    write(place, "a", b"old")
    with pytest.raises(KeyboardInterrupt), place.writing("a", overwrite=True) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert everything(place.directory) == {"a": b"old"}
    with pytest.raises(ZeroDivisionError), place.writing("b") as file:
        for path in place.directory.glob("*.s3store-part"):
            path.unlink()
        raise ZeroDivisionError
    assert everything(place.directory) == {"a": b"old"}


def test_the_directory_itself_may_be_a_link(tmp_path):
    """The user named it."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write(Landing(tmp_path / "link"), "a")
    assert everything(tmp_path / "real") == {"a": b"new"}


def test_what_windows_cannot_have_is_refused_there(tmp_path):
    """A stream of another file, for example."""
    with pytest.raises(LandingError, match="Windows"):
        write(Landing(tmp_path, windows=True), "a:b")


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="only Linux has a directory in which root creates nothing")
@pytest.mark.parametrize(("name", "path"), [("a.txt", "/proc/a.txt"), ("sub/a.txt", "/proc/sub")])
def test_errors_of_the_system_name_the_whole_path(name, path):
    """Not the temporary file, and not a part of the path."""
    with pytest.raises(OSError, match="No such file") as caught:
        write(Landing("/proc"), name)
    assert caught.value.filename == path


def test_a_reserved_name_is_free_again_if_the_file_does_not_get_it(place, monkeypatch):
    """On a file system without links, when the disk fails."""

    def refuse(*_, **__):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="no links here"):
        write(place, "a")
    assert everything(place.directory) == {}


def test_files_are_read_where_they_are(place):
    """And neither through a link nor from anything else."""
    write(place, "a/b", b"content")
    with place.open("a/b") as file:
        assert file.read() == b"content"
    (place.directory / "link").symlink_to("a")
    (place.directory / "a" / "link").symlink_to("b")
    for name in ("link/b", "a/link"):
        with pytest.raises(LandingError, match="is a symbolic link, which is not followed"), place.open(name):
            pass
    with pytest.raises(FileNotFoundError), place.open("none/b"):
        pass
    os.mkfifo(place.directory / "pipe")
    with pytest.raises(LandingError, match="not a regular file"), place.open("pipe"):
        pass
    follows = Landing(place.directory, follow=True)
    for name in ("link/b", "a/link"):
        with follows.open(name) as file:
            assert file.read() == b"content"


def read(opener, name):
    descriptor, size = opener.opened(name)
    with open(descriptor, "rb") as file:
        content = file.read()
    assert len(content) == size
    return content


def test_the_directory_of_the_last_file_stays_open(place, monkeypatch):
    """Its next file costs one call of the system, where directories have descriptors."""
    for name in ("a/b/1", "a/b/2", "a/3", "4"):
        write(place, name, name.encode())
    opened = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda *given, **named: opened.append(given[0]) or real(*given, **named))
    with closing(Opener(place)) as opener:
        assert [read(opener, name) for name in ("a/b/1", "a/b/2")] == [b"a/b/1", b"a/b/2"]
        assert len(opened) == (5 if landing._BY_DESCRIPTOR else 2)
        assert [read(opener, name) for name in ("a/3", "4", "a/b/1")] == [b"a/3", b"4", b"a/b/1"]
        with pytest.raises(FileNotFoundError):
            opener.opened("a/b/none")
        with pytest.raises(FileNotFoundError):
            opener.opened("none/1")
        assert read(opener, "a/b/2") == b"a/b/2"


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="only Linux lists the descriptors of a process")
def test_an_opener_leaves_no_descriptor_open(place):
    """Neither of a file that it refuses, nor of its directory."""
    write(place, "a/b")
    os.mkfifo(place.directory / "a" / "pipe")
    before = os.listdir("/proc/self/fd")
    with closing(Opener(place)) as opener:
        read(opener, "a/b")
        for name, error in (("a/pipe", LandingError), ("a", IsADirectoryError), ("b/c", FileNotFoundError)):
            with pytest.raises(error):
                opener.opened(name)
        read(opener, "a/b")
    assert os.listdir("/proc/self/fd") == before


def test_a_link_that_takes_the_place_of_an_open_directory_is_not_followed(place, tmp_path):
    """What is read is in the directory that was there before, or refused."""
    write(place, "a/b", b"inside")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b").write_bytes(b"outside")
    with closing(Opener(place)) as opener:
        assert read(opener, "a/b") == b"inside"
        (place.directory / "a").rename(place.directory / "old")
        (place.directory / "a").symlink_to(outside)
        if landing._BY_DESCRIPTOR:
            assert read(opener, "a/b") == b"inside"
        else:
            with pytest.raises(LandingError, match="symbolic link"):
                opener.opened("a/b")


def test_a_second_name_of_another_file_is_not_written_to(place, tmp_path):
    """Somebody who can create links in the directory does not choose which file is overwritten."""
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    place.make_directory("")
    os.link(precious, place.directory / ".a.s3store-part")
    write(place, "a")
    assert precious.read_bytes() == b"precious"
    assert (place.directory / "a").read_bytes() == b"new"


def test_a_deep_directory_needs_few_descriptors(place):
    """Anybody who can write to the bucket chooses the depth."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = max(map(int, os.listdir("/proc/self/fd"))) if os.path.isdir("/proc/self/fd") else 200
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 20, limits[1]))
    try:
        write(place, "d/" * 100 + "a")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert (place.directory / ("d/" * 100) / "a").read_bytes() == b"new"

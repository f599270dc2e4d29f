"""Files from a bucket, written below a local directory and nowhere else.

The names come from everybody who can write to the bucket. Directories are entered one by one, and links are not
followed, so that neither a name nor a link that somebody puts there meanwhile leads out of the directory.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from s3store.core.paths import path_problem

__all__ = ["Landing", "LandingError"]

# Windows has no descriptors of directories: there, links are looked for, but can be put in place between two steps.
_BY_DESCRIPTOR = os.open in os.supports_dir_fd
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_ENTER = os.O_RDONLY | _NO_LINKS | getattr(os, "O_DIRECTORY", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINKS | getattr(os, "O_BINARY", 0)


class LandingError(OSError):
    """A name that is not written to this machine. `code` is a word for programs: UnsafeName, Symlink or NotAFile."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class _Spot:
    """A directory that is open. `path` is for messages, and for systems without descriptors of directories."""

    path: Path
    descriptor: int | None

    def at(self, name: str) -> tuple[str, dict[str, Any]]:
        """Return the arguments of functions of `os` about a name in this directory."""
        if self.descriptor is None:
            return str(self.path / name), {}
        return name, {"dir_fd": self.descriptor}

    def kind(self, name: str) -> int | None:
        """Return the type bits of what has that name, or None if there is nothing."""
        where, how = self.at(name)
        try:
            return stat.S_IFMT(os.stat(where, follow_symlinks=False, **how).st_mode)  # noqa: PTH116 (Path takes no dir_fd)
        except FileNotFoundError:
            return None

    def enter(self, name: str, stack: ExitStack) -> _Spot:
        """Open a directory in this one, and create it if it does not exist. Raises LandingError for anything else."""
        where, how = self.at(name)
        with suppress(FileExistsError), _about(self.path / name):
            os.mkdir(where, **how)  # noqa: PTH102 (as above)
        kind = self.kind(name)
        if kind == stat.S_IFLNK:
            raise LandingError(f"{self.path / name} is a symbolic link. Links are not followed.", "Symlink")
        if kind != stat.S_IFDIR:
            raise LandingError(f"{self.path / name} is a file, and a directory is needed.", "NotAFile")
        if self.descriptor is None:
            return _Spot(self.path / name, None)
        descriptor = os.open(where, _ENTER, **how)
        stack.callback(os.close, descriptor)
        return _Spot(self.path / name, descriptor)

    def check(self, name: str, *, overwrite: bool) -> None:
        """Raise LandingError or FileExistsError if a file may not get that name."""
        kind = self.kind(name)
        if kind is None:
            return
        if kind == stat.S_IFLNK:
            raise LandingError(f"{self.path / name} is a symbolic link. Links are not followed.", "Symlink")
        if kind != stat.S_IFREG:
            what = "a directory" if kind == stat.S_IFDIR else "not a regular file"
            raise LandingError(f"{self.path / name} is {what}, so that no file can be written there.", "NotAFile")
        if not overwrite:
            raise _taken(self.path / name)

    def publish(self, partial: str, name: str, *, overwrite: bool) -> None:
        """Give a complete file its name. Raises FileExistsError if it is taken meanwhile, unless `overwrite`."""
        (old, how), (new, _) = self.at(partial), self.at(name)
        both = {"src_dir_fd": self.descriptor, "dst_dir_fd": self.descriptor} if how else {}
        if not overwrite:
            try:
                os.link(old, new, **both, follow_symlinks=False)
            except FileExistsError:
                # A directory, perhaps, that another thread has just created.
                self.check(name, overwrite=False)
                raise _taken(self.path / name) from None
            except (OSError, NotImplementedError):
                # A file system without links: an empty file reserves the name.
                try:
                    os.close(os.open(new, _CREATE, 0o666, **how))
                except FileExistsError:
                    raise _taken(self.path / name) from None
            else:
                os.unlink(old, **how)
                return
        os.replace(old, new, **both)  # noqa: PTH105 (as above)


class Landing:
    """A local directory that files from a bucket are written to. It is created with the first file."""

    def __init__(self, directory: str | os.PathLike[str], *, windows: bool = os.name == "nt") -> None:
        self.directory = Path(directory)
        self._windows = windows

    def check_name(self, name: str) -> None:
        """Raise LandingError for a name that would not be below the directory, or that this system cannot have."""
        if problem := path_problem(name, windows=self._windows):
            raise LandingError(f"{name!r} is not written to this machine: {problem}.", "UnsafeName")

    @contextmanager
    def writing(
        self, name: str, *, overwrite: bool = False, modified: datetime | None = None, durable: bool = False
    ) -> Iterator[IO[bytes]]:
        """Yield an open binary file that gets the name when the block ends, and is deleted if the block raises.

        `name` is relative to the directory, with `/` between its parts. `modified` becomes its time, and permissions
        follow the umask. With `durable`, the bytes are on the disk before this returns. Raises LandingError for a name
        or a place that is refused, and FileExistsError if the file exists, unless `overwrite`.
        """
        self.check_name(name)
        *directories, last = name.split("/")
        with ExitStack() as stack:
            spot = self._open(stack)
            for directory in directories:
                spot = spot.enter(directory, stack)
            spot.check(last, overwrite=overwrite)
            partial = f".s3store-{secrets.token_hex(8)}"
            where, how = spot.at(partial)
            with _about(spot.path / last):
                descriptor = os.open(where, _CREATE, 0o666, **how)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    yield file
                    file.flush()
                    if durable:
                        os.fsync(descriptor)
                if modified:
                    moment = modified.timestamp()
                    os.utime(where, (moment, moment), **how)
                spot.publish(partial, last, overwrite=overwrite)
                if durable and spot.descriptor is not None:
                    os.fsync(spot.descriptor)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(where, **how)
                raise

    def make_directory(self, name: str) -> None:
        """Create the directory `name` below this one, or with `""` this one. It may exist. Raises LandingError."""
        if name:
            self.check_name(name)
        with ExitStack() as stack:
            spot = self._open(stack)
            for part in name.split("/") if name else ():
                spot = spot.enter(part, stack)

    def _open(self, stack: ExitStack) -> _Spot:
        self.directory.mkdir(parents=True, exist_ok=True)
        if not _BY_DESCRIPTOR:
            return _Spot(self.directory, None)
        # The user named this directory: it may be a link.
        descriptor = os.open(self.directory, _ENTER & ~getattr(os, "O_NOFOLLOW", 0))
        stack.callback(os.close, descriptor)
        return _Spot(self.directory, descriptor)


@contextmanager
def _about(path: Path) -> Iterator[None]:
    """Let errors name the whole path, and not the part of it, or the temporary file, that the system was asked for."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise


def _taken(path: Path) -> FileExistsError:
    return FileExistsError(f"{path} exists. Give --overwrite to replace it, or choose another name.")

"""A directory of this machine, below which files are read and written, and nowhere else.

The names come from everybody who can write to the bucket. Directories are entered one by one, and links are not
followed, so that neither a name nor a link that somebody puts there meanwhile leads out of the directory.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO

from s3store.core.disk import writing_to
from s3store.core.paths import path_problem
from s3store.operations.hiding import is_hiding
from s3store.operations.unfinished import Spot, forget_others, open_part, part_name

__all__ = ["Landing", "LandingError"]

# Windows has no descriptors of directories: there, links are looked for, but can be put in place between two steps.
_BY_DESCRIPTOR = os.open in os.supports_dir_fd
_LINKS = getattr(os, "O_NOFOLLOW", 0)
_CLOEXEC = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_ENTER = os.O_RDONLY | _CLOEXEC | getattr(os, "O_DIRECTORY", 0)
# A file can have become a pipe, which would wait for a writer.
_READ = os.O_RDONLY | _CLOEXEC | getattr(os, "O_NONBLOCK", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _LINKS | _CLOEXEC

# What systems and file systems without hard links say.
_NO_LINKS = (errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class LandingError(OSError):
    """A name that is not used on this machine. `code` is a word for programs: UnsafeName, Symlink or NotAFile."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class Landing:
    """A local directory that files of a bucket are written to, and read from. It is created with the first file.

    With `follow`, symbolic links below it are followed. The directory itself can be one: the user named it.
    """

    def __init__(
        self, directory: str | os.PathLike[str], *, windows: bool = os.name == "nt", follow: bool = False
    ) -> None:
        self.directory = Path(directory)
        self._windows = windows
        self._follow = follow

    def check_name(self, name: str) -> None:
        """Raise LandingError for a name that would not be below the directory, or that this system cannot have."""
        problem = path_problem(name, windows=self._windows)
        if problem is None and any(map(is_hiding, name.split("/"))):
            # The next run would take what is in it for a file of the directory above.
            problem = "s3store hides files in directories of this name"
        if problem:
            raise LandingError(f"{name!r} is not written to this machine: {problem}.", "UnsafeName")

    @contextmanager
    def parent(self, name: str, *, create: bool = False) -> Iterator[tuple[Spot, str]]:
        """Yield the open directory of a file, and the last part of its name.

        With `create`, missing directories are created. Raises LandingError, and FileNotFoundError.
        """
        *parents, last = name.split("/")
        spot = self.enter(parents, create=create)
        try:
            yield spot, last
        finally:
            spot.close()

    def enter(self, parents: Sequence[str], *, create: bool = False) -> Spot:
        """Return an open directory below this one, which the caller closes. Errors as `parent`."""
        if create:
            self.directory.mkdir(parents=True, exist_ok=True)
        spot = Spot(self.directory, (), os.open(self.directory, _ENTER) if _BY_DESCRIPTOR else None)
        for part in parents:
            try:
                below = self._below(spot, part, create=create)
            finally:
                spot.close()
            spot = below
        return spot

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file for reading. Raises LandingError for a symbolic link, and for anything but a regular file."""
        with closing(Opener(self)) as opener:
            descriptor, _ = opener.opened(name)
        with open(os.path.join(self.directory, name), "rb", opener=lambda *_: descriptor) as file:  # noqa: PTH118 (faster)
            yield file

    @contextmanager
    def writing(
        self, name: str, *, overwrite: bool = False, modified: datetime | None = None, durable: bool = False
    ) -> Iterator[IO[bytes]]:
        """Yield an open binary file that gets the name when the block ends, and is deleted if the block raises.

        `name` is relative to the directory, with `/` between its parts. `modified` becomes its time, and permissions
        follow the umask. With `durable`, the bytes are on the disk before this returns. Raises LandingError for a name
        or a place that is refused, and FileExistsError if the file exists, unless `overwrite`.
        """
        with self.continuing(name, overwrite=overwrite, modified=modified, durable=durable) as (file, _):
            yield file

    @contextmanager
    def continuing(
        self,
        name: str,
        *,
        version: str | None = None,
        after: tuple[type[BaseException], ...] = (),
        overwrite: bool = False,
        modified: datetime | None = None,
        durable: bool = False,
    ) -> Iterator[tuple[IO[bytes], bool]]:
        """Yield a file like `writing`, and whether it can be continued: what an earlier block has written is in it.

        `version` is the ETag of the content. If the block raises one of `after`, the file is kept for the next block
        with the same version.
        """
        self.check_name(name)
        with self.parent(name, create=True) as (spot, last), writing_to(str(spot.path / last)):
            _check(spot, last, overwrite=overwrite)
            part = part_name(last, version)
            if version is not None:
                forget_others(spot, last, part)
            with _about(spot.path / last):
                file, part, locked = open_part(spot, part)
            kept = version is not None and locked
            with file:
                try:
                    if not kept:
                        file.truncate(0)
                    yield file, kept
                    file.flush()
                    if durable:
                        os.fsync(file.fileno())
                    where, how = spot.at(part)
                    if modified:
                        os.utime(where, (modified.timestamp(),) * 2, **how)
                    if spot.descriptor is None:
                        # Windows does not rename an open file. Nobody else has this one: its name is random.
                        file.close()
                    _publish(spot, part, last, overwrite=overwrite)
                    if durable and spot.descriptor is not None:
                        os.fsync(spot.descriptor)
                except BaseException as error:
                    if not (kept and isinstance(error, after)):
                        file.close()
                        spot.unlink(part)
                    raise

    def make_directory(self, name: str) -> None:
        """Create the directory `name` below this one, or with `""` this one. It may exist. Raises LandingError."""
        if name:
            self.check_name(name)
        with self.parent(f"{name}/x" if name else "x", create=True):
            return

    def open_at(self, spot: Spot, last: str) -> int:
        """Return the descriptor of a file in a directory. Raises LandingError for a symbolic link."""
        where, how = spot.at(last)
        if spot.descriptor is None and not self._follow and _kind(spot, last) == stat.S_IFLNK:
            raise _refused(spot, last, stat.S_IFLNK)
        try:
            return os.open(where, _READ | (0 if self._follow else _LINKS), **how)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise _refused(spot, last, stat.S_IFLNK) from None

    def _below(self, spot: Spot, part: str, *, create: bool) -> Spot:
        try:
            return self._entered(spot, part)
        except FileNotFoundError:
            if not create:
                raise
        where, how = spot.at(part)
        # Another thread can need the same directory.
        with suppress(FileExistsError), _about(spot.path / part):
            os.mkdir(where, **how)  # noqa: PTH102 (Path takes no dir_fd)
        return self._entered(spot, part)

    def _entered(self, spot: Spot, part: str) -> Spot:
        parts = (*spot.parts, part)
        if spot.descriptor is None:
            path = spot.path / part
            kind = _kind(spot, part)
            if kind is None:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
            if not (path.is_dir() if self._follow else kind == stat.S_IFDIR):
                raise _refused(spot, part, kind)
            return Spot(spot.root, parts, None)
        try:
            entered = os.open(part, _ENTER | (0 if self._follow else _LINKS), dir_fd=spot.descriptor)
        except OSError as error:
            # Systems differ in what they say about a symbolic link.
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
            raise _refused(spot, part, _kind(spot, part)) from None
        return Spot(spot.root, parts, entered)


class Opener:
    """Opens files of a Landing for reading, one after another, in one thread.

    The directory of the last file stays open: in a listing, most files are in that of the one before.
    """

    def __init__(self, landing: Landing) -> None:
        self._landing = landing
        self._parents: list[str] = []
        self._spot: Spot | None = None

    def opened(self, name: str) -> tuple[int, int]:
        """Open a file, and return its descriptor, which the caller closes, and its size in bytes.

        Raises LandingError for a symbolic link, and for anything but a regular file.
        """
        *parents, last = name.split("/")
        # Without descriptors, a link can take the place of a directory that was looked at.
        if self._spot is None or self._spot.descriptor is None or parents != self._parents:
            self.close()
            self._spot, self._parents = self._landing.enter(parents), parents
        descriptor = self._landing.open_at(self._spot, last)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            if stat.S_ISDIR(status.st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(self._spot.path / last))
            raise LandingError(f"{name!r} is not a regular file.", "NotAFile")
        return descriptor, status.st_size

    def close(self) -> None:
        """Close the directory."""
        spot, self._spot = self._spot, None
        if spot:
            spot.close()


@contextmanager
def _about(path: Path) -> Iterator[None]:
    """Let errors name the whole path, and not the part of it, or the temporary file, that the system was asked for."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise


def _kind(spot: Spot, name: str) -> int | None:
    """Return the type bits of what has that name, or None if there is nothing."""
    where, how = spot.at(name)
    try:
        return stat.S_IFMT(os.stat(where, follow_symlinks=False, **how).st_mode)  # noqa: PTH116 (as above)
    except FileNotFoundError:
        return None


def _refused(spot: Spot, part: str, kind: int | None) -> LandingError:
    link = kind == stat.S_IFLNK
    what = "is a symbolic link, which is not followed" if link else "is a file and not a directory"
    return LandingError(f"{str(spot.path / part)!r} is not used: {part!r} {what}.", "Symlink" if link else "NotAFile")


def _check(spot: Spot, name: str, *, overwrite: bool) -> None:
    """Raise LandingError or FileExistsError if a file may not get that name."""
    kind = _kind(spot, name)
    if kind is None:
        return
    if kind == stat.S_IFLNK:
        raise _refused(spot, name, kind)
    if kind != stat.S_IFREG:
        what = "a directory" if kind == stat.S_IFDIR else "not a regular file"
        raise LandingError(f"{spot.path / name} is {what}, so that no file can be written there.", "NotAFile")
    if not overwrite:
        raise _taken(spot.path / name)


def _publish(spot: Spot, part: str, name: str, *, overwrite: bool) -> None:
    """Give a complete file its name. Raises FileExistsError if it is taken meanwhile, unless `overwrite`."""
    (old, how), (new, _) = spot.at(part), spot.at(name)
    both = {"src_dir_fd": spot.descriptor, "dst_dir_fd": spot.descriptor} if how else {}
    if overwrite:
        os.replace(old, new, **both)  # noqa: PTH105 (as above)
        return
    try:
        # Unlike a rename, it fails if another spelling of the name exists, as in a directory that ignores case.
        os.link(old, new, **both, follow_symlinks=False)
    except FileExistsError:
        # A directory, perhaps, that another thread has just created.
        _check(spot, name, overwrite=False)
        raise _taken(spot.path / name) from None
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LINKS:
            raise
        # A file system without links: an empty file reserves the name.
        try:
            os.close(os.open(new, _CREATE, 0o666, **how))
        except FileExistsError:
            raise _taken(spot.path / name) from None
        try:
            os.replace(old, new, **both)  # noqa: PTH105 (as above)
        except BaseException:
            spot.unlink(name)
            raise
    else:
        spot.unlink(part)


def _taken(path: Path) -> FileExistsError:
    return FileExistsError(f"{path} exists. Give --overwrite to replace it, or choose another name.")

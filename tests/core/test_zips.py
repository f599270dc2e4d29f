"""The ZIP format: lengths and offsets, also where Zip64 is needed."""

import io
import zipfile
import zlib
from datetime import datetime

import pytest

from s3store.core import zips
from s3store.core.zips import Member

GIB = 1 << 30


class Sparse(io.RawIOBase):
    """A file that keeps only the pieces that are written, and reads zeros elsewhere."""

    def __init__(self):
        self.pieces = []
        self.at = self.length = 0

    def put(self, data):
        self.pieces.append((self.at, data))
        self.at += len(data)
        self.length = max(self.length, self.at)

    def skip(self, count):
        self.at += count

    def seekable(self):
        return True

    def readable(self):
        return True

    def seek(self, offset, whence=0):
        self.at = {0: 0, 1: self.at, 2: self.length}[whence] + offset
        return self.at

    def tell(self):
        return self.at

    def read(self, size=-1):
        end = self.length if size < 0 else min(self.length, self.at + size)
        found = bytearray(end - self.at)
        for start, data in self.pieces:
            first, last = max(start, self.at), min(start + len(data), end)
            if first < last:
                found[first - self.at : last - self.at] = data[first - start : last - start]
        self.at = end
        return bytes(found)


def written(members):
    """Return an archive whose content is zeros that are not stored."""
    file, directory = Sparse(), []
    for member in members:
        start = file.at
        file.put(zips.local_header(member))
        file.skip(member.size)
        file.put(zips.descriptor(member, crc=0))
        directory.append(zips.central_header(member, crc=0, offset=start))
    offset = file.at
    for entry in directory:
        file.put(entry)
    file.put(zips.end(count=len(directory), size=file.at - offset, offset=offset))
    return file


@pytest.mark.parametrize(
    "sizes",
    [(5 * GIB,), (3 * GIB, 2 * GIB, 1), ((1 << 32) - 1, 5), ((1 << 32) - 2, 5), (1,)],
    ids=["one of 5 GiB", "an offset above 4 GiB", "the limit", "below the limit", "small"],
)
def test_fo_35_lengths_and_offsets_of_large_archives(sizes):
    """They are those that Python's reader finds."""
    members = [Member(name=f"é{number}.bin", size=size) for number, size in enumerate(sizes)]
    file = written(members)
    assert file.length == zips.length_of(members)
    found = zipfile.ZipFile(file).infolist()
    assert [(info.filename, info.file_size) for info in found] == [(one.name, one.size) for one in members]
    assert found[0].header_offset == 0


@pytest.mark.parametrize("count", [65_534, 65_535, 70_000])
def test_fo_35_many_members(count):
    """More than 65,535 need Zip64."""
    members = [Member(name=f"{number}") for number in range(count)]
    offset, parts, directory = 0, [], []
    for member in members:
        part = zips.local_header(member) + zips.descriptor(member, crc=0)
        parts.append(part)
        directory.append(zips.central_header(member, crc=0, offset=offset))
        offset += len(part)
    central = b"".join(directory)
    content = b"".join(parts) + central + zips.end(count=count, size=len(central), offset=offset)
    assert len(content) == zips.length_of(members)
    assert len(zipfile.ZipFile(io.BytesIO(content)).infolist()) == count


def test_members_have_dates_modes_and_folders():
    """Two seconds exact, from 1980 to 2107; others are the first day."""
    members = [
        Member(name="a/"),
        Member(name="a/b", size=3, modified=datetime(2026, 5, 3, 14, 2, 6)),
        Member(name="c", size=3, modified=datetime(1970, 1, 1)),
    ]
    content, directory = b"", b""
    for member in members:
        body = b"" if member.is_folder else b"abc"
        directory += zips.central_header(member, crc=zlib.crc32(body), offset=len(content))
        content += zips.local_header(member) + body + zips.descriptor(member, crc=zlib.crc32(body))
    content += directory + zips.end(count=3, size=len(directory), offset=len(content))
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    assert [info.date_time for info in archive.infolist()[1:]] == [(2026, 5, 3, 14, 2, 6), (1980, 1, 1, 0, 0, 0)]
    assert archive.infolist()[0].is_dir()
    assert archive.infolist()[1].external_attr >> 16 == 0o100644

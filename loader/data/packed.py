"""The text of a file: plain or packed by gzip, bzip2, xz or zstd, or a file of a zip; in UTF-8 or UTF-16."""

import bz2
import codecs
import gzip
import hashlib
import io
import lzma
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa

from loader.data.batches import reading
from loader.errors import PgfeedError

UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
WORKBOOK = "[Content_Types].xml"
NOT_DATA = ("__MACOSX", ".")  # what macOS adds, and hidden files
Stream = io.BufferedIOBase


class Tally(io.RawIOBase):
    """A raw file that counts and hashes what is read from it."""

    def __init__(self, raw: Any):
        self.raw, self.count, self.sha = raw, 0, hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = self.raw.readinto(buffer) or 0
        self.sha.update(memoryview(buffer)[:size])
        self.count += size
        return size


class _Recoded(io.RawIOBase):
    """UTF-16 as UTF-8."""

    def __init__(self, path: str, stream: Stream, encoding: str):
        self.path, self.stream = path, stream
        self.decoder = codecs.getincrementaldecoder(encoding)()
        self.rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = b" "
        while data and not self.rest:
            data = self.stream.read(1 << 20)
            try:
                self.rest = self.decoder.decode(data, final=not data).encode()
            except UnicodeError as error:
                raise PgfeedError(f"{self.path} is damaged", f"its UTF-16 cannot be decoded: {error}") from error
        size = min(len(buffer), len(self.rest))
        buffer[:size], self.rest = self.rest[:size], self.rest[size:]
        return size


@contextmanager
def text_stream(path: str, member: str | None = None) -> Iterator[tuple[Stream, Tally]]:
    """Open a file, or a file of a zip; yield a stream of its text in UTF-8 and the tally of its bytes as stored."""
    with reading(path), ExitStack() as stack:
        if member is None:
            raw: Any = stack.enter_context(open(path, "rb", buffering=0))
        else:
            raw = stack.enter_context(stack.enter_context(zipfile.ZipFile(path)).open(member))
        tally = Tally(raw)
        stream = _unpacked(io.BufferedReader(tally, 1 << 20))
        start = stream.peek(3)[:3]  # type: ignore[attr-defined]
        if start[:2] in UTF_16:
            stream.read(2)
            stream = io.BufferedReader(_Recoded(path, stream, UTF_16[start[:2]]), 1 << 20)
        elif start == codecs.BOM_UTF8:
            stream.read(3)
        yield stream, tally


def _unpacked(stream: Any) -> Stream:
    start = stream.peek(6)[:6]
    if start[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=stream)
    if start[:3] == b"BZh":
        return bz2.BZ2File(stream)
    if start == b"\xfd7zXZ\0":
        return lzma.LZMAFile(stream)
    if start[:4] == b"\x28\xb5\x2f\xfd":
        return io.BufferedReader(pa.CompressedInputStream(pa.PythonFile(stream, "r"), "zstd"), 1 << 20)
    return stream


def members(path: str) -> list[zipfile.ZipInfo]:
    """Return the files in a zip, in its order; raise PgfeedError if they cannot be read."""
    with reading(path), zipfile.ZipFile(path) as archive:
        files = [member for member in archive.infolist() if not member.is_dir()]
    if any(member.filename == WORKBOOK for member in files):
        raise PgfeedError(f"{path} is an Excel workbook", "only CSV and Parquet can be read", "save its sheets as CSV")
    files = [
        file for file in files if not any(part.startswith(NOT_DATA) for part in PurePosixPath(file.filename).parts)
    ]
    if not files:
        raise PgfeedError(f"{path} is empty", "the zip has no file")
    if any(file.flag_bits & 1 for file in files):
        raise PgfeedError(f"{path} cannot be read", "it has a password", f"unzip {path}")
    return files

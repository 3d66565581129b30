"""A package for those who use what is in it: what its modules refer to, and the files of their payloads.

Whoever checks a package wants to hear everything that is wrong with it. Whoever uses one that was checked wants its
content and nothing else: here the first thing that is wrong is raised. Judged is as much as is read, by the same rules,
for the file may have changed since; nothing is read before it is asked for but the package's own directory.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from shared.formats.deployable_package.archive.directory import STORED, Allowance, DirectoryError, read_directory
from shared.formats.deployable_package.archive.entry import Entry, inside
from shared.formats.deployable_package.archive.sources import Bytes, FileSource, MemorySource, Source, WindowSource
from shared.formats.deployable_package.archive.unpacking import EntryError, data_offset, read_chunks, read_whole
from shared.formats.deployable_package.findings import Findings, InfrastructureError, PackageFinding
from shared.formats.deployable_package.limits import OPEN_PAYLOADS, STREAM_CHUNK, Limits
from shared.formats.deployable_package.read.layout import file_module, nuget_path, payload_path
from shared.formats.deployable_package.read.nuget import read_nuget


class PackageRefusedError(Exception):
    """What was asked for is not in the package as the rules want it; the message names the rule and the entry."""


@dataclass(frozen=True, slots=True)
class PayloadFile:
    """A file of a payload: `path` in the module's folder, with slashes; `size` in bytes. Any thread may read it.

    Reading raises PackageRefusedError where the content is not what the directory says, InfrastructureError where the
    package's file cannot be read.
    """

    path: str
    size: int
    _place: str
    _source: Source
    _entry: Entry

    def read(self) -> Bytes:
        """The whole content; callers bound `size` beforehand."""
        try:
            return read_whole(self._source, self._entry)
        except EntryError as damage:
            raise _refused(damage.rule, self._place, damage.message) from damage

    def chunks(self) -> Iterator[Bytes]:
        """The content in chunks of at most a mebibyte; what is wrong with it may be raised only at the end."""
        try:
            yield from read_chunks(self._source, self._entry)
        except EntryError as damage:
            raise _refused(damage.rule, self._place, damage.message) from damage


class PackageReader:
    """An open package, and open until it is closed: files of its payloads are read from it.

    All methods raise PackageRefusedError, and InfrastructureError where the file cannot be read.
    """

    def __init__(self, file: Path, limits: Limits | None = None) -> None:
        self._allowance = Allowance(limits or Limits())
        with ExitStack() as files:
            self._file = files.enter_context(FileSource(file))
            self._entries = {entry.key: entry for entry in self._directory(self._file, "")}
            self._files = files.pop_all()

    def close(self) -> None:
        """Let go of the file, and of what was unpacked beside it."""
        self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def references(self, module: str, version: str) -> tuple[str, ...]:
        """The modules that a module refers to, in lower case; the vendor's framework and meta packages are none."""
        entry = self._entry(nuget_path(module, version), "DP301")
        if entry.size > self._allowance.limits.nuget_package:
            raise _refused("DP214", entry.path, f"has {entry.size} bytes")
        findings = Findings()
        package = read_nuget(
            self._whole(entry), entry.path, *file_module(entry), allowance=self._allowance, findings=findings
        )
        _raise_first(findings)
        if package is None:
            raise _refused("DP308", entry.path, "no nuspec can be read")
        return package.references

    def payload(self, module: str, version: str) -> tuple[PayloadFile, ...]:
        """The files of a module's payload, sorted by path; its directory is read, and of files nothing yet."""
        entry = self._entry(payload_path(module, version), "DP303")
        source = self._opened(entry)
        return tuple(
            PayloadFile(one.path, one.size, inside(entry.path, one.path), source, one)
            for one in sorted(self._directory(source, entry.path), key=lambda one: one.path)
            if not one.is_folder
        )

    def payload_digest(self, module: str, version: str) -> str:
        """The sha256 of a module's payload as it stands in the package, in hexadecimal: equal payloads, equal files."""
        entry = self._entry(payload_path(module, version), "DP303")
        try:
            offset = data_offset(self._file, entry)
        except EntryError as damage:
            raise _refused(damage.rule, entry.path, damage.message) from damage
        hasher = hashlib.sha256(f"{entry.method} {entry.size} ".encode())
        for at in range(0, entry.packed, STREAM_CHUNK):
            hasher.update(self._file.read_at(offset + at, min(STREAM_CHUNK, entry.packed - at)))
        return hasher.hexdigest()

    def _entry(self, path: str, rule: str) -> Entry:
        entry = self._entries.get(path.lower())
        if entry is None:
            raise _refused(rule, path, "the package has no such file")
        return entry

    def _directory(self, source: Source, place: str) -> list[Entry]:
        findings = Findings()
        try:
            return read_directory(source, place, self._allowance, findings)
        except DirectoryError:
            _raise_first(findings)
            raise

    def _opened(self, entry: Entry) -> Source:
        """An archive in the package, to be read at any place: in the file, in memory, or unpacked on disk."""
        try:
            if entry.method == STORED:
                return WindowSource(self._file, data_offset(self._file, entry), entry.packed)
            if entry.size + entry.packed <= OPEN_PAYLOADS:
                return MemorySource(read_whole(self._file, entry))
            return self._unpacked_on_disk(entry)
        except EntryError as damage:
            raise _refused(damage.rule, entry.path, damage.message) from damage

    def _unpacked_on_disk(self, entry: Entry) -> Source:
        # Readers go by name and not by offset: they would unpack it anew for each file.
        try:
            file = self._files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - closed with the package
            for chunk in read_chunks(self._file, entry):
                file.write(chunk)
            file.flush()
        except OSError as error:
            raise InfrastructureError(f"there is no room to unpack {entry.path}: {error}") from error
        return FileSource(file)

    def _whole(self, entry: Entry) -> Bytes:
        try:
            return read_whole(self._file, entry)
        except EntryError as damage:
            raise _refused(damage.rule, entry.path, damage.message) from damage


def _raise_first(findings: Findings) -> None:
    if findings.errors:
        first = findings.sorted()[0]
        raise _refused(first.rule, first.path, first.message)


def _refused(rule: str, path: str, message: str) -> PackageRefusedError:
    finding = PackageFinding(rule, path, message)
    return PackageRefusedError(f"{rule} {path or 'the package'}: {message}. {finding.fix}")

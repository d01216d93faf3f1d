"""Files inside .tgz, .tar and .zip archives, one at a time, without unpacking the archive."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from videopose3d.errors import FileFormatError, VideoPose3DError

ARCHIVE_SUFFIXES = (".tgz", ".tar.gz", ".tar", ".zip")

Wanted = Callable[[PurePosixPath], bool]


def archive_members(path: Path, wanted: Wanted) -> Iterator[tuple[PurePosixPath, Path]]:
    """The wanted files of an archive: (name in the archive, a temporary copy that lives until the next one).

    Names are only looked at, never used as places to write to, so that no archive can write elsewhere.

    Raises:
        FileFormatError: It is not such an archive, or damaged.
    """
    members = _zip_members if path.name.lower().endswith(".zip") else _tar_members
    with tempfile.TemporaryDirectory(prefix="videopose3d-") as folder:
        copy = Path(folder, "member")
        try:
            for name, content in members(path, wanted):
                place = copy.with_suffix(name.suffix)
                with content, place.open("wb") as file:
                    shutil.copyfileobj(content, file)
                yield name, place
        except (VideoPose3DError, GeneratorExit):
            raise
        except Exception as error:  # of tarfile, zipfile, zlib, gzip: a damaged archive raises anything
            if isinstance(error, OSError) and error.errno:  # disk full, no permission
                raise
            why = " ".join(str(error).split())[:120]
            fix = "Download it again."
            raise FileFormatError(f"not a readable archive ({why})", where=path, fix=fix) from error


def _tar_members(path: Path, wanted: Wanted) -> Iterator[tuple[PurePosixPath, IO[bytes]]]:
    with tarfile.open(path) as tar:
        for member in tar:
            name = PurePosixPath(member.name)
            if member.isfile() and wanted(name) and (content := tar.extractfile(member)) is not None:
                yield name, content


def _zip_members(path: Path, wanted: Wanted) -> Iterator[tuple[PurePosixPath, IO[bytes]]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name = PurePosixPath(member.filename)
            if not member.is_dir() and wanted(name):
                yield name, archive.open(member)

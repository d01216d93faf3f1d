"""Results of finished stages, kept beside the output so that an interrupted run can go on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from videopose3d import __version__
from videopose3d.errors import FileFormatError
from videopose3d.files import replacing
from videopose3d.result_file import load_result, save_result
from videopose3d.types import Result

FOLDER = ".videopose3d"


def content_key(source: str | os.PathLike[str]) -> str:
    """A hash of a file's content, or of the text of a URL."""
    digest = hashlib.sha256(__version__.encode())
    if os.path.isfile(source):  # unlike Path.is_file, says no to a URL longer than a file name may be
        with open(source, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    else:
        digest.update(os.fspath(source).encode())
    return digest.hexdigest()


def keypoints_key(path: str | os.PathLike[str]) -> str:
    """A hash of the content of a file or folder of keypoints."""
    if not os.path.isdir(path):
        return content_key(path)
    inside = sorted(file for file in Path(path).glob("*.json") if file.is_file())
    return hashlib.sha256("".join(f"{file.name}{content_key(file)}" for file in inside).encode()).hexdigest()


class StageFiles:
    """Stage results in a hidden folder beside the output, named by what they were made from.

    Args:
        folder: Where the output goes.
        source: The video.
        reuse: Take finished stages; otherwise they are only written.
    """

    def __init__(self, folder: Path, source: str | os.PathLike[str], reuse: bool) -> None:
        self._folder, self._reuse, self._key = folder / FOLDER, reuse, content_key(source)

    def finished(self, stage: str, settings: object, make: Callable[[], Result]) -> Result:
        """The result of a stage with these settings: read back if allowed and there, else made and kept."""
        path = self._path(settings, f"{stage}.npz")
        if self._reuse and path.is_file():
            try:
                return load_result(path)
            except FileFormatError:
                path.unlink(missing_ok=True)
        result = make()
        save_result(result, path)
        return result

    def is_done(self, settings: object, outputs: Sequence[Path]) -> bool:
        """Whether a run with these settings wrote all of these files, and nobody has touched them since."""
        try:
            noted = self._path(settings, "done").read_text()
        except OSError:
            return False
        return self._reuse and all(path.is_file() for path in outputs) and noted == _state(outputs)

    def set_done(self, settings: object, outputs: Sequence[Path]) -> None:
        """Note that a run with these settings wrote these files."""
        with replacing(self._path(settings, "done")) as partial:
            partial.write_text(_state(outputs))

    def _path(self, settings: object, suffix: str) -> Path:
        kind = suffix.partition(".")[0]
        key = hashlib.sha256(f"{self._key}{kind}{settings!r}".encode()).hexdigest()[:20]
        return self._folder / f"{key}.{suffix}"


def _state(outputs: Sequence[Path]) -> str:
    """Names, sizes and times of change of files; different when any of them is not there."""
    lines = []
    for path in outputs:
        found = path.stat() if path.is_file() else None
        lines.append(f"{path.name} {found.st_size} {found.st_mtime_ns}" if found else f"{path.name} missing")
    return "\n".join(lines)

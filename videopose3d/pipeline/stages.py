"""Results of finished stages, kept beside the output so that an interrupted run can go on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from videopose3d import __version__
from videopose3d.errors import FileFormatError
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
        key = hashlib.sha256(f"{self._key}{stage}{settings!r}".encode()).hexdigest()[:20]
        path = self._folder / f"{key}.{stage}.npz"
        if self._reuse and path.is_file():
            try:
                return load_result(path)
            except FileFormatError:
                path.unlink(missing_ok=True)
        result = make()
        save_result(result, path)
        return result

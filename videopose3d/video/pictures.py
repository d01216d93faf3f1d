"""Pictures in, PNG or JPEG files out: one, or one for every frame."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from videopose3d.errors import OutputError
from videopose3d.files import check_folder, check_overwrite, replacing
from videopose3d.types import Frame
from videopose3d.video.writing import SUFFIXES

STILLS = (".png", ".jpg", ".jpeg")
"""Names of pictures that ``open_pictures`` takes."""
_NUMBER = re.compile(r"%(0?)(\d*)d")
_QUALITY = 95  # of JPEG


@dataclass
class PictureWriter:
    """Takes pictures and writes each as a file; ``open_pictures`` makes it.

    Attributes:
        encoder: ``png`` or ``jpg``.
        frames: Pictures taken so far.
        files: Where each is, while they are being written.
    """

    encoder: str
    _names: Iterator[Path]
    frames: int = 0
    files: list[Path] = field(default_factory=list)

    def write(self, frame: Frame) -> None:
        """Write one (H, W, 3) RGB picture.

        Raises:
            OutputError: There is no room for another.
        """
        from videopose3d.opencv import cv2

        path = next(self._names, None)
        if path is None:
            raise OutputError("one picture was to be written, another came", fix="Number them: name_%05d.png")
        options = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY] if self.encoder == "jpg" else []
        done, data = cv2.imencode(f".{self.encoder}", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), options)
        if not done:
            raise OutputError("this picture cannot be encoded", where=path, fix="Choose another size or format.")
        path.write_bytes(data.tobytes())
        self.files.append(path)
        self.frames += 1


def kind_of(path: str | os.PathLike[str]) -> str:
    """``still``, ``frames``, ``gif`` or ``video``: what a file of that name is.

    Raises:
        OutputError: Nothing that could be written.
    """
    suffix = Path(path).suffix.lower()
    if not suffix or (suffix in STILLS and _NUMBER.search(Path(path).name)):
        return "frames"
    if suffix in STILLS:
        return "still"
    if suffix not in SUFFIXES:
        fix = f"Use one of {' '.join((*SUFFIXES, *STILLS))}, a number in it (frames/%05d.png), or a folder."
        raise OutputError("this is no name for a video or picture", where=path, fix=fix)
    return "gif" if suffix == ".gif" else "video"


def check_pictures(path: str | os.PathLike[str], overwrite: bool) -> None:
    """Refuse to replace a video or picture, or any of the numbered pictures of that name, unless asked to.

    Raises:
        OutputError: One is there and ``overwrite`` is False, or the name says nothing.
    """
    there = _there(*_folder_and_pattern(path)) if kind_of(path) == "frames" else []
    check_overwrite(there[0] if there else path, overwrite or (os.path.isdir(path) and not there))


@contextmanager
def open_pictures(path: str | os.PathLike[str]) -> Iterator[PictureWriter]:
    """A writer of RGB pictures; they appear when the block ends well, and not otherwise.

    Args:
        path: ``name.png`` or ``.jpg`` for one picture; ``folder/name_%05d.png`` for numbered ones, from 0; a name
            without a suffix for a folder of ``00000.png`` and so on. Older pictures numbered like that go.

    Raises:
        OutputError: The place cannot be written.
    """
    if kind_of(path) == "still":
        with replacing(path) as partial:
            yield PictureWriter(_encoder(partial), iter([partial]))
        return
    folder, pattern = _folder_and_pattern(path)
    check_folder(folder)
    hidden = Path(tempfile.mkdtemp(dir=folder, prefix=".pictures-"))
    try:
        writer = PictureWriter(_encoder(Path(pattern)), (hidden / _numbered(pattern, n) for n in range(10**9)))
        yield writer
        for old in _there(folder, pattern):
            old.unlink()
        for file in writer.files:
            os.replace(file, folder / file.name)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _folder_and_pattern(path: str | os.PathLike[str]) -> tuple[Path, str]:
    path = Path(path)
    return (path.parent, path.name) if path.suffix else (path, "%05d.png")


def _numbered(pattern: str, number: int) -> str:
    return _NUMBER.sub(lambda found: f"{number:{found[1]}{found[2]}d}".replace(" ", "0"), pattern, count=1)


def _there(folder: Path, pattern: str) -> list[Path]:
    """Pictures in a folder whose names fit the pattern."""
    before, after = _NUMBER.split(pattern, maxsplit=1)[0], _NUMBER.split(pattern, maxsplit=1)[-1]
    name = re.compile(re.escape(before) + r"\d+" + re.escape(after))
    return sorted(p for p in folder.glob("*") if name.fullmatch(p.name)) if folder.is_dir() else []


def _encoder(path: Path) -> str:
    return "png" if path.suffix.lower() == ".png" else "jpg"

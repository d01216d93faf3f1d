"""Motion from wherever a user has it: the open sets, libraries, motion files and folders of them, as one library."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from videopose3d.config_mocap import MocapConfig
from videopose3d.datasets.mocap.library import SHORTEST, Label, set_motions
from videopose3d.datasets.mocap.motion import FORMAT, LARGEST, Motion, MotionLibrary, load_library
from videopose3d.datasets.mocap.single import DETECTOR, MOTION_FILES, load_motion_file
from videopose3d.errors import FileFormatError, InputError

PathLike = str | os.PathLike[str]
Tell = Callable[[str], None]
Report = Callable[[int], None]

_ASF = ".asf"


@dataclass(frozen=True)
class Sources:
    """What became of the sources.

    Attributes:
        library: All motions, in the order of the sources.
        skipped: What was left out, one sentence each: file and reason.
    """

    library: MotionLibrary
    skipped: tuple[str, ...]


def read_source(
    source: PathLike, *, detector: str = DETECTOR, split: str = "train", tell: Tell | None = None
) -> MotionLibrary:
    """The motions of one source; see `read_sources`.

    Args:
        source: A folder of the open sets, a library, a motion file or a folder of motion files.
        detector: Whose idea of hips and shoulders the keypoints follow; a library has its own.
        split: That of motion files; the open sets and libraries have their own.
        tell: Told what was skipped.

    Raises:
        InputError: There are none.
    """
    config = MocapConfig(detector=None if is_library(Path(source)) else detector, split=split)
    found = read_sources([source], config)
    if tell:
        for line in found.skipped:
            tell(f"skipped {line}")
    return found.library


def read_sources(
    sources: Sequence[PathLike],
    config: MocapConfig | None = None,
    *,
    strict: bool = False,
    report: Report | None = None,
) -> Sources:
    """All motions of the sources as one library.

    Args:
        sources: Each the folder of the open sets (it holds ``split.json``, ``cmu/`` and ``ui-prmd/``), a library
            (.npz), a motion file (see `load_motion_file`), or a folder of these at any depth.
        config: What the files do not say.
        strict: A file that cannot be read is an error; else it is skipped.
        report: Told the frames read so far.

    Raises:
        InputError: A source is missing, or nothing is left.
        FileFormatError: A file of the open sets is damaged, or a library follows another detector.
        MissingDependencyError: The package for a kind of file is not installed.
    """
    config = config or MocapConfig()
    items = [item for source in sources for item in _items(Path(source), config)]
    items = list({item.path.resolve(): item for item in items}.values())
    libraries = {item.path: load_library(item.path) for item in items if is_library(item.path)}
    detector = config.detector or next((library.detector for library in libraries.values()), DETECTOR)
    reading = _Reading(replace(config, detector=detector), strict)
    motions: list[Motion] = []
    frames = 0
    for item in items:
        for motion in reading.motions(item, libraries.get(item.path)):
            motions.append(motion)
            frames += motion.frames
            if report:
                report(frames)
    if not motions:
        raise reading.errors[0] if reading.errors else InputError("no motions", where=", ".join(map(str, sources)))
    return Sources(MotionLibrary(tuple(motions), detector), tuple(reading.skipped))


def is_library(path: Path) -> bool:
    """The file says that it is a motion library."""
    try:
        if path.suffix.lower() != ".npz" or not path.is_file():
            return False
        with np.load(path, allow_pickle=False) as file:
            return "format" in file and str(file["format"]) == FORMAT
    except (OSError, EOFError, ValueError, zipfile.BadZipFile):
        return False


def is_folder_of_sets(path: Path) -> bool:
    """The folder is laid out like that of the open sets."""
    return (path / "split.json").is_file() and ((path / "cmu").is_dir() or (path / "ui-prmd").is_dir())


@dataclass(frozen=True)
class _Item:
    """A file or a folder of sets, and what its motions are called."""

    path: Path
    label: Label


def _items(source: Path, config: MocapConfig) -> Iterator[_Item]:
    if not source.exists():
        raise InputError("no such file or folder", where=source, fix="Check the path.")
    label = Label(source.name, config.dataset or "file", config.subject or "", config.split)
    if not source.is_dir() or is_folder_of_sets(source):
        yield _Item(source, label)
        return
    found = _files(source)
    if not found:
        fix = (
            f"A folder of the open sets has split.json, cmu/ and ui-prmd/; motion files are {', '.join(MOTION_FILES)}."
        )
        raise InputError("no motion files in this folder", where=source, fix=fix)
    name = config.dataset or source.resolve().name
    for path in found:
        inside = path.relative_to(source)
        subject = config.subject or (inside.parts[0] if len(inside.parts) > 1 else "")
        yield _Item(path, Label(inside.as_posix(), name, subject, config.split))


def _files(folder: Path) -> list[Path]:
    """Motion files at any depth, in order, without hidden ones and skeletons."""
    kinds = set(MOTION_FILES) - {_ASF}
    inside = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in kinds and path.is_file())
    return [path for path in inside if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


class _Reading:
    """Reads one thing after the other and keeps what could not be read."""

    def __init__(self, config: MocapConfig, strict: bool) -> None:
        self.config, self.strict = config, strict
        self.skipped: list[str] = []
        self.errors: list[InputError] = []

    def motions(self, item: _Item, library: MotionLibrary | None) -> Iterator[Motion]:
        if library is not None:
            yield from _same_detector(library, self.config.detector, item.path)
        elif item.path.is_dir():
            yield from set_motions(item.path, self.config.detector or DETECTOR)
        else:
            yield from self._file(item)

    def _file(self, item: _Item) -> Iterator[Motion]:
        try:
            loaded = load_motion_file(item.path, self.config, item.label)
            motions = tuple(_checked(motion, item.path) for motion in loaded.motions)
        except InputError as error:
            if self.strict:
                raise
            self.errors.append(error)
            self.skipped.append(str(error))
            return
        self.skipped += [f"{item.path}: {reason}" for reason in loaded.left_out]
        yield from motions


def _same_detector(library: MotionLibrary, detector: str | None, path: Path) -> MotionLibrary:
    if library.detector != detector:
        raise FileFormatError(
            f"its keypoints follow {library.detector}, the others {detector}",
            where=path,
            fix=f"Give --detector {library.detector}, or make the library again from its sources.",
        )
    return library


def _checked(motion: Motion, path: Path) -> Motion:
    """The motion, if it is long enough and a library can hold it."""
    if motion.seconds < SHORTEST:
        raise FileFormatError(f"{motion.seconds:.2f} s are too short", where=path, fix=f"{SHORTEST:g} s are needed.")
    for joints in (motion.joints_h36m, motion.joints_coco):
        if not np.abs(joints - motion.joints_h36m[:, :1]).max() < LARGEST:  # NaN is not less
            fix = "Give metres per unit of length with --unit."
            raise FileFormatError(f"a joint is more than {LARGEST:g} m from the pelvis", where=path, fix=fix)
    return motion

"""Motion capture of any origin into one motion library."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from videopose3d.config_mocap import MocapConfig
from videopose3d.datasets.mocap import MotionLibrary, read_sources, save_library
from videopose3d.datasets.mocap.motion import SPLITS
from videopose3d.files import check_overwrite
from videopose3d.pipeline.detect import Progress
from videopose3d.pipeline.prepare_checks import PathLike, Prepared


def prepare_mocap(
    sources: Sequence[PathLike],
    output: PathLike,
    config: MocapConfig | None = None,
    *,
    strict: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Prepared:
    """Write the motions of all sources as one library (.npz).

    Args:
        sources: Folders of the open sets, libraries, motion files, folders of them; see `read_sources`.
        output: The library.
        config: What the files do not say.
        strict: A file that cannot be read is an error; else it is skipped, and a remark.
        overwrite: Replace a file that is there.
        progress: Told the frames read so far.

    Raises:
        InputError: A source is missing, or nothing is left.
        FileFormatError: A file of the open sets is damaged, or a library follows another detector.
        OutputError: The file exists, or cannot be written.
        MissingDependencyError: The package for a kind of file is not installed.
    """
    check_overwrite(output, overwrite)
    found = read_sources(
        sources, config, strict=strict, report=(lambda frames: progress("read", frames, None)) if progress else None
    )
    save_library(output, found.library)
    rows = [set_sizes(found.library, name) for name in found.library.datasets]
    return Prepared(
        outputs=(Path(output),),
        subjects=tuple(dict.fromkeys(motion.subject for motion in found.library if motion.subject)),
        takes=len(found.library),
        frames=sum(motion.frames for motion in found.library),
        remarks=(*(f"skipped {line}" for line in found.skipped), *map(_sentence, rows)),
        details={"sets": rows, "skipped": list(found.skipped), "detector": found.library.detector},
    )


def set_sizes(library: MotionLibrary, dataset: str) -> dict[str, Any]:
    """Name, number of clips (gaps cut a clip into several motions), and minutes in all and by split of one set."""
    part = library.select(dataset=dataset)
    clips = {motion.name.rpartition("[")[0] or motion.name for motion in part}
    minutes = {split: round(part.select(split).minutes, 2) for split in SPLITS}
    return {"set": dataset, "clips": len(clips), "minutes": round(part.minutes, 2)} | minutes


def _sentence(row: dict[str, Any]) -> str:
    splits = ", ".join(f"{split} {row[split]:.2f}" for split in SPLITS if row[split])
    return f"{row['set']}: {row['clips']} clips, {row['minutes']:.2f} min ({splits or 'nothing'})"

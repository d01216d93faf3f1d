"""A result for other programs: one file per format, chosen by the suffix of the path. See docs/export.md."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from videopose3d.errors import OutputError
from videopose3d.files import check_overwrite
from videopose3d.types import Result

Exporter = Callable[..., None]
"""``write(result, path)``; those of `WITH_VIDEO` also take ``video``."""

FORMATS = {
    ".npz": "npz",
    ".json": "json",
    ".csv": "csv",
    ".trc": "trc",
    ".c3d": "c3d",
    ".angles.csv": "angles",
    ".mot": "mot",
    ".html": "html",
    ".bvh": "bvh",
    ".glb": "glb",
    ".rrd": "rrd",
}
"""Suffix -> module of this package; its ``write(result, path)`` writes the file atomically."""

WITH_VIDEO = (".html", ".rrd")
"""Suffixes of files that can hold the video, too."""

__all__ = ["FORMATS", "WITH_VIDEO", "check_view", "export_result", "exporter", "files_of", "holds_video", "view_result"]


def export_result(
    result: Result,
    path: str | os.PathLike[str],
    *,
    overwrite: bool = True,
    video: str | os.PathLike[str] | None = None,
) -> None:
    """Write the result in the format that the suffix of ``path`` names; the file appears whole or not at all.

    Args:
        result: What to write.
        path: Its suffix chooses the format.
        overwrite: Replace a file that is there.
        video: The source of the result, to be put into the file as a small copy; for the formats of `WITH_VIDEO`,
            without effect on others.

    Raises:
        OutputError: The suffix names no format, the file is there and ``overwrite`` is False, or the place
            cannot be written.
        InputError: The video cannot be read, or is of another shape than the result.
        VideoPose3DError: The result lacks what the format needs.
    """
    write = exporter(path)
    for file in files_of(result, path):
        check_overwrite(file, overwrite)
    if video is not None and holds_video(path):
        write(result, Path(path), video)
    else:
        write(result, Path(path))


def holds_video(path: str | os.PathLike[str]) -> bool:
    """A file of that name can hold the video."""
    return Path(path).suffix.lower() in WITH_VIDEO


def files_of(result: Result, path: str | os.PathLike[str]) -> list[Path]:
    """The files that `export_result` writes for that name: one, but a BVH file for every person.

    Raises:
        OutputError: The suffix names no format.
    """
    module = import_module(exporter(path).__module__)
    files: list[Path] = module.paths(result, Path(path)) if hasattr(module, "paths") else [Path(path)]
    return files


def exporter(path: str | os.PathLike[str]) -> Exporter:
    """What writes a file of that name; ask before the work, not after it.

    Raises:
        OutputError: The suffix names no format.
        MissingDependencyError: The format needs a package that is not installed.
    """
    parts = [part.lower() for part in Path(path).suffixes[-2:]]
    suffix = "".join(parts) if "".join(parts) in FORMATS else "".join(parts[-1:])
    if suffix not in FORMATS:
        raise OutputError(
            f"{suffix or 'a name without a suffix'} is no export format", where=path, fix=f"Use {', '.join(FORMATS)}."
        )
    module = import_module(f"{__name__}.{FORMATS[suffix]}")
    if hasattr(module, "check"):
        module.check(path)
    write: Exporter = module.write
    return write


def check_view() -> None:
    """Ask before the work whether `view_result` can open a viewer.

    Raises:
        MissingDependencyError: Rerun is not installed.
        OutputError: There is no screen.
    """
    from videopose3d.export import rrd

    rrd.check_view()


def view_result(result: Result, video: str | os.PathLike[str] | None = None) -> None:
    """Show the result, beside its source if that is given, in the Rerun viewer, which stays open.

    Raises:
        MissingDependencyError: Rerun is not installed.
        OutputError: There is no screen.
        InputError: The video cannot be read, or is of another shape than the result.
        VideoPose3DError: The result has no 3D stage.
    """
    from videopose3d.export import rrd

    rrd.view(result, video)

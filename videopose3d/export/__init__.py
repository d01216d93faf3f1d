"""A result for other programs: one file per format, chosen by the suffix of the path. See docs/export.md."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from videopose3d.errors import OutputError
from videopose3d.files import check_overwrite
from videopose3d.types import Result

Exporter = Callable[[Result, Path], None]

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
}
"""Suffix -> module of this package; its ``write(result, path)`` writes the file atomically."""

__all__ = ["FORMATS", "export_result", "exporter", "files_of"]


def export_result(result: Result, path: str | os.PathLike[str], *, overwrite: bool = True) -> None:
    """Write the result in the format that the suffix of ``path`` names; the file appears whole or not at all.

    Raises:
        OutputError: The suffix names no format, the file is there and ``overwrite`` is False, or the place
            cannot be written.
    """
    write = exporter(path)
    for file in files_of(result, path):
        check_overwrite(file, overwrite)
    write(result, Path(path))


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
    """
    parts = [part.lower() for part in Path(path).suffixes[-2:]]
    suffix = "".join(parts) if "".join(parts) in FORMATS else "".join(parts[-1:])
    if suffix not in FORMATS:
        raise OutputError(
            f"{suffix or 'a name without a suffix'} is no export format", where=path, fix=f"Use {', '.join(FORMATS)}."
        )
    write: Exporter = import_module(f"{__name__}.{FORMATS[suffix]}").write
    return write

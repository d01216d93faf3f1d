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

FORMATS = {".npz": "npz", ".json": "json", ".csv": "csv"}
"""Suffix -> module of this package; its ``write(result, path)`` writes the file atomically."""
RESERVED = (".bvh", ".trc", ".c3d", ".glb", ".html")
"""Suffixes of formats to come."""

__all__ = ["FORMATS", "RESERVED", "export_result", "exporter"]


def export_result(result: Result, path: str | os.PathLike[str], *, overwrite: bool = True) -> None:
    """Write the result in the format that the suffix of ``path`` names; the file appears whole or not at all.

    Raises:
        OutputError: The suffix names no format, the file is there and ``overwrite`` is False, or the place
            cannot be written.
    """
    write = exporter(path)
    check_overwrite(path, overwrite)
    write(result, Path(path))


def exporter(path: str | os.PathLike[str]) -> Exporter:
    """What writes a file of that name; ask before the work, not after it.

    Raises:
        OutputError: The suffix names no format.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        why = "is not written yet" if suffix in RESERVED else "is no export format"
        raise OutputError(
            f"{suffix or 'a name without a suffix'} {why}",
            where=path,
            fix=f"Use {', '.join(FORMATS)} (reserved for later: {', '.join(RESERVED)}).",
        )
    write: Exporter = import_module(f"{__name__}.{FORMATS[suffix]}").write
    return write

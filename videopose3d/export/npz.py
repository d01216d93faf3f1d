"""The result file itself: everything, lossless, and what every command reads."""

from __future__ import annotations

from pathlib import Path

from videopose3d.result_file import save_result
from videopose3d.types import Result


def write(result: Result, path: Path) -> None:
    """Write ``path``; ``result_file.load_result`` reads it back."""
    save_result(result, path)

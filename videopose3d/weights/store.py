"""Finding weights: bundled ones by name, others by path."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open

from videopose3d.errors import WeightsError
from videopose3d.weights.header import LifterHeader

_BUNDLED = Path(__file__).parent


def bundled_lifters() -> dict[str, Path]:
    """Name and file of every lifter that comes with the package."""
    return {path.stem.removeprefix("lifter_"): path for path in sorted(_BUNDLED.glob("lifter_*.safetensors"))}


def find_lifter(name: str) -> Path:
    """The file of a bundled lifter, or of a path.

    Raises:
        WeightsError: There is neither.
    """
    bundled = bundled_lifters()
    if name in bundled:
        return bundled[name]
    if Path(name).is_file():
        return Path(name)
    raise WeightsError(
        "no such lifter", where=name, fix=f"Give a .safetensors file or one of: {', '.join(bundled) or 'none bundled'}."
    )


def read_header(path: Path) -> LifterHeader:
    """The header of a lifter's weight file, without its tensors.

    Raises:
        WeightsError: The file is no safetensors file or has no header of ours.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            return LifterHeader.from_metadata(file.metadata(), where=path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"not a readable safetensors file ({error})", where=path) from error

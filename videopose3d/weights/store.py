"""Finding weights: bundled ones and those in the cache by name, others by path."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from safetensors import SafetensorError, safe_open

from videopose3d.errors import WeightsError
from videopose3d.weights.counts import Architecture, misfit
from videopose3d.weights.header import LifterHeader
from videopose3d.weights.manifest import bundled_hashes, published

CACHE_VARIABLE = "VIDEOPOSE3D_CACHE"
SUFFIX = ".safetensors"
_BUNDLED = Path(__file__).parent
_TRAJECTORY = "trajectory."


def bundled_lifters() -> dict[str, Path]:
    """Name and file of every lifter that comes with the package."""
    named = {path.stem.removeprefix("lifter_"): path for path in _BUNDLED.glob(f"lifter_*{SUFFIX}")}
    return dict(sorted(named.items()))


def cache_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Folder of pulled weights: $VIDEOPOSE3D_CACHE, else ``videopose3d`` where this system keeps its caches."""
    env = os.environ if environment is None else environment
    if own := env.get(CACHE_VARIABLE):
        return Path(own).expanduser()
    if sys.platform == "win32":
        return Path(env.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "videopose3d" / "cache"
    return Path(env.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "videopose3d"


def cached_lifters() -> dict[str, Path]:
    """Name and file of every pulled lifter."""
    return {path.stem: path for path in sorted(cache_folder().glob(f"[!.]*{SUFFIX}"))}


def installed_lifters() -> dict[str, Path]:
    """Name and file of every lifter that a name finds; a bundled one comes first."""
    return cached_lifters() | bundled_lifters()


def find_lifter(name: str) -> Path:
    """The file of a bundled or pulled lifter, or of a path.

    Raises:
        WeightsError: There is none.
    """
    installed = installed_lifters()
    if name in installed:
        return installed[name]
    if Path(name).is_file():
        return Path(name)
    if name in published():
        raise WeightsError("this lifter is not here yet", where=name, fix=f"Run: videopose3d weights pull {name}")
    raise WeightsError(
        "no such lifter", where=name, fix=f"Give a {SUFFIX} file or one of: {', '.join(installed) or 'none here'}."
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
        raise WeightsError(
            f"not a readable safetensors file ({error})",
            where=path,
            fix=f"Is it of another program? videopose3d weights import {path} -o NAME{SUFFIX}",
        ) from error


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    digest = sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def hash_file(path: Path) -> Path:
    """Where the hash of pulled weights is noted."""
    return path.with_name(f"{path.name}.sha256")


def check_lifter(path: Path) -> str:
    """Check a weight file from header to last number; the SHA-256 of the file comes back.

    Raises:
        WeightsError: Its hash is not the noted one, its tensors do not fit its header, or are not finite.
    """
    header, digest = read_header(path), file_hash(path)
    if (noted := _noted_hash(path)) and noted != digest:
        raise WeightsError(
            f"its hash is {digest[:12]}... instead of {noted[:12]}...", where=path, fix="Pull or install it again."
        )
    import numpy as np

    with safe_open(path, framework="numpy") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dictionary
    for key, values in tensors.items():
        if not np.isfinite(values).all():
            raise WeightsError(f"tensor {key} holds values that are no numbers", where=path)
    shapes = {key: values.shape for key, values in tensors.items()}
    pose = {key: shape for key, shape in shapes.items() if not key.startswith(_TRAJECTORY)}
    wrong = misfit(pose, Architecture.of(header))
    if header.trajectory or len(pose) < len(shapes):
        rest = {key.removeprefix(_TRAJECTORY): shape for key, shape in shapes.items() if key not in pose}
        wrong = wrong or misfit(rest, Architecture.of(header, trajectory=True))
    if wrong:
        raise WeightsError(f"it does not fit its header: {wrong}", where=path, fix="The file is damaged.")
    return digest


def _noted_hash(path: Path) -> str | None:
    for name, file in bundled_lifters().items():
        if file == path:
            return bundled_hashes().get(name)
    noted = hash_file(path)
    return noted.read_text(encoding="ascii").split()[0] if noted.is_file() else None

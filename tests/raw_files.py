"""Writers of small raw data sets, in the formats their makers use."""

from __future__ import annotations

import os
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
CAMERA_IDS = ("54138969", "55011271", "58860488", "60457274")


def millimetres(frames: int = 6, seed: int = 0) -> Array:
    """(T, 96) positions of somebody near the middle of the room, as Human3.6M has them."""
    rng = np.random.default_rng(seed)
    positions = rng.uniform(-400, 400, (frames, 32, 3)) + [0, 0, 900]
    return positions.reshape(frames, 96).astype(np.float32)


def write_cdf(path: Path, rows: Array, variable: str = "Pose") -> Path:
    from cdflib.cdfwrite import CDF

    path.parent.mkdir(parents=True, exist_ok=True)
    spec = {
        "Variable": variable,
        "Data_Type": 44,  # CDF_FLOAT
        "Num_Elements": 1,
        "Rec_Vary": True,
        "Dim_Sizes": list(rows.shape),
        "Compress": 6,
    }
    file = CDF(os.fspath(path), cdf_spec={"Majority": "row_major"})
    file.write_var(spec, var_data=rows[None])
    file.close()
    return path


def write_hdf5(path: Path, rows: Array, dataset: str = "3D_positions") -> Path:
    import h5py

    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file[dataset] = rows.T
    return path


def write_mat(path: Path, *, cell: bool = False, **arrays: Array) -> Path:
    """Version 5, compressed; each array in a cell of one element if asked to."""
    from scipy.io import savemat

    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {name: _cell(array) if cell else array for name, array in arrays.items()}, do_compression=True)
    return path


def _cell(array: Array) -> Array:
    cell = np.empty((1, 1), object)
    cell[0, 0] = array
    return cell


def write_mat73(path: Path, *, cell: bool = False, **arrays: Array) -> Path:
    """Version 7.3: HDF5 behind a header of 512 bytes, axes in reverse, cells as references."""
    import h5py

    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            if cell:
                content = file.create_dataset(f"#refs#/{name}", data=array.T)
                file.create_dataset(name, (1, 1), h5py.ref_dtype)[0, 0] = content.ref
            else:
                file[name] = array.T
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return path


def pack(path: Path, root: Path, files: Iterable[Path]) -> Path:
    """A .zip or .tgz of files, named relative to a root."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in files:
                archive.write(file, file.relative_to(root))
    else:
        with tarfile.open(path, "w:gz") as archive:
            for file in files:
                archive.add(file, file.relative_to(root))
    return path


def write_dump(path: Path, points: Array, *, size: tuple[int, int] = (1000, 1002), seen: Array | None = None) -> Path:
    """A dump of Detectron with one person (T, 17, 2) [px] a frame, and nobody where ``seen`` (T,) is False."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = len(points)
    boxes, keypoints = np.empty((frames, 2), object), np.empty((frames, 2), object)
    for t in range(frames):
        boxes[t, 0] = keypoints[t, 0] = []
        if seen is None or seen[t]:
            rows = np.concatenate([points[t].T, np.zeros((1, 17)), np.ones((1, 17))])
            boxes[t, 1] = np.array([[0, 0, 100, 200, 0.9]], np.float32)
            keypoints[t, 1] = rows[None].astype(np.float32)
        else:
            boxes[t, 1] = keypoints[t, 1] = []
    metadata = {"w": size[0], "h": size[1]}
    np.savez_compressed(path, boxes=boxes, keypoints=keypoints, metadata=np.array(metadata, object))
    return path

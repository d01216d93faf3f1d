"""Arrays out of CDF, MATLAB and HDF5 files. A damaged file is one FileFormatError, whatever the libraries raise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from videopose3d.datasets.raw.packages import package
from videopose3d.errors import FileFormatError, InputError, VideoPose3DError

RawArray = np.ndarray[Any, np.dtype[Any]]

_HDF5, _MATLAB_HDF5 = b"\x89HDF", b"MATLAB 7.3"


def read_cdf(path: Path, variable: str) -> RawArray:
    """One variable of a CDF file (Common Data Format of NASA, versions 2.6 to 3).

    Raises:
        InputError: There is no such file.
        FileFormatError: It is not a CDF file, damaged, or has no such variable.
        MissingDependencyError: Without cdflib.
    """
    cdflib = package("cdflib", "reading .cdf files")
    with _readable(path, "a CDF file"):
        file = cdflib.CDF(path)
        info = file.cdf_info()
        names = [*info.zVariables, *info.rVariables]
        if variable not in names:
            raise FileFormatError(f"no variable {variable!r}, it has {', '.join(names) or 'none'}", where=path)
        return np.asarray(file.varget(variable))


def read_hdf5(path: Path, dataset: str) -> RawArray:
    """One data set of an HDF5 file.

    Raises:
        InputError: There is no such file.
        FileFormatError: It is not HDF5, damaged, or has no such data set.
        MissingDependencyError: Without h5py.
    """
    h5py = package("h5py", "reading .h5 files")
    with _readable(path, "an HDF5 file"), h5py.File(path, "r") as file:
        if not isinstance(file.get(dataset), h5py.Dataset):
            raise FileFormatError(f"no data set {dataset!r}, it has {', '.join(file) or 'none'}", where=path)
        return np.asarray(file[dataset][()])


def read_mat(path: Path) -> dict[str, RawArray]:
    """The numeric arrays of a MATLAB file (v4 to v7.3) by name, axes as in MATLAB, cells of one element opened.

    Raises:
        InputError: There is no such file.
        FileFormatError: It is not a MATLAB file, or damaged.
        MissingDependencyError: Without SciPy, or h5py for v7.3.
    """
    with _readable(path, "a MATLAB file"):
        with path.open("rb") as file:
            start = file.read(len(_MATLAB_HDF5))
        found = _mat_hdf5(path) if start.startswith((_HDF5, _MATLAB_HDF5)) else _mat_classic(path)
    return {name: array for name, array in found.items() if array.dtype.kind in "fiu"}


def _mat_classic(path: Path) -> dict[str, RawArray]:
    io = package("scipy.io", "reading .mat files")
    return {name: _opened(value) for name, value in io.loadmat(path).items() if not name.startswith("__")}


def _opened(value: Any) -> RawArray:
    while isinstance(value, np.ndarray) and value.dtype == object and value.size == 1:
        value = value.item()
    return np.asarray(value)


def _mat_hdf5(path: Path) -> dict[str, RawArray]:
    """v7.3 is HDF5: axes are stored in reverse, cells as references into the file."""
    h5py = package("h5py", "reading .mat files of version 7.3")
    with h5py.File(path, "r") as file:
        found = {}
        for name in file:
            item = file[name]
            while isinstance(item, h5py.Dataset) and item.dtype == h5py.ref_dtype and item.size == 1:
                item = file[item[()].item()]
            if isinstance(item, h5py.Dataset) and item.dtype != h5py.ref_dtype:
                found[name] = np.asarray(item[()]).T
    return found


@contextmanager
def _readable(path: Path, kind: str) -> Iterator[None]:
    if not path.is_file():
        raise InputError("no such file", where=path)
    try:
        yield
    except (VideoPose3DError, PermissionError):
        raise
    except Exception as error:  # of cdflib, h5py, scipy, zlib, struct, NumPy: a damaged file raises anything
        why = " ".join(str(error).split())[:120]
        raise FileFormatError(f"not {kind}, or damaged ({why})", where=path, fix="Get or convert it again.") from error

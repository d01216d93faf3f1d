"""Reading .npz files whose members are pickled, as the original program wrote them, without running what they say.

A pickle names functions and calls them. Here every name is looked up in the short table `ALLOWED`, whose entries
rebuild NumPy arrays from checked bytes and builtin containers; any other name ends the reading before it is called.
NumPy's own rebuilding functions are not used: they trust lengths and data types of the pickle.
"""

from __future__ import annotations

import os
import pickle
import re
import zipfile
from collections.abc import Callable, Iterable
from math import prod
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np

from videopose3d.errors import FileFormatError, InputError

_FORMAT: Any = np.lib.format  # without types in NumPy 1
_DTYPE = re.compile(r"b1|[iu][1248]|f[248]|c(8|16)|[SU]\d{1,6}|O8?")  # no records, no dates


def load_npz(path: str | os.PathLike[str], needed: Iterable[str] = ()) -> dict[str, Any]:
    """Every member of an .npz; an object array of no dimensions comes back as the object in it, e.g. a dict.

    Args:
        path: Any .npz file.
        needed: Keys that must be there.

    Raises:
        InputError: There is no such file.
        FileFormatError: It is no .npz, damaged, without a needed key, or holds more than arrays and containers.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("no such file", where=path, fix="Check the name and the folder.")
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            data = {name.removesuffix(".npy"): _member(archive, name) for name in names}
    except FileFormatError as error:
        raise FileFormatError(error.what, where=path, fix=error.fix) from None
    except Exception as error:  # a damaged file raises what it likes: of NumPy, pickle, zipfile, zlib, ...
        raise FileFormatError(
            "not a readable npz file", where=path, fix="It may be damaged: get or make it again."
        ) from error
    if missing := [key for key in needed if key not in data]:
        known = f"It has {', '.join(data)}." if data else "It has no arrays."
        raise FileFormatError(f"no {', '.join(missing)} in it", where=path, fix=known)
    return data


def load_pickle(file: IO[bytes]) -> Any:
    """What a pickle holds, made of NumPy arrays, NumPy and Python numbers, texts, bytes and builtin containers.

    Raises:
        FileFormatError: It names anything else.
        Exception: Any other, of a damaged pickle.
    """
    return _plain(_Unpickler(file, encoding="latin1").load(), {})


def _member(archive: zipfile.ZipFile, name: str) -> Any:
    with archive.open(name) as file:
        if _holds_objects(file):
            value = load_pickle(file)
            return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
    with archive.open(name) as file:
        return _FORMAT.read_array(file, allow_pickle=False)


def _holds_objects(file: IO[bytes]) -> bool:
    """Read the header of a .npy; if True, the pickle is what follows."""
    readers = {(1, 0): _FORMAT.read_array_header_1_0, (2, 0): _FORMAT.read_array_header_2_0}
    reader = readers.get(_FORMAT.read_magic(file))
    return reader is not None and bool(reader(file)[2].hasobject)


# --- what a pickle may call


class _Array(np.ndarray[Any, Any]):
    """An array under construction, whose state is checked before NumPy gets it."""

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, data = state
        data = _bytes(data)
        _check_size(shape, dtype, data)
        super().__setstate__((1, shape, dtype.dtype, bool(fortran), data))


class _Dtype:
    """A data type under construction: plain numbers, texts, bytes or objects, of either byte order."""

    def __init__(self, code: Any, *_: Any) -> None:
        if not isinstance(code, str) or not _DTYPE.fullmatch(code):
            raise FileFormatError(f"arrays of type {code!r} are not read from pickles", fix="Save plain numbers.")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


class _Call:
    """A function that a pickle may call, and that it cannot change."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, *values: Any) -> Any:
        return self._make(*values)

    def __setstate__(self, state: Any) -> NoReturn:
        raise pickle.UnpicklingError("functions have no state")


def _check_size(shape: Any, dtype: Any, data: Any) -> None:
    """The data must be exactly what shape and type need: a list of objects or bytes."""
    if not isinstance(dtype, _Dtype) or not isinstance(shape, tuple):
        raise pickle.UnpicklingError("no array")
    if not all(isinstance(n, int) and n >= 0 for n in shape):
        raise pickle.UnpicklingError("no shape")
    kind = list if dtype.dtype.hasobject else (bytes, bytearray)
    size = prod(shape) * (1 if dtype.dtype.hasobject else dtype.dtype.itemsize)
    if not isinstance(data, kind) or len(data) != size:
        raise pickle.UnpicklingError("the data do not fill the array")


def _bytes(data: Any) -> Any:
    """The bytes of a Python 2 string; anything else as it is."""
    return data.encode("latin1") if isinstance(data, str) else data


def _reconstruct(*_: Any) -> _Array:
    return np.zeros(0).view(_Array)


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any, *axes: Any) -> _Array:
    array = _reconstruct()
    array.__setstate__((1, shape, dtype, order == "F", bytes(data)))
    return array.transpose(*axes) if axes else array


def _scalar(dtype: Any, data: Any) -> Any:
    data = _bytes(data)
    if not isinstance(data, bytes):  # a list would be an object
        raise pickle.UnpicklingError("no scalar")
    _check_size((), dtype, data)
    return np.frombuffer(data, dtype.dtype)[0]


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    """Bytes, as pickle protocol 2 of Python 3 writes them."""
    if encoding != "latin1" or not isinstance(text, str):
        raise pickle.UnpicklingError("no bytes")
    return text.encode("latin1")


def _container(kind: Callable[..., Any]) -> Callable[..., Any]:
    """Builtins are called with nothing or with the content only: ``bytes(10**12)`` is not content."""

    def make(*content: Any) -> Any:
        if len(content) > 1 or not all(isinstance(c, list | tuple | bytes) for c in content):
            raise pickle.UnpicklingError("no content")
        return kind(*content)

    return make


_NUMPY = ("numpy.core", "numpy._core")  # NumPy 1 and 2
_BUILTIN = ("builtins", "__builtin__")  # Python 3 and 2
ALLOWED: dict[tuple[str, str], _Call] = {
    ("numpy", "ndarray"): _Call(_reconstruct),
    ("numpy", "dtype"): _Call(_Dtype),
    ("_codecs", "encode"): _Call(_encode),
    **{(f"{core}.multiarray", "_reconstruct"): _Call(_reconstruct) for core in _NUMPY},
    **{(f"{core}.multiarray", "scalar"): _Call(_scalar) for core in _NUMPY},
    **{(f"{core}.numeric", "_frombuffer"): _Call(_from_buffer) for core in _NUMPY},
    **{(m, kind.__name__): _Call(_container(kind)) for m in _BUILTIN for kind in (set, frozenset, bytes, bytearray)},
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> _Call:
        try:
            return ALLOWED[module, name]
        except KeyError:
            raise FileFormatError(
                f"it wants to run {module}.{name}; nothing was run",
                fix="Only arrays, numbers, texts and containers are read. Get the file from someone you trust.",
            ) from None


def _plain(value: Any, done: dict[int, Any]) -> Any:
    """The same with `_Array` as plain arrays; shared parts are visited once."""
    if isinstance(value, _Call | _Dtype):
        raise pickle.UnpicklingError("no data")
    if not isinstance(value, dict | list | tuple | set | frozenset | _Array):
        return value
    if id(value) in done:
        return done[id(value)]
    result: Any
    if isinstance(value, dict):
        result = {key: _plain(item, done) for key, item in value.items()}
    elif isinstance(value, _Array):
        result = value.view(np.ndarray)
        if result.dtype.hasobject:
            result = np.empty(value.shape, object)
            result[...] = None
            for place, item in np.ndenumerate(value):
                result[place] = _plain(item, done)
    else:
        result = type(value)(_plain(item, done) for item in value)
    done[id(value)] = result
    return result

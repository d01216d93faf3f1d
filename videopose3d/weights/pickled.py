"""PyTorch checkpoint files as plain values, without running anything that a file asks for.

A pickle may name any function and have it called while it is read. Here the few names that checkpoints need
stand for inert records that only note their arguments; every other name refuses the file. Both containers of
``torch.save`` are read: the zip file (since 1.6) and the older row of pickles followed by raw storages.
"""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from videopose3d.errors import WeightsError

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_AGAIN = "Download it again."
_STORAGES = {
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}


@dataclass(frozen=True)
class RandomState:
    """State of NumPy's Mersenne twister: key (624,) uint32, position in it, and a spare normal number."""

    key: NDArray[np.uint32] = field(repr=False)
    pos: int
    has_gauss: int = 0
    cached_gaussian: float = 0.0

    def restore(self) -> np.random.RandomState:
        """A generator that goes on from here."""
        generator = np.random.RandomState()  # noqa: NPY002
        generator.set_state(("MT19937", self.key, self.pos, self.has_gauss, self.cached_gaussian))
        return generator


class _Record:
    """What a name in a pickle becomes: it keeps the arguments and the state it was given, and does nothing."""

    __slots__ = ("args", "state")
    args: tuple[Any, ...]
    state: Any

    def __new__(cls, *args: Any) -> _Record:
        self = object.__new__(cls)
        self.args, self.state = args, None
        return self

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Tensor(_Record):
    """(storage, offset, size, stride, ...)."""


class _Parameter(_Record):
    """(tensor, ...)."""


class _Array(_Record):
    """A NumPy array, whole in its state: (version, shape, dtype, Fortran order, bytes)."""


class _Buffer(_Record):
    """A NumPy array of newer pickles: (bytes, dtype, shape, order)."""


class _Scalar(_Record):
    """A NumPy number: (dtype, bytes)."""


class _Dtype(_Record):
    """(name, ...), with its byte order in the state."""


class _Random(_Record):
    """A generator; NumPy 1.17 and newer keep the state here, or in the bit generator of the arguments."""


class _Bits(_Record):
    """A bit generator."""


class _Text(_Record):
    """(text, encoding): bytes, as protocol 2 writes them."""


class _Mapping(dict[Any, Any]):
    """An ordered dictionary without the attributes that a pickle may want to add."""

    def __setstate__(self, state: Any) -> None:
        """Ignore them."""


class _Ignored(_Record):
    """Something that may be there and that nobody needs."""


_NAMES: dict[str, Any] = {
    "collections.OrderedDict": _Mapping,
    "torch._utils._rebuild_tensor": _Tensor,
    "torch._utils._rebuild_tensor_v2": _Tensor,
    "torch._utils._rebuild_parameter": _Parameter,
    "_codecs.encode": _Text,
    "numpy.ndarray": "ndarray",
    "numpy.dtype": _Dtype,
    "numpy.random._mt19937.MT19937": "MT19937",
    "numpy.random._pickle.__bit_generator_ctor": _Bits,
    "mmengine.logging.history_buffer.HistoryBuffer": _Ignored,
    "builtins.getattr": _Ignored,  # mmengine names the methods of its buffers; here it gets nothing
    "__builtin__.getattr": _Ignored,
} | {f"torch.{name}": f"storage {name}" for name in _STORAGES}
for _core in ("numpy.core", "numpy._core"):
    _NAMES |= {
        f"{_core}.multiarray._reconstruct": _Array,
        f"{_core}.multiarray.scalar": _Scalar,
        f"{_core}.numeric._frombuffer": _Buffer,
    }
for _module in ("numpy.random", "numpy.random._pickle", "numpy.random.mtrand"):
    _NAMES |= dict.fromkeys((f"{_module}.__RandomState_ctor", f"{_module}.__randomstate_ctor"), _Random)


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: str
    start: int  # [elements] of a view into the storage; 0 in new files


class _Reader(pickle.Unpickler):
    def __init__(self, file: BinaryIO, where: Path) -> None:
        super().__init__(file, encoding="latin1")
        self.where = where
        self.sizes: dict[str, tuple[str, int]] = {}

    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        if full not in _NAMES:
            raise WeightsError(
                f"it asks for {full!r}, which weights do not need; it was refused and nothing of it was run",
                where=self.where,
                fix="Use a file from a source you trust.",
            )
        return _NAMES[full]

    def persistent_load(self, pid: Any) -> _Storage:
        """A storage: (kind, its type, key, device, elements), and in old files (key, start, elements) of a view."""
        _, kind, key, _, count, *view = pid
        dtype = _STORAGES[str(kind).removeprefix("storage ")]
        self.sizes[str(key)] = (dtype, int(count))
        return _Storage(str(key), dtype, int(view[0][1]) if view and view[0] else 0)


@dataclass(frozen=True)
class Pickled:
    """Content of a checkpoint file: plain containers, numbers, texts, arrays and random states; its container."""

    content: Any
    container: str


def read_pickled(path: Path) -> Pickled:
    """What ``torch.save`` wrote to a file.

    Raises:
        WeightsError: It cannot be read, is damaged or something else, or asks for code to be run.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(512)
            _refuse_others(head, path)
            file.seek(0)
            content, storages, container = _read_zip(file, path) if head[:2] == b"PK" else _read_legacy(file, path)
        return Pickled(_Plain(storages, path).of(content), container)
    except WeightsError:
        raise
    except OSError as error:
        raise WeightsError(f"cannot be read ({error.strerror or error})", where=path) from error
    except (EOFError, zipfile.BadZipFile) as error:
        raise WeightsError(f"the file is damaged or cut short ({error})", where=path, fix=_AGAIN) from error
    except Exception as error:  # whatever a damaged pickle makes of itself
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        raise WeightsError(f"not a PyTorch checkpoint, or damaged ({reason})", where=path, fix=_AGAIN) from error


def _refuse_others(head: bytes, where: Path) -> None:
    start = head.lstrip().lower()
    if not head:
        raise WeightsError("the file is empty", where=where, fix=_AGAIN)
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise WeightsError("this is a web page and not a checkpoint", where=where, fix=_AGAIN)
    if start.startswith(b"version https://git-lfs"):
        raise WeightsError(
            "this is a Git LFS pointer and not the checkpoint itself", where=where, fix="Run git lfs pull."
        )
    if head[8:10] == b'{"' and int.from_bytes(head[:8], "little") < 1 << 32:
        raise WeightsError(
            "this is a safetensors file, not a PyTorch checkpoint", where=where, fix="Weights of ours need no import."
        )
    if head[:2] not in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        raise WeightsError("not a PyTorch checkpoint", where=where, fix="Give a .bin, .pth or .pt file.")


def _read_zip(file: BinaryIO, where: Path) -> tuple[Any, Mapping[str, NDArray[Any]], str]:
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        index = next((name for name in names if name.endswith("/data.pkl")), None)
        if index is None:
            raise WeightsError("a zip file, but not a PyTorch checkpoint", where=where)
        root = index.removesuffix("data.pkl")
        reader = _Reader(io.BytesIO(archive.read(index)), where)
        content = reader.load()
        swapped = f"{root}byteorder" in names and archive.read(f"{root}byteorder") == b"big"
        storages = {
            key: _elements(archive.read(f"{root}data/{key}"), dtype, count, ">" if swapped else "<")
            for key, (dtype, count) in reader.sizes.items()
        }
    return content, storages, "zip"


def _read_legacy(file: BinaryIO, where: Path) -> tuple[Any, Mapping[str, NDArray[Any]], str]:
    if _Reader(file, where).load() != _LEGACY_MAGIC:
        raise WeightsError("a pickle, but not a PyTorch checkpoint", where=where)
    _Reader(file, where).load()  # protocol version
    order = "<" if _Reader(file, where).load().get("little_endian", True) else ">"
    reader = _Reader(file, where)
    content = reader.load()
    storages = {}
    for key in _Reader(file, where).load():
        dtype, _ = reader.sizes[str(key)]
        count = int.from_bytes(file.read(8), "little" if order == "<" else "big")
        size = count * (2 if dtype == "bfloat16" else np.dtype(dtype).itemsize)
        raw = file.read(size) if size < 1 << 40 else b""
        storages[str(key)] = _elements(raw, dtype, count, order)
    return content, storages, "legacy"


def _elements(raw: bytes, dtype: str, count: int, order: str) -> NDArray[Any]:
    """(count,) values of a storage in this machine's byte order; bfloat16, which NumPy lacks, as float32."""
    kind = np.dtype("u2" if dtype == "bfloat16" else dtype)
    if len(raw) < count * kind.itemsize:
        raise EOFError(f"a storage has {len(raw)} of {count * kind.itemsize} bytes")
    values = np.frombuffer(raw, np.dtype(order + kind.str[1:]), count).astype(kind)
    return (values.astype("u4") << 16).view("f4") if dtype == "bfloat16" else values


class _Plain:
    """Records to values.

    Args:
        storages: Values of the storages by key.
        where: The file, for messages.
    """

    def __init__(self, storages: Mapping[str, NDArray[Any]], where: Path) -> None:
        self._storages, self._where = storages, where

    def of(self, value: Any) -> Any:
        """The value without records."""
        if isinstance(value, dict):
            return {self.of(key): self.of(entry) for key, entry in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.of(entry) for entry in value)
        if isinstance(value, _Record):
            convert: Callable[[Any], Any] = {
                _Tensor: self._tensor,
                _Parameter: lambda record: self.of(record.args[0]),
                _Array: lambda record: self._array(record.state[1], record.state[2], record.state[4], record.state[3]),
                _Buffer: lambda record: self._array(
                    record.args[2], record.args[1], record.args[0], record.args[3] == "F"
                ),
                _Scalar: lambda record: self._array((), record.args[0], record.args[1])[()],
                _Random: self._random,
                _Bits: lambda record: self.of(record.state),
                _Text: lambda record: str(record.args[0]).encode("latin1"),
                _Dtype: lambda record: str(record.args[0]),
                _Ignored: lambda _: None,
            }[type(value)]
            return convert(value)
        return value

    def _tensor(self, record: _Record) -> NDArray[Any]:
        storage, offset, size, stride = record.args[:4]
        values = self._storages[storage.key][storage.start :]
        reach = sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        empty = 0 in size
        if (
            min((offset, *size, *stride)) < 0
            or not empty
            and (offset + reach >= len(values) or prod(size) > len(values))
        ):
            raise WeightsError("a tensor reaches beyond its storage", where=self._where, fix=_AGAIN)
        if empty:
            return np.empty(size, values.dtype)
        steps = [step * values.itemsize for step in stride]
        return np.lib.stride_tricks.as_strided(values[offset:], size, steps).copy()

    def _array(self, shape: Any, dtype: Any, raw: Any, fortran: bool = False) -> NDArray[Any]:
        name = str(dtype.args[0])
        if not re.fullmatch(r"[?biufcSU]\d+", name) or not isinstance(raw := self.of(raw), bytes | bytearray | str):
            raise WeightsError(
                f"it holds a NumPy array of {name!r}, which is not plain numbers; it was refused and nothing was run",
                where=self._where,
                fix="Use a file from a source you trust.",
            )
        order = dtype.state[1] if dtype.state and dtype.state[1] in ("<", ">") else "="
        raw = raw.encode("latin1") if isinstance(raw, str) else raw
        kind = np.dtype(name)
        values = np.frombuffer(raw, np.dtype(order + kind.str[1:])).astype(kind)
        return values.reshape(tuple(shape), order="F" if fortran else "C")

    def _random(self, record: _Record) -> RandomState:
        state = self.of(record.state) or self.of(record.args[0])
        if isinstance(state, tuple) and len(state) == 2:  # NumPy 1.24 and newer add the seed
            state = state[0]
        if isinstance(state, dict):
            inner = state["state"]
            key, pos = inner["key"], inner["pos"]
            spare = (state.get("has_gauss", 0), state.get("gauss", 0.0))
        else:
            _, key, pos, *spare = state
        values = np.asarray(key, np.uint32)
        if values.shape != (624,):
            raise WeightsError(f"a random state of shape {values.shape} instead of (624,)", where=self._where)
        return RandomState(values, int(pos), int(spare[0]) if spare else 0, float(spare[1]) if spare else 0.0)

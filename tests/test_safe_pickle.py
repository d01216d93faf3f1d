from __future__ import annotations

import io
import os
import pickle
import pickletools
import re
import zipfile
from collections import OrderedDict
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from golden_files import FOLDER
from hypothesis import given
from hypothesis import strategies as st

from videopose3d.errors import FileFormatError, InputError
from videopose3d.safe_pickle import ALLOWED, load_npz, load_pickle

DATA = sorted((FOLDER / "data").glob("*.npz"))


def read(value, protocol=pickle.DEFAULT_PROTOCOL):
    return load_pickle(io.BytesIO(pickle.dumps(value, protocol)))


def npz_of(path: Path, pickled: bytes, key: str = "positions_3d") -> Path:
    """An .npz whose one object member holds any pickle, also a hostile one."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|O", "fortran_order": False, "shape": ()})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{key}.npy", header.getvalue() + pickled)
    return path


def same(a, b):
    if isinstance(a, np.ndarray):
        return type(a) is type(b) and a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


# --- what must come back


@pytest.mark.parametrize("file", DATA, ids=lambda f: f.stem)
def test_every_file_of_the_original_reads_as_numpy_reads_it(file):
    with np.load(file, allow_pickle=True) as npz:
        expected = {key: npz[key].item() for key in npz.files}
    assert same(load_npz(file), expected)


def test_the_files_are_of_both_numpys():
    modules = {m for f in DATA for m in re.findall(rb"numpy\.(_?core)\.", b"".join(members(f)))}
    assert modules == {b"core", b"_core"}


def members(file: Path) -> list[bytes]:
    with zipfile.ZipFile(file) as archive:
        return [archive.read(name) for name in archive.namelist()]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "value",
    [
        np.arange(24, dtype=np.float32).reshape(2, 3, 4),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(6, dtype=">i2")[::2],
        np.zeros((0, 17, 2), np.float32),
        np.array([[True, False]]),
        np.array(["neck", "head"]),
        np.float64(2.5),
        np.int64(-3),
        {"boxes": [[], np.ones((2, 5), np.float32)], 3: (None, True, 1 << 70, 2.5, "ä", b"\xff", b"")},
        {frozenset({1, 2}), "x"},
        bytearray(b"ab"),
    ],
    ids=lambda v: type(v).__name__,
)
def test_arrays_numbers_and_containers_of_every_protocol(value, protocol):
    text = pickle.dumps(value, protocol)
    assert same(load_pickle(io.BytesIO(text)), pickle.loads(text))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_objects_inside_arrays_become_plain_too(protocol):
    inner = np.arange(3.0)
    value = np.empty((2, 1), object)
    value[0, 0], value[1, 0] = [inner, {"a": inner}], "text"
    back = read(value, protocol)
    assert type(back) is np.ndarray
    assert back.shape == (2, 1)
    assert type(back[0, 0][0]) is np.ndarray
    assert np.array_equal(back[0, 0][1]["a"], inner)
    assert back[1, 0] == "text"


@given(
    st.recursive(st.none() | st.floats(allow_nan=False) | st.text() | st.binary(), lambda s: st.lists(s) | st.tuples(s))
)
def test_any_nesting_comes_back(value):
    assert same(read(value), value)


def test_a_pickle_of_python_2():
    text = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I2\nt"
    text += b"cnumpy\ndtype\n(S'f4'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb"
    text += b"I00\nS'\\x00\\x00\\x80?\\x00\\x00\\x00\\xc0'\ntb."
    assert same(load_pickle(io.BytesIO(text)), np.array([1, -2], np.float32))


def test_plain_members_and_object_members_in_one_file(tmp_path):
    path = tmp_path / "both.npz"
    np.savez(path, plain=np.arange(3), text="abc", objects=np.array({"a": 1}), row=np.array([1, "b"], object))
    data = load_npz(path)
    assert same(data["plain"], np.arange(3))
    assert str(data["text"]) == "abc"
    assert data["objects"] == {"a": 1}
    assert data["row"].tolist() == [1, "b"]


# --- what must not happen


class Attack:
    """Pickled as a call of any function with any arguments."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_hostile_pickle_is_not_run(tmp_path, protocol):
    mark = tmp_path / "mark"
    payload = pickle.dumps({"S1": Attack(os.system, f"touch '{mark}'")}, protocol)
    path = npz_of(tmp_path / "data_3d_h36m.npz", payload)
    with pytest.raises(
        FileFormatError, match=r"data_3d_h36m\.npz: it wants to run (posix|nt)\.system; nothing was run"
    ):
        load_npz(path)
    assert not mark.exists()
    np.load(path, allow_pickle=True)["positions_3d"]  # the same file is dangerous indeed
    assert mark.exists()


@pytest.mark.parametrize(
    "value",
    [
        Attack(eval, "1"),
        Attack(getattr, "a", "upper"),
        Attack(__import__, "os"),
        Attack(open, "/dev/null"),
        Attack(partial, print),
        Attack(np.load, "x.npy"),
        Attack(np.lib.format.read_magic, "x"),
        OrderedDict(a=1),
        np.random.RandomState(0),
        Path("x"),
        np.zeros(2).view(np.recarray),
        np.ma.zeros(2),
    ],
    ids=lambda v: type(v).__name__,
)
def test_other_names_are_refused(value):
    with pytest.raises(FileFormatError, match="it wants to run "):
        read(value)


def test_records_are_refused():
    with pytest.raises(FileFormatError, match="type 'V8'"):
        read(np.zeros(2, [("a", "f4"), ("b", "i4")]))


def test_nothing_allowed_can_be_changed_or_leaks_out():
    for call in ALLOWED.values():
        with pytest.raises(pickle.UnpicklingError):
            call.__setstate__((None, {"_make": eval}))
    for text in (b"cnumpy\nndarray\n.", b"(lcnumpy\nndarray\na.", b"cnumpy\ndtype\n(S'f4'\ntR."):
        with pytest.raises(pickle.UnpicklingError):
            load_pickle(io.BytesIO(text))


def test_numpy_s_own_types_are_not_changed():
    before = np.dtype("f4").str
    with pytest.raises(pickle.UnpicklingError):
        load_pickle(io.BytesIO(b"cnumpy\ndtype\n(S'f4'\nI00\nI00\ntR(I3\nS'>'\nNNNI-1\nI-1\nI63\ntb."))
    assert np.dtype("f4").str == before


@pytest.mark.parametrize(
    "state",
    [
        (1, (3,), np.dtype("f4"), False, b"\0" * 8),  # too short
        (1, (1,), np.dtype("f4"), False, b"\0" * 8),  # too long
        (1, (1000,), np.dtype("O"), False, [1]),  # NumPy reads past the end of the list
        (1, (8,), np.dtype("O"), False, b"\0" * 8),  # bytes taken for pointers
        (1, (1,), np.dtype("f8"), False, [1.0]),
        (1, (-1, -1), np.dtype("i1"), False, b"\0"),
        (1, (1.0,), np.dtype("i1"), False, b"\0"),
        (1, 1, np.dtype("i1"), False, b"\0"),
        (1, (1,), "f4", False, b"\0" * 4),
        (1, (1,)),
        None,
    ],
    ids=str,
)
def test_an_array_whose_state_lies(state, tmp_path):
    kind = np.ndarray((0,)).__reduce__()[0]

    class Liar:
        def __reduce__(self):
            return kind, (np.ndarray, (0,), b"b"), state

    text = pickle.dumps(Liar())
    if state is None:  # not written by pickle: an array that is never filled is an empty one
        assert read(Liar()).size == 0
        return
    with pytest.raises((pickle.UnpicklingError, ValueError)):
        load_pickle(io.BytesIO(text))
    with pytest.raises(FileFormatError, match="not a readable npz file"):
        load_npz(npz_of(tmp_path / "a.npz", text))


@pytest.mark.parametrize("call", [bytes, bytearray])
def test_a_count_is_not_content(call):
    with pytest.raises(pickle.UnpicklingError):
        read(Attack(call, 10**15))


def test_a_dict_that_holds_itself(tmp_path):
    loop: dict = {}
    loop["a"] = loop
    with pytest.raises(FileFormatError, match="not a readable npz file"):
        load_npz(npz_of(tmp_path / "a.npz", pickle.dumps(loop)))


def test_shared_parts_are_read_once():
    value: list = [1]
    for _ in range(60):  # 2 to the 60th leaves if every path were followed
        value = [value, value]
    back = read(value)
    assert back[0] is back[1]


# --- files that are not what they should be


def test_no_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.npz: no such file"):
        load_npz(tmp_path / "none.npz")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\3\4 and so on", b"\x93NUMPY\1\0"])
def test_not_an_npz(tmp_path, content):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"a\.npz: not a readable npz file"):
        load_npz(path)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 0.99])
def test_a_truncated_file(tmp_path, share):
    whole = (FOLDER / "data" / "data_2d_custom_tiny.npz").read_bytes()
    path = tmp_path / "a.npz"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(FileFormatError, match="not a readable npz file"):
        load_npz(path)


@pytest.mark.parametrize("place", [60, 700, 3000, 9000])
def test_a_corrupt_file(tmp_path, place):
    whole = bytearray((FOLDER / "data" / "data_2d_custom_tiny.npz").read_bytes())
    whole[place : place + 8] = bytes(b ^ 255 for b in whole[place : place + 8])
    path = tmp_path / "a.npz"
    path.write_bytes(whole)
    with pytest.raises(FileFormatError, match="not a readable npz file"):
        load_npz(path)


@pytest.mark.parametrize("cut", range(0, 200, 7))
def test_a_truncated_pickle(tmp_path, cut):
    text = pickletools.optimize(pickle.dumps({"S1": {"Walk": np.zeros((2, 3, 3), np.float32)}}))
    with pytest.raises(FileFormatError, match="not a readable npz file"):
        load_npz(npz_of(tmp_path / "a.npz", text[: min(cut, len(text) - 1)]))


def test_a_missing_key(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, one=1, two=2)
    with pytest.raises(FileFormatError, match=r"no positions_3d in it\. It has one, two\."):
        load_npz(path, ["positions_3d", "one"])


def test_a_zip_of_something_else(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(1))
    assert load_npz(path) == {}
    with pytest.raises(FileFormatError, match="It has no arrays"):
        load_npz(path, ["positions_3d"])

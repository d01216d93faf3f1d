from __future__ import annotations

import tracemalloc
from importlib.util import find_spec

import numpy as np
import pytest

from videopose3d.errors import OutputError
from videopose3d.export import FORMATS, export_result
from videopose3d.result_file import load_result

INSTALLED = [suffix for suffix in FORMATS if suffix != ".rrd" or find_spec("rerun")]


def test_npz_is_the_result_file_and_lossless(make_result, tmp_path):
    result = make_result()
    export_result(result, tmp_path / "out.npz")
    again = load_result(tmp_path / "out.npz")
    np.testing.assert_array_equal(again.poses_3d, result.poses_3d)
    np.testing.assert_array_equal(again.trajectory, result.trajectory)
    np.testing.assert_array_equal(again.keypoints_2d, result.keypoints_2d)
    np.testing.assert_array_equal(again.keypoints.present, result.keypoints.present)
    assert again.fps == result.fps
    assert again.focal == result.focal
    assert again.height == result.height == 1.8


@pytest.mark.parametrize("name", ["out.fbx", "out", "out.npy"])
def test_an_unknown_suffix_names_what_there_is(make_result, tmp_path, name):
    with pytest.raises(OutputError) as error:
        export_result(make_result(), tmp_path / name)
    for suffix in FORMATS:
        assert suffix in str(error.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", INSTALLED)
def test_suffixes_in_capitals_are_fine(make_result, tmp_path, suffix):
    export_result(make_result(people=1), tmp_path / f"out{suffix.upper()}")
    assert [path.name for path in tmp_path.iterdir()] == [f"out{suffix.upper()}"]


@pytest.mark.parametrize("suffix", INSTALLED)
def test_overwrite_is_asked_for(make_result, tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    path.write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        export_result(make_result(), path, overwrite=False)
    assert path.read_text() == "mine"
    export_result(make_result(), path)
    assert path.read_bytes() != b"mine"


@pytest.mark.parametrize("suffix", [".json", ".csv"])
def test_a_failure_half_way_leaves_the_old_file(make_result, tmp_path, monkeypatch, suffix):
    module = __import__(f"videopose3d.export.{FORMATS[suffix]}", fromlist=["rounded"])
    calls = iter(range(10))

    def failing(values, digits):
        if next(calls) == 9:
            raise MemoryError
        return [[0.0] * 2] * 17

    monkeypatch.setattr(module, "rounded", failing)
    path = tmp_path / f"out{suffix}"
    path.write_text("old")
    with pytest.raises(MemoryError):
        export_result(make_result(), path)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".json", ".csv"])
def test_memory_does_not_grow_with_the_clip(make_result, tmp_path, suffix):
    result, path = make_result(1, 1500), tmp_path / f"out{suffix}"
    export_result(make_result(1, 2), tmp_path / f"warm{suffix}")
    tracemalloc.start()
    export_result(result, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300_000 < path.stat().st_size

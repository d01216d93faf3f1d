"""HumanEva from converted MATLAB files: parts, chunks, and where they are in the videos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from raw_files import write_mat, write_mat73

from videopose3d.datasets.raw.humaneva import FRAMES, OFFSETS, Take, missing_takes, part_frames, read_humaneva
from videopose3d.errors import FileFormatError, InputError

Array = np.ndarray[Any, Any]


def arrays(frames: int, joints: int = 15, *, cameras_first: bool = False) -> dict[str, Array]:
    """Frame t stands at 1000 t mm and t px."""
    t = np.arange(frames, dtype=float)
    positions = np.broadcast_to(1000 * t[:, None, None], (frames, joints, 3)).copy()
    points = np.broadcast_to(t[:, None, None, None], (frames, 3, joints, 2)) + 10_000 * np.arange(3)[:, None, None]
    return {"poses_3d": positions, "poses_2d": points.transpose(1, 0, 2, 3) if cameras_first else points}


@pytest.mark.parametrize("write", [write_mat, write_mat73])
@pytest.mark.parametrize("joints", [15, 20])
@pytest.mark.parametrize("cameras_first", [False, True])
def test_files_of_parts(write: Callable[..., Path], joints: int, cameras_first: bool, tmp_path: Path) -> None:
    first, end = FRAMES["S2"]["Box 1"]
    made = arrays(end - first, joints, cameras_first=cameras_first)
    write(tmp_path / "Train" / "S2" / "Box_1.mat", **made)
    (take,) = read_humaneva(tmp_path)
    assert (take.subject, take.action, take.first) == ("Train/S2", "Box 1", 382)
    assert (take.positions.shape, take.points.shape) == ((352, joints, 3), (3, 352, joints, 2))
    np.testing.assert_allclose(take.positions[:, 0, 0], np.arange(352))
    np.testing.assert_allclose(take.points[2, :, 3, 1], 20_000 + np.arange(352))


def test_a_whole_take_is_cut_to_its_parts(tmp_path: Path) -> None:
    write_mat(tmp_path / "S1" / "Jog_1.mat", **arrays(900))
    write_mat(tmp_path / "S1" / "Jog_2.mat", **arrays(900))
    train, validate = read_humaneva(tmp_path)
    assert (train.subject, validate.subject) == ("Train/S1", "Validate/S1")
    for take, (first, end) in [(train, (367, 740)), (validate, (5, 367))]:
        assert part_frames(take.part, "S1", "Jog 1") == (first, end)
        np.testing.assert_allclose(take.positions[:, 0, 0], np.arange(first, end))
        np.testing.assert_allclose(take.points[0, :, 0, 0], np.arange(first, end))


def take(corrupt: list[int]) -> Take:
    positions, points = np.zeros((10, 15, 3), np.float32), np.zeros((3, 10, 15, 2), np.float32)
    positions[corrupt, 4, 1] = np.nan
    return Take("Train", "S1", "Walking 1", 590, positions, points)


@pytest.mark.parametrize(
    ("corrupt", "chunks"),
    [
        ([], [(0, 10, True)]),
        ([3, 4], [(0, 3, True), (3, 5, False), (5, 10, True)]),
        ([0, 9], [(0, 1, False), (1, 9, True), (9, 10, False)]),
        (list(range(10)), [(0, 10, False)]),
    ],
)
def test_chunks(corrupt: list[int], chunks: list[tuple[int, int, bool]]) -> None:
    expected = [(f"Walking 1 chunk{i}", slice(a, b), sound) for i, (a, b, sound) in enumerate(chunks)]
    assert take(corrupt).chunks() == expected


def test_where_chunks_are_in_the_videos() -> None:
    assert OFFSETS["S1"]["Walking 1"] == (82, 81, 82)
    assert take([]).video_frames(0, slice(0, 10)) == slice(671, 681)
    assert take([]).video_frames(1, slice(3, 10)) == slice(673, 680)


def test_the_tables_fit_together() -> None:
    assert {p: set(t) for p, t in FRAMES.items()} == {p: set(t) for p, t in OFFSETS.items()}
    assert all(5 < first < end for takes in FRAMES.values() for first, end in takes.values())


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    for person, takes in FRAMES.items():
        for action, (_, end) in takes.items():
            if (person, action) not in {("S3", "ThrowCatch 1"), ("S2", "Jog 1")}:
                write_mat(tmp_path / person / f"{action.replace(' ', '_')}.mat", **arrays(end))
    assert missing_takes(list(read_humaneva(tmp_path))) == ["no Train/S2 Jog 1", "no Validate/S2 Jog 1"]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (arrays(700), "700 frames; Train/S1 Jog 1 has 373, the whole take at least 740"),
        (arrays(373, 14), r"got poses_3d \(373, 14, 3\)"),
        ({"poses_3d": arrays(373)["poses_3d"]}, "expected positions"),
        (arrays(373) | {"again": arrays(373)["poses_3d"]}, "expected positions"),
        (arrays(373) | {"poses_2d": arrays(372)["poses_2d"]}, "expected positions"),
    ],
)
def test_other_arrays_are_refused(made: dict[str, Array], message: str, tmp_path: Path) -> None:
    write_mat(tmp_path / "Train" / "S1" / "Jog_1.mat", **made)
    with pytest.raises(FileFormatError, match=rf"Jog_1\.mat: .*{message}"):
        list(read_humaneva(tmp_path))


@pytest.mark.parametrize("write", [write_mat, write_mat73])
@pytest.mark.parametrize("part", [0.0, 0.02, 0.5])
def test_half_a_file_is_one_error(write: Callable[..., Path], part: float, tmp_path: Path) -> None:
    path = write(tmp_path / "Train" / "S1" / "Jog_1.mat", **arrays(373))
    data = path.read_bytes()
    path.write_bytes(data[: int(part * len(data))])
    with pytest.raises(FileFormatError, match=r"Jog_1\.mat"):
        list(read_humaneva(tmp_path))


@pytest.mark.parametrize("folder", ["nowhere", "."])
def test_nothing_there(folder: str, tmp_path: Path) -> None:
    write_mat(tmp_path / "S9" / "Jog_1.mat", **arrays(9))
    with pytest.raises(InputError, match="Expected files like converted_15j/Train/S1/Walking_1.mat"):
        list(read_humaneva(tmp_path / folder))

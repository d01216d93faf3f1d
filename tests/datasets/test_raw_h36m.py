"""Human3.6M as handed out, in files written by the libraries that write such files."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_files import FOLDER
from raw_files import millimetres, pack, write_cdf, write_hdf5, write_mat, write_mat73

from videopose3d.datasets.community import read_positions_2d, read_positions_3d
from videopose3d.datasets.raw import packages
from videopose3d.datasets.raw.h36m import ACTIONS, SUBJECTS, in_order, missing_takes, projected, read_h36m
from videopose3d.datasets.raw.h36m import without_damaged as sound
from videopose3d.errors import FileFormatError, InputError, MissingDependencyError

Array = np.ndarray[Any, Any]
Writer = Callable[[Path, str, str, Array], Path]


def cdf(root: Path, subject: str, action: str, rows: Array) -> Path:
    return write_cdf(root / subject / "MyPoseFeatures" / "D3_Positions" / f"{action}.cdf", rows)


def mat(root: Path, subject: str, action: str, rows: Array) -> Path:
    return write_mat(root / subject / "MyPoseFeatures" / "D3_Positions" / f"{action}.cdf.mat", cell=True, data=rows)


def mat73(root: Path, subject: str, action: str, rows: Array) -> Path:
    return write_mat73(root / subject / "MyPoseFeatures" / "D3_Positions" / f"{action}.cdf.mat", cell=True, data=rows)


def plain_mat73(root: Path, subject: str, action: str, rows: Array) -> Path:
    return write_mat73(root / subject / "MyPoseFeatures" / "D3_Positions" / f"{action}.cdf.mat", p=rows[None])


def h5(root: Path, subject: str, action: str, rows: Array) -> Path:
    return write_hdf5(root / subject / "MyPoses" / "3D_positions" / f"{action}.h5", rows)


WRITERS: list[Writer] = [cdf, mat, mat73, plain_mat73, h5]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("frames", [1, 7, 96])
def test_every_kind_of_file_gives_the_same_metres(write: Writer, frames: int, tmp_path: Path) -> None:
    rows = millimetres(frames)
    write(tmp_path, "S5", "Walking 1", rows)
    (take,) = read_h36m(tmp_path)
    assert (take.subject, take.action, take.positions.dtype) == ("S5", "Walking 1", np.float32)
    np.testing.assert_array_equal(take.positions, rows.reshape(frames, 32, 3) / np.float32(1000))


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("archive", ["Poses_D3_Positions_S5.tgz", "h36m.zip"])
def test_archives_give_what_the_folder_gives(write: Writer, archive: str, tmp_path: Path) -> None:
    files = [write(tmp_path / "in", "S5", action, millimetres(3, seed)) for seed, action in enumerate("ab")]
    expected = in_order(read_h36m(tmp_path / "in"))
    (tmp_path / "packed").mkdir()
    packed = pack(tmp_path / "packed" / archive, tmp_path / "in", files)
    for source in (packed, packed.parent):
        found = in_order(read_h36m(source))
        assert list(found["S5"]) == ["a", "b"]
        for action in "ab":
            np.testing.assert_array_equal(found["S5"][action], expected["S5"][action])


def test_a_flat_archive_is_known_by_its_name(tmp_path: Path) -> None:
    files = [write_cdf(tmp_path / "in" / "Eating.cdf", millimetres())]
    pack(tmp_path / "Poses_D3_Positions_S9.tgz", tmp_path / "in", files)
    assert [(t.subject, t.action) for t in read_h36m(tmp_path)] == [("S9", "Eating")]


def test_names_of_takes_and_other_files(tmp_path: Path) -> None:
    for subject, action in [
        ("S1", "TakingPhoto 1"),
        ("S1", "WalkingDog"),
        ("S1", "_ALL 1"),
        ("S4", "Eating"),
        ("S1", "._Eating"),
    ]:
        cdf(tmp_path, subject, action, millimetres())
    for other in ("D3_Positions_mono", "D3_Angles"):
        write_cdf(tmp_path / "S1" / "MyPoseFeatures" / other / "Eating.cdf", millimetres())
    assert [(t.subject, t.action) for t in read_h36m(tmp_path)] == [("S1", "Photo 1"), ("S1", "WalkDog")]


def test_a_subject_is_taken_from_one_place(tmp_path: Path) -> None:
    cdf(tmp_path, "S1", "Eating", millimetres(2))
    mat(tmp_path, "S1", "Eating", millimetres(3))
    mat(tmp_path, "S5", "Eating", millimetres(4))
    again = [h5(tmp_path / "x", s, "Eating", millimetres(5)) for s in ("S1", "S6")]
    pack(tmp_path / "h36m.zip", tmp_path / "x", again)
    for file in again:
        file.unlink()
    lengths = {t.subject: len(t.positions) for t in read_h36m(tmp_path)}
    assert lengths == {"S1": 2, "S5": 4, "S6": 5}


def complete() -> dict[str, dict[str, Array]]:
    return {s: {f"{a}{n}": np.zeros((1, 32, 3), np.float32) for a in ACTIONS for n in ("", " 1")} for s in SUBJECTS}


def test_what_is_missing_is_named() -> None:
    takes = complete()
    assert missing_takes(takes) == []
    assert sum(map(len, sound(takes).values())) == 7 * 30 - 1
    assert "Directions" not in sound(takes)["S11"]
    assert missing_takes(sound(takes)) == []
    del takes["S6"], takes["S9"]["Walking 1"], takes["S11"]["Directions 1"], takes["S11"]["Directions"]
    assert missing_takes(takes) == ["no S6", "S9 lacks Walking (1 of 2)", "S11 lacks Directions (0 of 2)"]
    takes["S1"]["Dancing"] = takes["S1"]["Eating"]
    with pytest.raises(InputError, match="S1: not an action of Human3.6M: Dancing"):
        missing_takes(takes)


@pytest.mark.parametrize("rows", [millimetres(4)[:, :93], millimetres(4)[:, :1], millimetres(4)[None, :, :, None]])
@pytest.mark.parametrize("write", WRITERS)
def test_another_shape_is_refused(write: Writer, rows: Array, tmp_path: Path) -> None:
    path = write(tmp_path, "S1", "Eating", rows)
    with pytest.raises(FileFormatError, match=f"{path.name}: .*96"):
        list(read_h36m(tmp_path))


@pytest.mark.parametrize("write", [mat, mat73, h5])
def test_no_frames_are_refused(write: Writer, tmp_path: Path) -> None:
    write(tmp_path, "S1", "Eating", millimetres(4)[:0])
    with pytest.raises(FileFormatError, match=r"\(0, 96\)"):
        list(read_h36m(tmp_path))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_a_number_is_refused(bad: float, tmp_path: Path) -> None:
    rows = millimetres(5)
    rows[3, 50] = bad
    cdf(tmp_path, "S1", "Eating", rows)
    with pytest.raises(FileFormatError, match="Eating.cdf: a position in frame 3 is not a number"):
        list(read_h36m(tmp_path))


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("part", [0.0, 0.02, 0.3, 0.9])
def test_half_a_file_is_one_error(write: Writer, part: float, tmp_path: Path) -> None:
    path = write(tmp_path, "S1", "Eating", millimetres(40))
    data = path.read_bytes()
    path.write_bytes(data[: int(part * len(data))])
    with pytest.raises(FileFormatError, match=path.name):
        list(read_h36m(tmp_path))


@pytest.mark.parametrize("archive", ["Poses_D3_Positions_S1.tgz", "h36m.zip"])
@pytest.mark.parametrize("part", [0.0, 0.3, 0.9])
def test_half_an_archive_is_one_error(archive: str, part: float, tmp_path: Path) -> None:
    path = pack(tmp_path / archive, tmp_path, [cdf(tmp_path / "in", "S1", "Eating", millimetres(40))])
    data = path.read_bytes()
    path.write_bytes(data[: int(part * len(data))])
    with pytest.raises(FileFormatError, match=archive):
        list(read_h36m(path))


def test_a_file_of_another_variable_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "S1" / "MyPoseFeatures" / "D3_Positions"
    write_cdf(folder / "Eating.cdf", millimetres(), variable="Angles")
    with pytest.raises(FileFormatError, match="no variable 'Pose', it has Angles"):
        list(read_h36m(tmp_path))
    write_hdf5(tmp_path / "x" / "S1" / "3D_positions" / "Eating.h5", millimetres(), dataset="other")
    with pytest.raises(FileFormatError, match="no data set '3D_positions', it has other"):
        list(read_h36m(tmp_path / "x"))


def test_archives_write_nowhere_else(tmp_path: Path) -> None:
    content = cdf(tmp_path / "in", "S1", "Eating", millimetres()).read_bytes()
    with tarfile.open(tmp_path / "evil.tgz", "w:gz") as archive:
        for name in ("../../S1/D3_Positions/Eating.cdf", f"{tmp_path}/out/S1/D3_Positions/Waiting.cdf"):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, BytesIO(content))
        link = tarfile.TarInfo("S1/D3_Positions/Posing.cdf")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    before = sorted(tmp_path.rglob("*"))
    assert [t.action for t in read_h36m(tmp_path / "evil.tgz")] == ["Eating", "Waiting"]
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("source", ["nowhere", "."])
def test_nothing_there(source: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Expected S1/MyPoseFeatures/D3_Positions/\*\.cdf"):
        list(read_h36m(tmp_path / source))


def test_without_the_package_the_pip_line_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> None:
        raise ImportError(name)

    cdf(tmp_path, "S1", "Eating", millimetres())
    monkeypatch.setattr(packages, "import_module", gone)
    with pytest.raises(MissingDependencyError, match=r"cdflib is not installed.*pip install 'videopose3d\[datasets\]'"):
        list(read_h36m(tmp_path))


def test_projections_are_those_of_the_original() -> None:
    positions = read_positions_3d(FOLDER / "data" / "data_3d_h36m.npz")
    expected, _ = read_positions_2d(FOLDER / "data" / "data_2d_h36m_gt.npz")
    compared = 0
    for subject, takes in positions.items():
        for action, take in takes.items():
            for view, golden in zip(projected(take, subject), expected[subject][action], strict=True):
                assert view.dtype == np.float32
                np.testing.assert_allclose(view, golden, atol=2e-3)  # [px]
                compared += 1
    assert compared == 34 * 4


def test_who_has_no_cameras_cannot_be_projected() -> None:
    with pytest.raises(InputError, match="the cameras of S2 are not known"):
        projected(np.ones((1, 32, 3), np.float32), "S2")

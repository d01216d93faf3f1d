"""Markers and joint centres from C3D, TRC and npz."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from point_files import joints, markers, write_c3d, write_points

from videopose3d.config_mocap import MocapConfig
from videopose3d.datasets.mocap import Motion, load_motion_file
from videopose3d.datasets.mocap.body import coco_joints, h36m_joints
from videopose3d.datasets.mocap.markers import MARKERS, fixed_bones, marker_landmarks, median_bones
from videopose3d.errors import FileFormatError, InputError, MissingDependencyError
from videopose3d.skeleton import COCO17, H36M17

Y_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # z up is Y_UP @ y up
QUARTER = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])  # of a turn about z, which nobody minds


def load(path: Path, **options: object) -> Motion:
    (motion,) = load_motion_file(path, MocapConfig(**{"detector": "coco"} | options)).motions
    return motion


def at(motion: Motion, name: str) -> np.ndarray:
    """(T, 3) one joint, or one point of the face."""
    if name in H36M17.joints:
        return motion.joints_h36m[:, H36M17.index(name)]
    return motion.joints_coco[:, COCO17.index(name)]


def ahead(motion: Motion) -> np.ndarray:
    """(3,) which way the face looks in the first frame."""
    return at(motion, "nose")[0] - (at(motion, "left_ear")[0] + at(motion, "right_ear")[0]) / 2


# --- Plug-in-Gait


def test_markers_become_the_joints_of_the_marker_model(tmp_path: Path) -> None:
    pytest.importorskip("ezc3d")
    path = write_c3d(tmp_path / "stand.c3d", {name: 1000 * p for name, p in markers().items()})
    motion = load(path)
    body = marker_landmarks(np.stack(list(markers().values()), 1))
    body = fixed_bones(body, median_bones([body]))
    assert (motion.name, motion.fps, motion.frames) == ("stand[0:60]", 50, 30)
    np.testing.assert_allclose(motion.joints_h36m, h36m_joints(body)[::2], atol=1e-5)  # the floor of the file stays
    np.testing.assert_allclose(motion.joints_coco, coco_joints(body, "coco")[::2], atol=1e-5)
    np.testing.assert_allclose(at(motion, "left_hip") - at(motion, "right_hip"), [[0, 0.1862, 0]] * 30, atol=1e-5)


@pytest.mark.parametrize(
    ("unit", "scale"), [("mm", 1000), ("cm", 100), ("m", 1), ("in", 1 / 0.0254), ("", 1000), ("furlong", 1)]
)
def test_any_unit_axes_prefix_and_spelling(unit: str, scale: float, tmp_path: Path) -> None:
    pytest.importorskip("ezc3d")
    plain = load(write_c3d(tmp_path / "plain.c3d", {n: 1000 * p for n, p in markers().items()}))
    other = {f"Ann:{name.lower()}": scale * p @ Y_UP for name, p in markers().items()}
    other = {"*12": np.full((60, 3), 5.0), "Ann:LHipAngles": np.full((60, 3), 30.0)} | other
    motion = load(write_c3d(tmp_path / "other.c3d", other, unit=unit))
    np.testing.assert_allclose(motion.joints_h36m, plain.joints_h36m @ QUARTER, atol=1e-5)


@pytest.mark.parametrize("up", ["x", "y", "z", "-x", "-y", "-z"])
def test_the_vertical_is_where_shoulders_are_above_feet(up: str, tmp_path: Path) -> None:
    axis, sign = "xyz".index(up[-1]), -1.0 if up[0] == "-" else 1.0
    turn = np.eye(3)[:, [(axis + 1) % 3, (axis + 2) % 3, axis]] * (sign, 1, sign)
    assert np.linalg.det(turn) == pytest.approx(1)
    motion = load(write_points(tmp_path / "a.npz", {name: p @ turn.T for name, p in markers().items()}))
    assert at(motion, "head")[0, 2] > 1.6
    assert 0 < at(motion, "left_ankle")[0, 2] < 0.15
    left = at(motion, "left_shoulder")[0] - at(motion, "right_shoulder")[0]
    np.testing.assert_allclose(np.cross(left, [0, 0, 1]) @ ahead(motion), 0.3 * 0.1, rtol=0.5)


def test_somebody_who_lies_all_the_time_needs_the_axis(tmp_path: Path) -> None:
    flat = {name: p @ np.eye(3)[[2, 1, 0]] * (1, 1, -1) for name, p in markers().items()}
    path = write_points(tmp_path / "lie.npz", flat)
    motion = load(path, up="z")
    assert np.ptp(motion.joints_h36m[0, :, 2]) < 0.5  # on the back
    assert np.ptp(load(path).joints_h36m[0, :, 2]) > 1.4  # what auto makes of it
    half = {name: np.concatenate([p[:30], -p[30:]]) for name, p in markers().items()}
    with pytest.raises(FileFormatError, match="lie.npz: nobody stands.*--up"):
        load(write_points(path, half))


@pytest.mark.parametrize(
    ("absent", "tolerance"),  # [m]
    [
        (("T10",), 0.02),
        (("STRN", "RBAK"), 0.02),
        (("LWRB", "RWRA"), 0.035),  # half of what they are apart
        (("LTHI", "LTIB", "RTHI", "RTIB", "LUPA", "RFRM"), 0.06),
        (("LBHD",), 1e-6),
        (("RFHD",), 1e-6),
        (("LHEE", "RHEE", "LTOE", "RTOE", "LFIN", "RFIN"), 1e-6),
    ],
)
def test_what_can_be_missing(absent: tuple[str, ...], tolerance: float, tmp_path: Path) -> None:
    whole = load(write_points(tmp_path / "whole.npz", markers()))
    some = {name: p for name, p in markers().items() if name not in absent}
    motion = load(write_points(tmp_path / "some.npz", some))
    np.testing.assert_allclose(motion.joints_h36m, whole.joints_h36m, atol=tolerance)
    np.testing.assert_allclose(motion.joints_coco, whole.joints_coco, atol=tolerance)


def test_one_marker_on_the_sacrum_stands_for_two(tmp_path: Path) -> None:
    points = markers()
    whole = load(write_points(tmp_path / "whole.npz", points))
    points["SACR"] = (points.pop("LPSI") + points.pop("RPSI")) / 2
    motion = load(write_points(tmp_path / "sacrum.npz", points))
    np.testing.assert_allclose(motion.joints_h36m, whole.joints_h36m, atol=1e-6)


LEGS = tuple(n for n in MARKERS if n[1:] in ("ASI", "PSI", "THI", "KNE", "TIB", "ANK", "HEE", "TOE"))


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (LEGS, "LSHO, RSHO, LELB, RELB, C7, CLAV, LWRA or LWRB, RWRA or RWRB, LFHD, RFHD, LBHD, RBHD"),
        (tuple(n for n in MARKERS if n not in LEGS), "LASI, RASI, LPSI, RPSI, LKNE, RKNE, LANK, RANK"),
        (tuple(n for n in MARKERS if n not in ("LBHD", "RBHD", "CLAV")), "CLAV, LBHD, RBHD"),
    ],
)
def test_too_few_markers_are_listed(names: tuple[str, ...], missing: str, tmp_path: Path) -> None:
    path = write_points(tmp_path / "few.npz", markers(names=names))
    with pytest.raises(FileFormatError, match=f"few.npz: Plug-in-Gait markers are missing: {missing}. docs/lifter.md"):
        load(path)


def test_short_gaps_are_bridged_and_long_ones_cut(tmp_path: Path) -> None:
    points = markers(200)
    whole = load(write_points(tmp_path / "whole.npz", points))
    for name in ("LKNE", "RKNE"):
        points[name] = points[name].copy()
        points[name][20:40] = np.nan  # 0.2 s
        points[name][100:140] = np.nan
    first, second = load_motion_file(write_points(tmp_path / "gaps.npz", points)).motions
    assert (first.name, first.frames, second.name, second.frames) == ("gaps[0:100]", 50, "gaps[140:200]", 30)
    np.testing.assert_allclose(first.joints_h36m, whole.joints_h36m[:50], atol=1e-5)
    lost = {name: np.full((200, 3), np.nan) if name == "LKNE" else p for name, p in points.items()}
    with pytest.raises(FileFormatError, match="missing: LKNE"):
        load(write_points(tmp_path / "lost.npz", lost))
    points["LASI"], points["RASI"] = points["LASI"].copy(), points["RASI"].copy()
    points["LASI"][:100], points["RASI"][100:] = np.nan, np.nan
    points["LPSI"] = points["LPSI"] * np.nan
    points["SACR"] = points["RPSI"]
    with pytest.raises(FileFormatError, match="no frame shows all the points"):
        load(write_points(tmp_path / "never.npz", points))


@pytest.mark.parametrize("lost", [0.0, np.nan])
def test_points_lost_in_a_c3d_are_not_at_its_origin(lost: float, tmp_path: Path) -> None:
    pytest.importorskip("ezc3d")
    points = {name: 1000 * p for name, p in markers(120).items()}
    points["LKNE"][40:80] = lost
    found = load_motion_file(write_c3d(tmp_path / "a.c3d", points)).motions
    assert [motion.name for motion in found] == ["a[0:40]", "a[80:120]"]


def test_everybody_in_a_file_and_who_is_left_out(tmp_path: Path) -> None:
    points = {f"Ann:{name}": p for name, p in markers().items()}
    points |= {f"Bob_{name}": p + [2, 0, 0] for name, p in markers().items()}
    points |= {"Cat:LASI": markers()["LASI"], "LKNE": markers()["LKNE"]}
    found = load_motion_file(write_points(tmp_path / "two.npz", points), MocapConfig(subject="duo", split="test"))
    assert [(m.name, m.subject, m.split) for m in found.motions] == [
        ("two/Ann[0:60]", "duo/Ann", "test"),
        ("two/Bob[0:60]", "duo/Bob", "test"),
    ]
    np.testing.assert_allclose(found.motions[1].joints_h36m, found.motions[0].joints_h36m + [2, 0, 0], atol=1e-5)
    assert [what.partition(":")[0] for what in found.left_out] == [
        "Plug-in-Gait markers of Cat are missing",
        "Plug-in-Gait markers are missing",
    ]


def test_a_tilted_head_band_is_levelled(tmp_path: Path) -> None:
    points = markers()
    for name in ("LFHD", "RFHD"):
        points[name] = points[name] + [0, 0, 0.05]
    motion = load(write_points(tmp_path / "a.npz", points))
    look = ahead(motion)
    assert abs(np.degrees(np.arctan2(look[2] + 0.011, look[0]))) < 1  # the nose is 11 mm below the ears


# --- joint centres


def test_joints_of_human36m_stay_as_they_are(tmp_path: Path) -> None:
    points = joints()
    path = write_points(tmp_path / "a.npz", {name: 100 * p for name, p in points.items()}, fps=30.0, unit=0.01)
    motion = load(path)
    assert motion.fps == 30
    for name, p in points.items():
        np.testing.assert_allclose(at(motion, name), p, atol=1e-6)
    np.testing.assert_allclose(ahead(motion), [0.105, 0, -0.011], atol=0.005)  # of a body of 1.75 m


@pytest.mark.parametrize("spelling", ["right_hip", "RHip", "hip_r", "RHJC"])
def test_spellings_of_joints(spelling: str, tmp_path: Path) -> None:
    centres = {"shoulder": "SJC", "elbow": "EJC", "wrist": "WJC", "hip": "HJC", "knee": "KJC", "ankle": "AJC"}

    def spelt(name: str) -> str:
        side, _, part = name.partition("_")
        words = {"right_hip": name, "RHip": f"{side[0].upper()}{part.title()}", "hip_r": f"{part}_{side[0]}"}
        return (words | {"RHJC": side[0].upper() + centres.get(part, "")})[spelling] if part else name

    whole = load(write_points(tmp_path / "a.npz", joints()))
    motion = load(write_points(tmp_path / "b.npz", {spelt(name): p for name, p in joints().items()}))
    np.testing.assert_array_equal(motion.joints_h36m, whole.joints_h36m)


def test_limbs_and_a_head_are_enough(tmp_path: Path) -> None:
    some = {name: p for name, p in joints().items() if "_" in name or name == "head"}
    motion = load(write_points(tmp_path / "a.npz", some))
    order = [at(motion, name)[0, 2] for name in ("pelvis", "spine", "thorax", "neck", "head")]
    assert (np.diff(order) > 0.05).all()
    assert ahead(motion)[0] > 0.09
    face = {name: np.tile(p, (40, 1)) for name, p in
            {"nose": (0, -0.1, 1.55), "left_ear": (0.07, 0, 1.56), "right_ear": (-0.07, 0, 1.56)}.items()}  # fmt: skip
    turned = load(write_points(tmp_path / "b.npz", {n: p for n, p in some.items() if n != "head"} | face))
    assert ahead(turned)[1] < -0.09  # looks to its right
    without = {name: p for name, p in some.items() if name not in ("head", "left_elbow")}
    with pytest.raises(FileFormatError, match="joints are missing: left_elbow, head, or nose with"):
        load(write_points(tmp_path / "c.npz", without))


def test_feet_are_put_on_the_floor_where_the_file_has_it_elsewhere(tmp_path: Path) -> None:
    near = load(write_points(tmp_path / "a.npz", {name: p + [0, 0, 0.05] for name, p in joints().items()}))
    far = load(write_points(tmp_path / "b.npz", {name: p - [0, 0, 2] for name, p in joints().items()}))
    assert at(near, "left_ankle")[0, 2] == pytest.approx(0.13)
    assert at(far, "left_ankle")[0, 2] == pytest.approx(0.07)


# --- files


def test_a_unit_that_cannot_be_is_refused(tmp_path: Path) -> None:
    path = write_points(tmp_path / "a.npz", joints(), unit=0.001)
    with pytest.raises(FileFormatError, match=r"with its unit, 0.001 m, a leg is 0.00 m long. Give the true one with"):
        load(path)
    assert at(load(path, unit=1.0), "head")[0, 2] == pytest.approx(1.62)


def test_the_rate_can_be_given(tmp_path: Path) -> None:
    assert load(write_points(tmp_path / "a.npz", joints(), fps=1.0), fps=40).fps == 40


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.c3d", b"\x02P not", "not a C3D file that can be read"),
        ("a.trc", b"PathFileType\t4\n", "not a TRC file"),
        ("a.trc", b"PathFileType\nDataRate\n30\nFrame#\tTime\tRHip\n\tX1\n1\t0\tx\n", "a number is broken"),
        ("a.trc", b"PathFileType\nRate\n30\nFrame#\tTime\tRHip\n\tX1\n1\t0\t1\n", "DataRate"),
        ("a.npz", b"PK no", "neither a motion library nor points"),
    ],
)
def test_damaged_files(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    if name == "a.c3d":
        pytest.importorskip("ezc3d")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileFormatError, match=f"{name}: .*{says}"):
        load(tmp_path / name)


def test_arrays_that_do_not_fit(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", names=["RHip", "LHip"], points=np.zeros((4, 3, 3)), fps=30)
    with pytest.raises(FileFormatError, match=r"2 names, points of shape \(4, 3, 3\)"):
        load(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", names=["RHip"], points=np.zeros((4, 1, 3)), fps=0)
    with pytest.raises(FileFormatError, match="a frame rate of 0"):
        load(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", names=["RHip"], fps=30)
    with pytest.raises(FileFormatError, match=r"'points'.*holds names \(M,\), points"):
        load(tmp_path / "a.npz")
    with pytest.raises(FileFormatError, match="no names of markers or joints that are known: tail"):
        load(write_points(tmp_path / "a.npz", {"tail": np.zeros((4, 3))}))
    with pytest.raises(InputError, match="no such file"):
        load(tmp_path / "none.npz")


def test_without_ezc3d_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ezc3d", None)
    (tmp_path / "a.c3d").touch()
    with pytest.raises(MissingDependencyError, match=r"ezc3d is not installed. .*videopose3d\[mocap\]"):
        load(tmp_path / "a.c3d")

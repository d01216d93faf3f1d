from __future__ import annotations

import csv
import io
import json
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from mocap_texts import (
    DAZ_NAMES,
    DEEPMIMIC_SKELETON,
    encode_markers,
    figure_amc,
    figure_asf,
    figure_bvh,
    rotvec_skeleton,
    standing_markers,
)

from videopose3d.datasets.mocap import Motion, MotionLibrary, build_library, load_library, save_library
from videopose3d.datasets.mocap.library import runs, thinning
from videopose3d.datasets.mocap.markers import MARKERS
from videopose3d.errors import FileFormatError, SkeletonMismatchError
from videopose3d.skeleton import COCO17, H36M17

CLIPS = """set,archive,path,subject,trial,certain,description,frames,fps,seconds,split,note
papagina,papagina.tar.xz,train/salsa/01.bvh,60,01,no,"salsa, couple",240,60,4,train,
kseniia,kseniia.tar.xz,kseniia/07/07_01.amc,07,01,yes,walk,200,120,1.7,test,
kseniia,kseniia.tar.xz,kseniia/07/07_02.amc,07,02,yes,walk,200,120,1.7,test,same clip in cyun9601: skip
chaneyddtt,chaneyddtt.tar.xz,chaneyddtt/walking_1.txt,unknown,,no,walking,100,120,0.8,train,
jump,jump.tar.xz,jump/88_06.txt,88,06,yes,kick,20,15,1.3,validation,
"""
BAD = """set,path,first_frame,last_frame,reason
papagina,train/salsa/01.bvh,0,5,rest pose
papagina,train/salsa/01.bvh,100,109,jump
papagina,train/salsa/01.bvh,115,239,jump
chaneyddtt,chaneyddtt/walking_1.txt,0,0,rest pose
"""
BAD_CLIPS = """subject,clip,frames,issue,markers,frames_affected,span,advice,note
s01,m01_e02_correct,60,jumps,LELB,3,3,drop,frames 1-2
s01,m01_e03_correct,120,lost markers,LASI:40 RASI:40,40,40,cut,no hips
"""


def rotvec_text(skeleton: dict[str, list[object]]) -> str:
    height = 0.95 / (0.0254 / 0.45)
    return "\n".join([",".join(map(str, [0, height, 0] + [0] * 3 * len(skeleton["names"])))] * 100)


def jump_text() -> str:
    return json.dumps({"Loop": "none", "Frames": [[1 / 30, 0, 0.9, 0, 1, 0, 0, 0]] * 20})


def pack(path: Path, texts: dict[str, str]) -> None:
    with tarfile.open(path, "w:xz") as tar:
        for name, text in texts.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of sets like the real one, with one or two clips per set."""
    root = tmp_path_factory.mktemp("mocap")
    cmu, prmd = root / "cmu", root / "ui-prmd"
    cmu.mkdir()
    prmd.mkdir()
    (root / "split.json").write_text(json.dumps({"ui-prmd": {"train": [], "validation": ["s01"]}}))
    (cmu / "clips.csv").write_text(CLIPS)
    (cmu / "bad_segments.csv").write_text(BAD)
    skeletons = {"chaneyddtt_expmap38": rotvec_skeleton(), "jump_humanoid15": DEEPMIMIC_SKELETON}
    (cmu / "skeletons.json").write_text(json.dumps(skeletons))
    lie = figure_bvh(names=DAZ_NAMES, frames=240, step=1 / 120)  # says 120 Hz, is 60
    pack(cmu / "papagina.tar.xz", {"train/salsa/01.bvh": lie, "train/salsa/99.bvh": "not listed, not read"})
    amc = figure_amc(200, {"lfemur": (-30.0, 0.0, 0.0), "ltibia": (30.0, 0.0, 0.0)})
    pack(cmu / "kseniia.tar.xz", {"kseniia/07/07_01.amc": amc, "kseniia/07/07.asf": figure_asf()})
    pack(cmu / "chaneyddtt.tar.xz", {"chaneyddtt/walking_1.txt": rotvec_text(rotvec_skeleton())})
    pack(cmu / "jump.tar.xz", {"jump/88_06.txt": jump_text()})
    (prmd / "bad_clips.csv").write_text(BAD_CLIPS)
    lost = standing_markers(MARKERS, 120)
    lost[40:80, [MARKERS.index("LASI"), MARKERS.index("RASI")]] = np.nan
    clips = {"m01_e01_correct": standing_markers(MARKERS, 60), "m01_e02_correct": standing_markers(MARKERS, 60)}
    np.savez(prmd / "s01.npz", **{k: encode_markers(v) for k, v in (clips | {"m01_e03_correct": lost}).items()})
    return root


@pytest.fixture(scope="module")
def library(folder: Path) -> MotionLibrary:
    return build_library(folder)


def joint(motion: Motion, name: str) -> np.ndarray:
    return motion.joints_h36m[:, H36M17.index(name)]


def test_every_set_is_read_cut_and_labelled(library: MotionLibrary) -> None:
    found = {(m.name, m.dataset, m.subject, m.split): (m.frames, round(m.fps, 6)) for m in library}
    assert found == {
        ("train/salsa/01[6:100]", "papagina", "60", "train"): (94, 60),  # [110:115] is too short to keep
        ("kseniia/07/07_01[0:200]", "kseniia", "07", "test"): (100, 60),
        ("chaneyddtt/walking_1[1:100]", "chaneyddtt", "unknown", "train"): (50, 60),
        ("jump/88_06[0:20]", "jump", "88", "validation"): (20, 15),
        ("s01/m01_e01_correct[0:60]", "ui-prmd", "s01", "validation"): (30, 50),
        ("s01/m01_e03_correct[0:40]", "ui-prmd", "s01", "validation"): (20, 50),
        ("s01/m01_e03_correct[80:120]", "ui-prmd", "s01", "validation"): (20, 50),
    }


def test_everybody_stands_on_the_floor_upright_and_with_the_left_on_the_left(library: MotionLibrary) -> None:
    for motion in library:
        order = [joint(motion, name)[:, 2] for name in ("right_ankle", "right_knee", "pelvis", "thorax", "head")]
        assert (np.diff(order, axis=0) > 0.1).all(), motion.name
        assert 0 < joint(motion, "right_ankle")[0, 2] < 0.12, motion.name
        coco = motion.joints_coco[0]
        nose = coco[COCO17.index("nose")] - (coco[COCO17.index("left_ear")] + coco[COCO17.index("right_ear")]) / 2
        left = joint(motion, "left_shoulder")[0] - joint(motion, "right_shoulder")[0]
        assert np.cross(left, [0, 0, 1]) @ nose > 0, f"{motion.name} looks backwards"


def test_the_bones_of_each_set_are_those_of_its_rig(library: MotionLibrary) -> None:
    for dataset, (thigh, shoulders) in {
        "papagina": (0.42, 0.34 + 0.121), "kseniia": (0.42, 0.34), "chaneyddtt": (0.42, 0.34), "jump": (0.42, 0.366),
    }.items():  # fmt: skip
        motion = library.select(dataset=dataset).motions[0]
        length = lambda a, b, m=motion: np.linalg.norm(joint(m, a) - joint(m, b), axis=-1)  # noqa: E731
        np.testing.assert_allclose(length("left_hip", "left_knee"), thigh, atol=1e-4)
        np.testing.assert_allclose(length("left_shoulder", "right_shoulder"), shoulders, atol=1e-4)


def test_a_lifted_knee_is_in_front(library: MotionLibrary) -> None:
    """The CMU figure faces -y; its left thigh is lifted by 30 degrees about x and its shank hangs."""
    motion = library.select(dataset="kseniia").motions[0]
    thigh = joint(motion, "left_knee") - joint(motion, "left_hip")
    np.testing.assert_allclose(thigh[0], [0, -0.21, -0.42 * np.cos(np.pi / 6)], atol=1e-6)
    shank = joint(motion, "left_ankle") - joint(motion, "left_knee")
    np.testing.assert_allclose(shank[0], [0, 0, -0.42], atol=1e-6)


def test_marker_hips_are_harringtons(library: MotionLibrary) -> None:
    """PW 260, PD 200.998 mm: 0.33 PW + 7.3 = 93.1 mm to each side."""
    motion = library.select(dataset="ui-prmd").motions[0]
    hips = joint(motion, "left_hip") - joint(motion, "right_hip")
    np.testing.assert_allclose(hips[0], [0, 0.1862, 0], atol=1e-5)


def test_selecting(library: MotionLibrary) -> None:
    assert library.datasets == ("papagina", "kseniia", "chaneyddtt", "jump", "ui-prmd")
    assert [m.subject for m in library.select(split="test")] == ["07"]
    assert len(library.select("validation", "ui-prmd")) == 3
    assert library.minutes == pytest.approx((94 / 60 + 100 / 60 + 50 / 60 + 20 / 15 + 70 / 50) / 60)


def test_saved_and_loaded_is_the_same_to_a_twentieth_of_a_millimetre(library: MotionLibrary, tmp_path: Path) -> None:
    path = tmp_path / "library.npz"
    save_library(path, library)
    loaded = load_library(path)
    assert loaded.detector == library.detector == "mediapipe"
    assert len(loaded) == len(library)
    for a, b in zip(library, loaded, strict=True):
        assert (a.name, a.dataset, a.subject, a.split, a.fps) == (b.name, b.dataset, b.subject, b.split, b.fps)
        assert b.joints_h36m.dtype == b.joints_coco.dtype == np.float32
        np.testing.assert_allclose(b.joints_h36m, a.joints_h36m, atol=5.1e-5)
        np.testing.assert_allclose(b.joints_coco, a.joints_coco, atol=5.1e-5)
        np.testing.assert_array_equal(joint(b, "pelvis"), joint(a, "pelvis"))
    with np.load(path, allow_pickle=False) as file:
        assert set(file.files) >= {"offsets", "fps", "name", "split", "dataset", "subject", "pelvis"}


def random_motion(seed: int, frames: int, spread: float = 0.5) -> Motion:
    rng = np.random.default_rng(seed)
    h36m = rng.normal(0, spread, (frames, 17, 3)).clip(-1.5, 1.5).astype(np.float32) + np.float32(20)
    return Motion(f"clip {seed}", "any", "", "train", 29.97, h36m, h36m + np.float32(0.01))


def test_far_from_the_origin_and_across_clips_nothing_is_lost(tmp_path: Path) -> None:
    library = MotionLibrary(tuple(random_motion(seed, frames) for seed, frames in enumerate((1, 7, 0, 3))))
    save_library(tmp_path / "a.npz", library)
    for a, b in zip(library, load_library(tmp_path / "a.npz"), strict=True):
        np.testing.assert_allclose(b.joints_coco, a.joints_coco, atol=6e-5)


def test_an_empty_library_is_a_library(tmp_path: Path) -> None:
    save_library(tmp_path / "a.npz", MotionLibrary(()))
    assert len(load_library(tmp_path / "a.npz")) == 0


def test_wrong_units_are_caught_before_writing(tmp_path: Path) -> None:
    wide = random_motion(0, 2)
    wide = Motion("mm", "any", "", "train", 30.0, wide.joints_h36m * 1e3, wide.joints_coco * 1e3)
    with pytest.raises(SkeletonMismatchError, match="3.2 m from the pelvis"):
        save_library(tmp_path / "a.npz", MotionLibrary((wide,)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(FileFormatError, match="not a motion library"):
        load_library(tmp_path / "a.npz")


def test_missing_and_foreign_archives_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="not a motion library"):
        load_library(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", poses=np.zeros(3))
    with pytest.raises(FileFormatError, match="not a motion library"):
        load_library(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", format=np.array("videopose3d/1"))
    with pytest.raises(FileFormatError, match="expected videopose3d/mocap/1"):
        load_library(tmp_path / "a.npz")


def test_a_motion_checks_itself() -> None:
    joints = np.zeros((2, 17, 3), np.float32)
    with pytest.raises(SkeletonMismatchError, match=r"a: expected joints_coco of shape \(2, 17, 3\)"):
        Motion("a", "b", "", "train", 30.0, joints, joints[:1])
    with pytest.raises(SkeletonMismatchError, match="unknown split 'dev'"):
        Motion("a", "b", "", "dev", 30.0, joints, joints)


def test_a_folder_without_the_sets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="Is this a folder of motion capture sets"):
        build_library(tmp_path)


def test_a_missing_clip_is_reported(folder: Path, tmp_path: Path) -> None:
    cmu = tmp_path / "cmu"
    cmu.mkdir()
    for name in ("bad_segments.csv", "skeletons.json", "clips.csv"):
        (cmu / name).write_text((folder / "cmu" / name).read_text())
    pack(cmu / "papagina.tar.xz", {"train/salsa/02.bvh": ""})
    with pytest.raises(FileFormatError, match=r"papagina.tar.xz: 1 clips are missing, first train/salsa/01.bvh"):
        build_library(tmp_path)


@pytest.mark.parametrize(("good", "expected"), [("", []), ("1", [(0, 1)]), ("0110111", [(1, 3), (4, 7)]), ("000", [])])
def test_runs(good: str, expected: list[tuple[int, int]]) -> None:
    assert runs(np.array([c == "1" for c in good], bool)) == expected


@pytest.mark.parametrize(("fps", "step"), [(120, 2), (100, 2), (60, 1), (59.94, 1), (30, 1), (15, 1), (240, 4), (119.88, 2), (120.0005, 2)])  # noqa: E501  # fmt: skip
def test_thinning(fps: float, step: int) -> None:
    assert thinning(fps) == step


@pytest.mark.slow
@pytest.mark.skipif("VIDEOPOSE3D_MOCAP" not in os.environ, reason="VIDEOPOSE3D_MOCAP names no folder of sets")
def test_the_real_folder() -> None:
    """Minutes per split of split.json, and the bone lengths of the README's table."""
    root = Path(os.environ["VIDEOPOSE3D_MOCAP"])
    library = build_library(root)
    expected = json.loads((root / "split.json").read_text())["minutes"]
    for split, minutes in expected.items():
        assert library.select(split).minutes == pytest.approx(sum(minutes.values()), abs=0.6)
    with (root / "cmu" / "clips.csv").open(newline="") as file:
        known = {row["subject"] for row in csv.DictReader(file)}
    assert {m.subject for m in library if m.dataset != "ui-prmd"} <= known
    table = {  # hips, thigh, shank, upper arm, forearm [mm]; its means are over clips or frames, so 6 mm apart
        "papagina": (176, 368, 454, 282, 237), "cyun9601": (161, 413, 422, 289, 290),
        "kseniia": (183, 402, 429, 286, 286), "chaneyddtt": (184, 428, 409, 279, 284),
        "jump": (170, 422, 410, 275, 259), "ui-prmd": (188, 391, 428, 272, 240),
    }  # fmt: skip
    bones = (("left_hip", "right_hip"), ("left_hip", "left_knee"), ("left_knee", "left_ankle"),
             ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"))  # fmt: skip
    for dataset, lengths in table.items():
        joints = np.concatenate([m.joints_h36m for m in library.select(dataset=dataset)])
        assert np.isfinite(joints).all()
        a, b = (joints[:, H36M17.indices(ends)] for ends in zip(*bones, strict=True))
        np.testing.assert_allclose(1e3 * np.linalg.norm(a - b, axis=-1).mean(0), lengths, atol=7, err_msg=dataset)

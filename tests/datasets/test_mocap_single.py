from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mocap_texts import DAZ_NAMES, LEG_AMC_HEAD, LEG_ASF, figure_bvh, figure_joints

from videopose3d.config_mocap import MocapConfig
from videopose3d.datasets.mocap import Motion, load_motion_file
from videopose3d.errors import FileFormatError, InputError
from videopose3d.skeleton import COCO17, H36M17

JOINTS = [name for name, _, _ in figure_joints()]


def load(path: Path, **options: object) -> Motion:
    """The one motion of a file."""
    (motion,) = load_motion_file(path, MocapConfig(**options)).motions
    return motion


def sided(middle: dict[str, str], parts: dict[str, str], template: str, left: str, right: str) -> dict[str, str]:
    """Names for all joints of the figure from one word per part and a pattern for the sides."""
    names = dict(middle)
    for part, word in parts.items():
        names[f"Left{part}"] = template.format(side=left, part=word)
        names[f"Right{part}"] = template.format(side=right, part=word)
    return names


PARTS = {p: p for p in ("Shoulder", "Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot")}
NAMINGS = {
    "motionbuilder": {},
    "daz": DAZ_NAMES,
    "mixamo": {name: f"mixamorig:{name}" for name in JOINTS},
    "mixamo without colon": {name: f"mixamorig1_{name}" for name in JOINTS},
    "biped": sided(
        {"Hips": "Bip01 Pelvis".replace(" ", "_"), "Neck": "Bip01_Neck", "Head": "Bip01_Head"},
        PARTS | {"Shoulder": "Clavicle", "Arm": "UpperArm", "UpLeg": "Thigh", "Leg": "Calf"},
        "Bip01_{side}_{part}", "L", "R",
    ),
    "blender": sided(
        {"Neck": "neck", "Head": "head"},
        {"Shoulder": "shoulder", "Arm": "upper_arm", "ForeArm": "forearm", "Hand": "hand", "UpLeg": "thigh", "Leg": "shin", "Foot": "foot"},  # noqa: E501
        "{part}.{side}", "L", "R",
    ),
    "unreal": sided(
        {"Neck": "neck_01", "Head": "head"},
        {"Shoulder": "clavicle", "Arm": "upperarm", "ForeArm": "lowerarm", "Hand": "hand", "UpLeg": "thigh", "Leg": "calf", "Foot": "foot"},  # noqa: E501
        "{part}_{side}", "l", "r",
    ),
    "biovision": sided(
        {"Spine": "Chest"},
        {"Shoulder": "Collar", "Arm": "Shoulder", "ForeArm": "Elbow", "Hand": "Wrist", "UpLeg": "Hip", "Leg": "Knee", "Foot": "Ankle"},  # noqa: E501
        "{side}{part}", "Left", "Right",
    ),
}  # fmt: skip
POSE = {
    "LeftArm": (30.0, 0.0, 0.0),
    "RightLeg": (0.0, 40.0, 0.0),
    "Head": (0.0, 0.0, 50.0),
    "Hips": (0, 0, 70.0),
}


def written(folder: Path, text: str, name: str = "walk.bvh") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("naming", NAMINGS)
def test_joints_are_found_by_the_names_of_many_programs(tmp_path: Path, naming: str) -> None:
    plain = load(written(tmp_path, figure_bvh(POSE)))
    named = load(written(tmp_path, figure_bvh(POSE, NAMINGS[naming])))
    np.testing.assert_allclose(named.joints_h36m, plain.joints_h36m, atol=1e-6)
    np.testing.assert_allclose(named.joints_coco, plain.joints_coco, atol=1e-6)


def test_a_turned_head_turns_the_face_and_a_bent_knee_goes_back(tmp_path: Path) -> None:
    """Facing -y, left +x: a head turned a quarter to its left (+90 degrees about y up) looks to +x."""
    turns = {"Head": (0.0, 0.0, 90.0), "LeftLeg": (0.0, 90.0, 0.0)}
    motion = load(written(tmp_path, figure_bvh(turns)))
    coco = {name: motion.joints_coco[0, COCO17.index(name)] for name in COCO17.joints}
    look = coco["nose"] - (coco["left_ear"] + coco["right_ear"]) / 2
    assert look[0] > 0.06
    assert abs(look[1]) < 1e-6
    shank = coco["left_ankle"] - coco["left_knee"]
    np.testing.assert_allclose(shank, [0, 0.42, 0], atol=1e-6)


@pytest.mark.parametrize("scale", [1.0, 0.01, 10.0, 1 / 2.54, 0.01 / 0.056444], ids=["cm", "m", "mm", "inch", "cmu"])
def test_the_unit_is_told_from_the_legs(tmp_path: Path, scale: float) -> None:
    motion = load(written(tmp_path, figure_bvh(POSE, scale=scale)))
    expected = load(written(tmp_path, figure_bvh(POSE)))
    np.testing.assert_allclose(motion.joints_coco, expected.joints_coco, atol=1e-4)


def test_the_unit_can_be_given(tmp_path: Path) -> None:
    path = written(tmp_path, figure_bvh())
    legs = [m.joints_h36m[0, H36M17.index("left_knee"), 0] for m in (load(path), load(path, unit=0.02))]  # noqa: E501  # fmt: skip
    assert legs[1] == pytest.approx(2 * legs[0], rel=1e-5)


def test_files_with_z_up_give_the_same_joints(tmp_path: Path) -> None:
    z_up = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    expected = load(written(tmp_path, figure_bvh()))
    motion = load(written(tmp_path, figure_bvh(axes=z_up)))
    np.testing.assert_allclose(motion.joints_coco, expected.joints_coco, atol=1e-6)


def test_the_first_frame_stands_in_for_a_rest_pose_that_lies(tmp_path: Path) -> None:
    """The legs of the rest pose lie forward; every frame turns them down."""
    fold = figure_bvh().replace("{ OFFSET 0.000000000 -42.000000000 0.000000000", "{ OFFSET 0 0 42")
    assert fold != figure_bvh()
    lines = fold.splitlines()
    values = lines[-1].split()
    names = [line.split()[1] for line in lines if line.startswith(("ROOT", "JOINT"))]
    for leg in ("LeftUpLeg", "RightUpLeg"):
        values[3 + 3 * names.index(leg) + 1] = "90"
    lines[-1] = " ".join(values)
    motion = load(written(tmp_path, "\n".join(lines)))
    expected = load(written(tmp_path, figure_bvh()))
    np.testing.assert_allclose(motion.joints_coco[:, :15], expected.joints_coco[:, :15], atol=0.2)
    ankle = motion.joints_coco[0, COCO17.index("left_ankle")] - motion.joints_coco[0, COCO17.index("left_knee")]
    np.testing.assert_allclose(ankle, [0, 0, -0.42], atol=1e-6)


def test_the_feet_stand_on_the_floor_and_the_rate_is_at_most_60(tmp_path: Path) -> None:
    motion = load(written(tmp_path, figure_bvh(frames=9, step=1 / 120)))
    assert motion.fps == pytest.approx(60)
    assert motion.frames == 5
    assert motion.name == "walk"
    assert motion.joints_h36m[0, H36M17.index("left_ankle"), 2] == pytest.approx(0.07, abs=1e-6)
    assert load(written(tmp_path, figure_bvh(frames=9)), fps=30.0).frames == 9


def test_ends_of_feet_that_never_turn_are_no_soles(tmp_path: Path) -> None:
    """Legs that lean back lower such an end; where feet turn it is a sole: here they point down 10 degrees."""
    lean = {f"{side}UpLeg": (0.0, 30.0, 0.0) for side in ("Left", "Right")}
    ankle = H36M17.index("left_ankle")
    stiff = load(written(tmp_path, figure_bvh(lean)))
    assert stiff.joints_h36m[0, ankle, 2] == pytest.approx(0.07, abs=1e-6)
    turned = load(written(tmp_path, figure_bvh(lean | {"LeftFoot": (0.0, 10.0, 0.0)})))
    low = 0.07 * np.cos(np.radians(40)) + 0.12 * np.sin(np.radians(40))
    assert turned.joints_h36m[0, ankle, 2] == pytest.approx(low, abs=1e-6)


def test_poses_held_at_both_ends_are_left_out(tmp_path: Path) -> None:
    text, row = figure_bvh(POSE).rsplit("\n", 1)
    rows = [" ".join([f"{x}", *row.split()[1:]]) for x in (0, 0, 0, 1, 2, 2, 3, 3, 3, 3)]
    path = written(tmp_path, "\n".join([text.replace("Frames: 1", "Frames: 10"), *rows]))
    held = load(path, fps=30.0).joints_h36m[:, 0, 0] * 100
    np.testing.assert_allclose(held - held[0], [0, 1, 2, 2, 3], atol=1e-5)


def test_unknown_joint_names_are_reported_with_those_there_are(tmp_path: Path) -> None:
    path = written(tmp_path, figure_bvh(names={"LeftArm": "tentacle"}).replace("LeftShoulder", "stalk"))
    with pytest.raises(FileFormatError, match=r"walk.bvh: no joints .* left_shoulder\..*tentacle"):
        load(path)


def test_a_figure_lying_in_rest_pose_and_first_frame_is_refused(tmp_path: Path) -> None:
    flat = figure_bvh().replace("-42.000000000 0.000000000", "0 42")
    with pytest.raises(FileFormatError, match="neither the rest pose nor the first frame stands upright"):
        load(written(tmp_path, flat))


@pytest.mark.parametrize(("name", "message"), [("no.bvh", "cannot be read"), ("a.fbx", "not a motion file")])
def test_missing_and_foreign_files(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(tmp_path / name)


def test_amc_finds_the_skeleton_beside_it(tmp_path: Path) -> None:
    amc = written(tmp_path, LEG_AMC_HEAD + "1\nroot 0 0 0 0 0 0\n", "07_01.amc")
    with pytest.raises(InputError, match="0 .asf files lie beside it"):
        load(amc)
    written(tmp_path, LEG_ASF, "07.asf")
    with pytest.raises(FileFormatError, match="07_01.amc: no joints with known names"):  # read, but only a leg
        load(amc)
    with pytest.raises(FileFormatError, match="no joints with known names"):
        load(tmp_path / "07.asf")

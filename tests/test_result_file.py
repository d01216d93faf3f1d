from __future__ import annotations

import dataclasses
import zipfile
from fractions import Fraction

import numpy as np
import pytest

from videopose3d.errors import FileFormatError, InputError
from videopose3d.result_file import FORMAT, boxes_around, load_result, save_result
from videopose3d.skeleton import COCO17, H36M17
from videopose3d.types import Keypoints2D, Lens, MotionQuality, Poses3D, Result, World


def make_result(people=2, frames=4, *, lifted=True):
    rng = np.random.default_rng(0)
    shape = (people, frames, 17)
    points = rng.uniform(0, 640, (*shape, 2)).astype(np.float32)
    poses = rng.normal(0, 1, (*shape, 3)).astype(np.float32)
    boxes = rng.uniform(0, 640, (people, frames, 4)).astype(np.float32)
    present = np.ones((people, frames), bool)
    for array in (points, poses, boxes):
        array[:1, 2] = np.nan
    points[1:, 0, 3] = np.nan
    present[:1, [1, 2]] = False  # frame 1 is interpolated, frame 2 empty
    scores = rng.uniform(0, 1, shape).astype(np.float32)
    source, fps, size = "/clips/Ünïcode 日本.mp4", Fraction(30000, 1001), (1080, 1920)
    keypoints = Keypoints2D(points, scores, boxes, present, COCO17, fps, size, source, "détecteur", 26.5)
    if not lifted:
        return Result(keypoints)
    lifted = Poses3D(poses, poses[:, :, 1], H36M17, "réseau")
    world = World(
        poses + poses[:, :, 1:2],
        np.array([0.0, -1, 0, 1.4]),
        np.eye(3, 4),
        present[..., None] & (scores[..., :2] > 0.5),
    )
    about = {
        "refinement": (MotionQuality(1.5, float("nan"), 3, 4), MotionQuality(1, 2, 3, 4.25)),
        "lens": Lens(np.array([[1e3, 0, 500], [0, 1e3, 900], [0, 0, 1]]), np.linspace(0, 1, 8), "von Hand"),
    }
    return Result(keypoints, lifted, focal=1234.5678901234567, height=1.83, world=world, **about)


def fields(result):
    """Every value of a result that the file holds, by name."""
    values = {f"keypoints.{f.name}": getattr(result.keypoints, f.name) for f in dataclasses.fields(Keypoints2D)}
    if result.poses:
        values |= {f"poses.{f.name}": getattr(result.poses, f.name) for f in dataclasses.fields(Poses3D)}
    if result.world:
        values |= {f"world.{f.name}": getattr(result.world, f.name) for f in dataclasses.fields(World)}
    if result.lens:
        values |= {f"lens.{f.name}": getattr(result.lens, f.name) for f in dataclasses.fields(Lens)}
    if result.refinement:
        values["refinement"] = np.array([dataclasses.astuple(quality) for quality in result.refinement])
    return values | {"focal": result.focal, "height": result.height}


@pytest.mark.parametrize("lifted", [True, False])
@pytest.mark.parametrize(("people", "frames"), [(2, 4), (1, 3), (0, 4)])
def test_a_result_comes_back_as_it_was(tmp_path, people, frames, lifted):
    result = make_result(people, frames, lifted=lifted)
    save_result(result, tmp_path / "out.npz")
    again = fields(load_result(tmp_path / "out.npz"))
    assert again.keys() == fields(result).keys()
    for name, value in fields(result).items():
        np.testing.assert_array_equal(again[name], value, err_msg=name)
        assert type(again[name]) is type(value), name
        if isinstance(value, np.ndarray):
            assert again[name].dtype == value.dtype, name


def test_the_file_is_plain(tmp_path):
    save_result(make_result(), tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz", allow_pickle=False) as npz:
        assert {key: npz[key].dtype.str for key in ("poses_3d", "fps", "size", "parents", "present")} == {
            "poses_3d": "<f4",
            "fps": "<i8",
            "size": "<i8",
            "parents": "<i4",
            "present": "|b1",
        }
        assert str(npz["format"]) == FORMAT == "videopose3d/1"
        assert npz["parents"].tolist() == list(H36M17.parents)
        assert npz["keypoint_names"].tolist() == list(COCO17.joints)


def minimal(**changes):
    points = np.arange(2 * 3 * 17 * 2, dtype=np.float64).reshape(2, 3, 17, 2)
    points[0, 1] = np.nan
    points[1, 2, 4] = np.nan
    arrays = {
        "keypoints_2d": points,
        "keypoint_names": np.array(COCO17.joints),
        "fps": np.array([25, 1]),
        "size": np.array([640, 480]),
    } | changes
    return {key: value for key, value in arrays.items() if value is not None}


def test_four_arrays_are_enough(tmp_path):
    np.savez(tmp_path / "minimal.npz", **minimal())
    result = load_result(tmp_path / "minimal.npz")
    keypoints = result.keypoints
    assert result.poses is None
    assert (keypoints.fps, keypoints.size, keypoints.skeleton) == (Fraction(25), (640, 480), COCO17)
    assert keypoints.points.dtype == np.float32
    np.testing.assert_array_equal(keypoints.present, [[True, False, True], [True, True, True]])
    np.testing.assert_array_equal(keypoints.scores[0, :, 4], [1, 0, 1])
    np.testing.assert_array_equal(keypoints.scores[1, :, 4], [1, 1, 0])
    np.testing.assert_array_equal(keypoints.boxes[0, 0], [0, 1, 32, 33])
    assert np.isnan(keypoints.boxes[0, 1]).all()


def test_boxes_are_around_the_points_that_are_there():
    points = np.array([[[3, 9], [np.nan, np.nan], [5, 7]], [[np.nan] * 2] * 3], np.float32)
    np.testing.assert_array_equal(boxes_around(points), [[3, 7, 5, 9], [np.nan] * 4])


def refused(path):
    with pytest.raises(FileFormatError) as error:
        load_result(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert message.endswith("Give a result file written by videopose3d detect, lift or infer.")
    assert "\n" not in message
    return message


LIFTED = {"poses_3d": np.zeros((2, 3, 17, 3)), "trajectory": np.zeros((2, 3, 3)), "joint_names": H36M17.joints}


WORLD = LIFTED | {
    "poses_world": np.zeros((2, 3, 17, 3)),
    "ground": np.array([0, -1, 0, 1.5]),
    "world_from_camera": np.eye(3, 4),
    "contacts": np.zeros((2, 3, 2), bool),
}


def test_a_file_without_the_world_is_read(tmp_path):
    np.savez(tmp_path / "old.npz", **minimal(**LIFTED))
    assert load_result(tmp_path / "old.npz").world is None


def test_the_3d_arrays_of_the_refusals_below_are_fine_as_they_are(tmp_path):
    np.savez(tmp_path / "good.npz", **minimal(**WORLD))
    result = load_result(tmp_path / "good.npz")
    assert result.poses_3d.shape == (2, 3, 17, 3)
    assert result.world is not None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"keypoints_2d": None}, "no keypoints_2d in it"),
        ({"fps": None, "size": None}, "no fps, size in it"),
        ({"format": "videopose3d/2"}, "videopose3d/2, this version reads videopose3d/1"),
        ({"format": "something"}, "its format is something"),
        ({"keypoint_names": np.array(COCO17.joints[:16])}, "16 joints"),
        ({"keypoint_names": np.array("nose")}, "fit together"),
        ({"keypoint_names": np.arange(17)}, "fit together"),
        ({"keypoints_2d": np.zeros((3, 17, 2))}, "expected shape (3, 17, 17, 2), got (3, 17, 2)"),
        ({"keypoints_2d": np.float64(3)}, "fit together"),
        ({"keypoints_2d": np.array(["a"])}, "fit together"),
        ({"keypoints_score": np.ones((2, 3, 16))}, "expected shape (2, 3, 17), got (2, 3, 16)"),
        ({"boxes": np.ones((2, 4, 4))}, "Keypoints2D.boxes"),
        ({"present": np.ones(3, bool)}, "Keypoints2D.present"),
        ({"fps": np.array([25, 0])}, "fit together"),
        ({"fps": np.array([0, 1])}, "0 frames per second"),
        ({"fps": np.array([-25, 1])}, "-25 frames per second"),
        ({"fps": np.array([29.97, 1])}, "integer"),
        ({"fps": np.array(25)}, "fit together"),
        ({"size": np.array([640])}, "fit together"),
        ({"size": np.array([0, 480])}, "0 x 480 px"),
        ({"focal": np.array([1.0, 2.0])}, "fit together"),
        (LIFTED | {"trajectory": None}, "no trajectory in it"),
        (LIFTED | {"joint_names": None}, "no joint_names in it"),
        (LIFTED | {"joint_names": H36M17.joints[:16]}, "16 joints"),
        (LIFTED | {"trajectory": np.zeros((2, 4, 3))}, "Poses3D.trajectory"),
        (LIFTED | {"poses_3d": np.zeros((1, 3, 17, 3)), "trajectory": np.zeros((1, 3, 3))}, "Result.poses"),
        (WORLD | {"contacts": None}, "no contacts in it"),
        (WORLD | {"poses_3d": None}, "no poses_3d in it"),
        (WORLD | {"contacts": np.zeros((2, 3), bool)}, "World.contacts"),
        (WORLD | {"ground": np.zeros(3)}, "World.ground"),
        (WORLD | {"world_from_camera": np.eye(4)}, "World.world_from_camera"),
        (WORLD | {"poses_world": np.zeros((2, 3, 16, 3))}, "Result.world"),
        (WORLD | {"poses_world": np.zeros(3)}, "World.poses"),
        (WORLD | {"refinement": np.zeros(4)}, "fit together"),
        ({"camera_matrix": np.eye(2), "distortion": np.zeros(5)}, "Lens.matrix"),
    ],
)
def test_a_file_that_does_not_fit_says_why(tmp_path, changes, why):
    np.savez(tmp_path / "bad.npz", **minimal(**changes))
    assert why in refused(tmp_path / "bad.npz")


@pytest.mark.parametrize("key", ["keypoints_2d", "source"])
def test_pickled_objects_are_not_read(tmp_path, key):
    class Bomb:
        def __reduce__(self):
            return pytest.fail, ("it was unpickled",)

    np.savez(tmp_path / "bad.npz", **minimal(**{key: np.array([Bomb()], object)}))
    assert "not a readable npz file" in refused(tmp_path / "bad.npz")


def test_files_of_another_kind_are_refused(tmp_path):
    (tmp_path / "text.npz").write_text("keypoints")
    (tmp_path / "empty.npz").write_bytes(b"")
    np.save(tmp_path / "array.npy", np.zeros((1, 3, 17, 2)))
    with zipfile.ZipFile(tmp_path / "other.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with zipfile.ZipFile(tmp_path / "raw.npz", "w") as archive:
        for key in minimal():
            archive.writestr(key, "hello")
    for path in sorted(tmp_path.iterdir()):
        refused(path)


def test_a_damaged_file_is_refused(tmp_path):
    save_result(make_result(), tmp_path / "good.npz")
    good, path = (tmp_path / "good.npz").read_bytes(), tmp_path / "bad.npz"
    for length in range(0, len(good), 97):
        path.write_bytes(good[:length])
        assert "not a readable npz file" in refused(path)
    rng, errors = np.random.default_rng(0), 0
    for place in range(0, len(good), 23):
        path.write_bytes(good[:place] + rng.bytes(3) + good[place + 3 :])
        try:
            load_result(path)  # may be in order: a time stamp nobody reads was hit
        except FileFormatError:
            errors += 1
    assert errors > 100


@pytest.mark.parametrize("name", ["missing.npz", "."])
def test_a_missing_file_is_no_format_error(tmp_path, name):
    with pytest.raises(InputError, match="no such file") as error:
        load_result(tmp_path / name)
    assert not isinstance(error.value, FileFormatError)


def test_a_failure_while_writing_keeps_the_old_file(tmp_path, monkeypatch):
    save_result(make_result(), tmp_path / "out.npz")
    old = (tmp_path / "out.npz").read_bytes()

    def fails(file, **_arrays):
        file.write(b"half")
        raise MemoryError

    monkeypatch.setattr(np, "savez_compressed", fails)
    with pytest.raises(MemoryError):
        save_result(make_result(1), tmp_path / "out.npz")
    assert (tmp_path / "out.npz").read_bytes() == old
    assert [path.name for path in tmp_path.iterdir()] == ["out.npz"]

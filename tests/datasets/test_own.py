"""Data sets without a name of their own: keypoints of videos, and files in our own format."""

from __future__ import annotations

import os
import pickle
from fractions import Fraction

import numpy as np
import pytest
from golden_files import FOLDER

from videopose3d.calibration import CalibratedCamera
from videopose3d.datasets import PoseDataset, PoseSequence, load_dataset, save_dataset
from videopose3d.datasets.community import keypoint_metadata, write_positions_2d
from videopose3d.errors import FileFormatError, InputError, OutputError
from videopose3d.skeleton import COCO17, H36M17, Skeleton

DATA = FOLDER / "data"
DOG = Skeleton("dog", ("hip", "left_paw", "right_paw", "tail"), (("hip", "left_paw"), ("hip", "tail")))
BLOB = Skeleton("blob", ("a", "b"), ())


def dog_dataset() -> PoseDataset:
    rng = np.random.default_rng(0)
    known = CalibratedCamera(
        "left",
        (640, 480),
        (500.5, 501.0),
        (320.25, 240.0),
        (0.1, -0.2, 0.3),
        (0.001, -0.002),
        (0.5, 0.5, 0.5, 0.5),
        (1.1, 2.2, 3.3),
    )
    poses = rng.normal(size=(7, 4, 3)).astype(np.float32)
    keypoints = rng.uniform(0, 400, (7, 2, 3)).astype(np.float32)
    return PoseDataset(
        "dogs",
        DOG,
        BLOB,
        29.97,
        (
            PoseSequence("Rex", "run", known, keypoints, poses - poses[:, :1], poses[:, 0]),
            PoseSequence("Rex", "run", CalibratedCamera("right", (320, 200)), keypoints[:5]),
            PoseSequence("Fido", "sit ä", known, keypoints[:0]),
        ),
        "my dogs",
    )


def same(a: PoseDataset, b: PoseDataset) -> None:
    facts = ("name", "skeleton", "keypoint_skeleton", "fps", "source")
    assert [getattr(a, f) for f in facts] == [getattr(b, f) for f in facts]
    assert len(a.sequences) == len(b.sequences)
    for s, t in zip(a.sequences, b.sequences, strict=True):
        assert (s.subject, s.action, s.camera) == (t.subject, t.action, t.camera)
        for name in ("keypoints", "poses", "trajectory"):
            x, y = getattr(s, name), getattr(t, name)
            assert (x is None) == (y is None)
            assert x is None or (x.dtype == y.dtype and np.array_equal(x, y))


# --- videos


@pytest.mark.parametrize("name", ["tiny", "tiny_np2", "fromdump"])
def test_the_golden_videos(name):
    dataset = load_dataset("custom", name, DATA)
    assert (dataset.skeleton, dataset.keypoint_skeleton, dataset.fps) == (H36M17, COCO17, 50.0)
    assert {s.action for s in dataset.sequences} == {"custom"}
    assert all(s.poses is None and s.camera.intrinsics is None for s in dataset.sequences)
    sizes = {s.subject: s.camera.size for s in dataset.sequences}
    expected = {
        "fromdump": {
            "single.mp4": (320, 240),
            "one_frame.mp4": (200, 300),
            "two each frame.mov": (1280, 720),
            "mixed.mp4": (640, 360),
        }
    }
    assert sizes == expected.get(name, {"clip_a.mp4": (1280, 720), "clip b.mp4": (640, 480)})
    assert len(dataset.select(["mixed.mp4" if name == "fromdump" else "clip b.mp4"], labelled=False)) == 1


@pytest.mark.parametrize(
    ("rates", "fps"),
    [([25, 25], 25.0), ([Fraction(30000, 1001)], 29.97), ([25, 30], 50.0), ([0], 50.0), ([None], 50.0)],
)
def test_the_frame_rate_of_videos(tmp_path, rates, fps):
    videos = {f"{i}.mp4": {"w": 4, "h": 3, "fps": rate and float(rate)} for i, rate in enumerate(rates)}
    metadata = {**keypoint_metadata(COCO17), "video_metadata": videos}
    positions = {name: {"custom": [np.zeros((2, 17, 2))]} for name in videos}
    write_positions_2d(tmp_path / "data_2d_custom_a.npz", positions, metadata)
    assert load_dataset("custom", "a", tmp_path).fps == pytest.approx(fps, abs=1e-3)


@pytest.mark.parametrize(
    ("videos", "complaint"),
    [
        (None, "video_metadata have no w and h of 'a.mp4'"),
        ({"b.mp4": {"w": 4, "h": 3}}, "video_metadata have no w and h of 'a.mp4'"),
        ({"a.mp4": {"w": 4}}, "video_metadata have no w and h of 'a.mp4'"),
        ({"a.mp4": {"w": 0, "h": 3}}, "say 'a.mp4' is 0 x 3 px"),
    ],
)
def test_videos_without_a_size(tmp_path, videos, complaint):
    metadata = {**keypoint_metadata(COCO17), "video_metadata": videos}
    path = tmp_path / "data_2d_custom_a.npz"
    write_positions_2d(path, {"a.mp4": {"custom": [np.zeros((2, 17, 2))]}}, metadata)
    with pytest.raises(FileFormatError, match=complaint):
        load_dataset("custom", path)


def test_unknown_names(tmp_path):
    with pytest.raises(InputError, match=r"no data set 'h37m'\. There are h36m, humaneva15, humaneva20, custom"):
        load_dataset("h37m", "gt", tmp_path)


# --- our own format


def test_round_trip(tmp_path):
    dataset = dog_dataset()
    save_dataset(dataset, tmp_path / "dogs.npz")
    same(load_dataset(tmp_path / "dogs.npz"), dataset)


@pytest.mark.parametrize(
    ("name", "keypoints"), [("h36m", "detectron_pt_coco"), ("humaneva15", "gt"), ("custom", "tiny")]
)
def test_every_data_set_in_our_own_format(tmp_path, name, keypoints):
    dataset = load_dataset(name, keypoints, DATA)
    save_dataset(dataset, tmp_path / "a.npz")
    same(load_dataset(str(tmp_path / "a.npz")), dataset)


def test_the_file_holds_no_pickle(tmp_path):
    save_dataset(dog_dataset(), tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as npz:
        assert not any(npz[key].dtype.hasobject for key in npz.files)


def smallest() -> dict:
    return {
        "format": "videopose3d-dataset/1",
        "fps": 30,
        "joints": H36M17.joints,
        "keypoint_joints": COCO17.joints,
        "subjects": ["Ann"],
        "actions": ["Walk"],
        "cameras": ["front"],
        "sizes": [(640, 480)],
        "keypoints/0": np.ones((5, 17, 2)),
    }


def test_the_least_that_a_file_needs(tmp_path):
    np.savez(tmp_path / "a.npz", **smallest())
    dataset = load_dataset(tmp_path / "a.npz")
    assert (dataset.name, dataset.skeleton, dataset.keypoint_skeleton, dataset.fps) == ("a", H36M17, COCO17, 30.0)
    assert dataset.sequences[0].camera == CalibratedCamera("front", (640, 480))
    assert dataset.source == str(tmp_path / "a.npz")


@pytest.mark.parametrize("key", sorted(smallest()))
def test_every_needed_key_is_needed(tmp_path, key):
    np.savez(tmp_path / "a.npz", **{k: v for k, v in smallest().items() if k != key})
    with pytest.raises(FileFormatError, match=r"a\.npz: (no \w+ in it|not a data set file|.*'keypoints/0')"):
        load_dataset(tmp_path / "a.npz")


POSES = np.zeros((5, 17, 3))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"format": "videopose3d/1"}, r"not a data set file \(videopose3d-dataset/1\)"),
        ({"fps": 0}, "0.0 frames per second"),
        ({"fps": np.nan}, "nan frames per second"),
        ({"fps": [1, 2]}, "do not fit together"),
        ({"joints": ["a", "a"]}, "two joints of one name"),
        ({"joints": ["left_a", "b"]}, "right_a"),
        ({"joints": ["a", "b"], "bones": [("a", "c")]}, "no joint named 'c'"),
        ({"joints": ["a", "b"], "bones": ["a"]}, "do not fit together"),
        ({"subjects": ["Ann", "Ben"]}, "do not fit together"),
        ({"sizes": [(640, 480, 3)]}, "do not fit together"),
        ({"sizes": [(640, 0)]}, "640 x 0 px"),
        ({"focal": [(1, 2, 3)]}, "focal has 3 numbers per camera, not 2"),
        ({"focal": []}, "do not fit together"),
        ({"orientation": [(2, 0, 0, 0)]}, "no unit quaternion"),
        ({"keypoints/0": np.ones((5, 17, 4))}, r"\(5, 17, 4\)"),
        ({"keypoints/0": np.ones((5, 16, 2))}, r"keypoints \(5, 16, 2\), expected \(5, 17, 2\)"),
        ({"keypoints/0": ["a"]}, "do not fit together"),
        ({"poses/0": POSES[:, :16]}, r"poses \(5, 16, 3\), expected \(5, 17, 3\)"),
        ({"poses/0": POSES + 1}, "joint 0 is not at 0; subtract it and give it as trajectory"),
    ],
)
def test_files_that_do_not_fit(tmp_path, change, complaint):
    np.savez(tmp_path / "a.npz", **(smallest() | change))
    with pytest.raises(FileFormatError, match=complaint):
        load_dataset(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"poses/0": POSES[:4]}, "4 frames of 3D for 5 of 2D"),
        ({"poses/0": POSES, "trajectory/0": np.zeros((4, 3))}, r"expected a trajectory \(5, 3\), got \(4, 3\)"),
        ({"keypoints/0": np.full((5, 17, 2), np.nan)}, "Ann 'Walk', camera front: the keypoints of 5 frames"),
    ],
)
def test_sequences_that_do_not_fit(tmp_path, change, complaint):
    np.savez(tmp_path / "a.npz", **(smallest() | change))
    with pytest.raises(InputError, match=complaint):
        load_dataset(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        ({"poses/0": POSES + np.arange(17)[:, None] * 50.0}, "joints are 800 m from the root; are these millimetres?"),
        ({"keypoints/0": np.full((5, 17, 2), 0.5)}, "pixels are wanted, not shares"),
        ({"keypoints/0": np.full((5, 17, 2), 300.0), "poses/0": POSES + np.arange(17)[:, None] * 0.1}, None),
    ],
)
def test_numbers_of_other_units_are_remarked(tmp_path, caplog, change, remark):
    np.savez(tmp_path / "a.npz", **(smallest() | change))
    load_dataset(tmp_path / "a.npz")
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == (1 if remark and "keypoints/0" in change else 2 if remark else 0)
    assert remark is None or remark in said[0]


def test_a_hostile_file(tmp_path):
    mark = tmp_path / "mark"

    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(mark),)

    np.savez(tmp_path / "a.npz", **(smallest() | {"name": np.array(Attack(), object)}))
    with pytest.raises(FileFormatError, match="nothing was run"):
        load_dataset(tmp_path / "a.npz")
    assert not mark.exists()
    pickle.loads(pickle.dumps(Attack()))
    assert mark.exists()


def test_a_file_of_the_original_layout_is_explained():
    with pytest.raises(FileFormatError, match="original layout is read by the name of its data set"):
        load_dataset(DATA / "data_3d_h36m.npz")


def test_keypoints_are_in_the_file(tmp_path):
    save_dataset(dog_dataset(), tmp_path / "a.npz")
    with pytest.raises(InputError, match="this file holds its own keypoints"):
        load_dataset(tmp_path / "a.npz", "gt")


def test_names_must_end_in_npz(tmp_path):
    with pytest.raises(OutputError, match=r"must end in \.npz"):
        save_dataset(dog_dataset(), tmp_path / "a.zip")
    assert os.listdir(tmp_path) == []

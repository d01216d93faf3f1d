from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
from golden_files import FOLDER
from hypothesis import given, settings
from hypothesis import strategies as st

from videopose3d.datasets.community import (
    LAYOUTS,
    keypoint_metadata,
    keypoint_skeleton,
    read_positions_2d,
    read_positions_3d,
    write_positions_2d,
    write_positions_3d,
)
from videopose3d.errors import FileFormatError, InputError, OutputError
from videopose3d.skeleton import BLAZEPOSE33, COCO17, H36M17, HUMANEVA15, MPII16, SKELETONS

DATA = FOLDER / "data"
SYMMETRY = {  # published swap lists of the layouts
    "h36m": ([4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]),
    "coco": ([1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]),
    "humaneva15": ([2, 3, 4, 8, 9, 10], [5, 6, 7, 11, 12, 13]),
    "humaneva20": ([3, 4, 5, 6, 11, 12, 13, 14], [7, 8, 9, 10, 15, 16, 17, 18]),
    "mpii": ([3, 4, 5, 13, 14, 15], [0, 1, 2, 10, 11, 12]),
}
TAKE = np.arange(2 * 17 * 3, dtype=np.float32).reshape(2, 17, 3)
COCO = {"num_joints": 17, "keypoints_symmetry": SYMMETRY["coco"], "layout_name": "coco"}


def original(path, key):
    """As the original program reads its files."""
    with np.load(path, allow_pickle=True) as npz:
        return npz[key].item()


def save(path, **members):
    np.savez_compressed(path, **members)
    return path


# --- files of the original


@pytest.mark.parametrize("file", sorted(DATA.glob("data_3d_*.npz")), ids=lambda f: f.stem)
def test_3d_files_of_the_original(file):
    positions, expected = read_positions_3d(file), original(file, "positions_3d")
    assert {s: list(a) for s, a in positions.items()} == {s: list(a) for s, a in expected.items()}
    for subject, takes in positions.items():
        for action, take in takes.items():
            assert take.dtype == np.float32
            assert np.array_equal(take, expected[subject][action])


@pytest.mark.parametrize("file", sorted(DATA.glob("data_2d_*.npz")), ids=lambda f: f.stem)
def test_2d_files_of_the_original(file):
    positions, metadata = read_positions_2d(file)
    expected = original(file, "positions_2d")
    assert {s: list(a) for s, a in positions.items()} == {s: list(a) for s, a in expected.items()}
    for subject, takes in positions.items():
        for action, views in takes.items():
            assert all(map(np.array_equal, views, expected[subject][action]))
            assert len(views) == len(expected[subject][action])
    layout = {"h36m_gt": "h36m", "humaneva15_gt": "humaneva15"}.get(file.stem.removeprefix("data_2d_"), "coco")
    assert metadata["layout_name"] == layout  # h36m_gt does not say so itself
    assert metadata["keypoints_symmetry"] == list(map(list, SYMMETRY[layout]))
    assert {type(i) for part in metadata["keypoints_symmetry"] for i in part} == {int}  # were NumPy's
    assert keypoint_skeleton(metadata) == LAYOUTS[layout]


def test_numpy_1_and_numpy_2_say_the_same():
    one, two = (read_positions_2d(DATA / f"data_2d_custom_tiny{tail}.npz") for tail in ("", "_np2"))
    assert one[1] == two[1]
    assert one[1]["video_metadata"]["clip b.mp4"] == {"w": 640, "h": 480}
    assert np.array_equal(one[0]["clip b.mp4"]["custom"][0], two[0]["clip b.mp4"]["custom"][0])


def test_one_golden_file_has_no_layout_name_and_numpy_s_integers():
    metadata = original(DATA / "data_2d_h36m_gt.npz", "metadata")
    assert "layout_name" not in metadata
    assert isinstance(metadata["keypoints_symmetry"][0][0], np.integer)


# --- files of ours

takes_3d = st.dictionaries(
    st.text(max_size=8),
    st.dictionaries(st.text(max_size=8), st.tuples(st.integers(0, 3), st.integers(1, 3)), max_size=3),
    max_size=3,
)


@settings(max_examples=30, deadline=None)
@given(takes_3d)
def test_3d_round_trip_also_by_the_original_way(tmp_path_factory, shapes):
    path = tmp_path_factory.mktemp("3d") / "data_3d_x.npz"
    rng = np.random.default_rng(0)
    positions = {s: {a: rng.normal(size=(*n, 3)) for a, n in takes.items()} for s, takes in shapes.items()}
    write_positions_3d(path, positions)
    for back in (read_positions_3d(path), original(path, "positions_3d")):
        assert list(back) == list(positions)
        for subject, takes in positions.items():
            assert list(back[subject]) == list(takes)
            for action, take in takes.items():
                assert back[subject][action].dtype == np.float32
                assert np.array_equal(back[subject][action], take.astype(np.float32))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 3), st.integers(0, 4), st.integers(2, 3), st.sampled_from(sorted(SKELETONS)))
def test_2d_round_trip_also_by_the_original_way(tmp_path_factory, frames, views, features, name):
    path = tmp_path_factory.mktemp("2d") / "data_2d_x.npz"
    skeleton = SKELETONS[name]
    rng = np.random.default_rng(0)
    positions = {"S1": {"Walking 1": [rng.normal(size=(frames, len(skeleton), features)) for _ in range(views)]}}
    metadata = {**keypoint_metadata(skeleton), "video_metadata": {"S1": {"w": 3, "h": 4}}}
    write_positions_2d(path, positions, metadata)
    back, read_metadata = read_positions_2d(path)
    assert read_metadata == metadata == original(path, "metadata")
    assert keypoint_skeleton(read_metadata) == skeleton
    for found in (back, original(path, "positions_2d")):
        assert len(found["S1"]["Walking 1"]) == views
        for view, expected in zip(found["S1"]["Walking 1"], positions["S1"]["Walking 1"], strict=True):
            assert view.dtype == np.float32
            assert np.array_equal(view, expected.astype(np.float32))


def test_golden_files_written_again_are_the_same(tmp_path):
    file = DATA / "data_2d_custom_tiny.npz"
    positions, metadata = read_positions_2d(file)
    write_positions_2d(tmp_path / "a.npz", positions, metadata)
    assert original(tmp_path / "a.npz", "metadata") == original(file, "metadata")
    again = original(tmp_path / "a.npz", "positions_2d")
    for subject, takes in original(file, "positions_2d").items():
        assert np.array_equal(again[subject]["custom"][0], takes["custom"][0])


def test_nothing_half_written(tmp_path):
    path = tmp_path / "a.npz"
    write_positions_3d(path, {"S1": {"Walk": TAKE}})
    before = path.read_bytes()
    with pytest.raises(ValueError, match="could not convert"):
        write_positions_3d(path, {"S1": {"Walk": "not numbers"}})
    assert path.read_bytes() == before
    with pytest.raises(OutputError, match=r"must end in \.npz"):
        write_positions_3d(tmp_path / "a.txt", {})
    assert os.listdir(tmp_path) == ["a.npz"]


# --- which joints


@pytest.mark.parametrize("layout", LAYOUTS)
def test_metadata_of_the_layouts(layout):
    metadata = keypoint_metadata(LAYOUTS[layout])
    left, right = SYMMETRY[layout]
    assert metadata["num_joints"] == len(LAYOUTS[layout])
    assert metadata["layout_name"] == layout
    assert metadata["keypoints_symmetry"][0] == left
    assert sorted(metadata["keypoints_symmetry"][1]) == right
    if layout != "mpii":  # whose published list pairs hips with ankles; ours pairs hips with hips
        assert metadata["keypoints_symmetry"][1] == right


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_is_known_by_its_joints_alone(layout):
    metadata = {"num_joints": len(LAYOUTS[layout]), "keypoints_symmetry": SYMMETRY[layout]}
    assert keypoint_skeleton(metadata) == LAYOUTS[layout]


def test_mpii_is_mirrored_hip_to_hip():
    mirror = keypoint_skeleton({"num_joints": 16, "keypoints_symmetry": SYMMETRY["mpii"]}).mirror
    assert mirror[MPII16.index("left_hip")] == MPII16.index("right_hip")


def test_joints_of_an_unknown_layout_have_sides(tmp_path):
    path = save(
        tmp_path / "a.npz",
        positions_2d={"S1": {"Walk": [TAKE[:, :5]]}},
        metadata={"num_joints": 5, "keypoints_symmetry": [[3, 1], [2, 4]]},
    )
    _, metadata = read_positions_2d(path)
    skeleton = keypoint_skeleton(metadata)
    assert skeleton.joints == ("joint_0", "left_1", "right_3", "left_3", "right_1")
    assert skeleton.mirror == (0, 4, 3, 2, 1)
    assert skeleton.name == metadata["layout_name"] == "joints5"


def test_a_layout_name_that_does_not_fit_is_not_believed():
    skeleton = keypoint_skeleton({**COCO, "num_joints": 18})
    assert len(skeleton) == 18
    assert skeleton.name == "coco"
    assert skeleton != COCO17
    assert keypoint_skeleton({**keypoint_metadata(H36M17), "layout_name": "coco"}) != COCO17


def test_blazepose_is_found_by_its_name():
    assert keypoint_skeleton(keypoint_metadata(BLAZEPOSE33)) == BLAZEPOSE33
    assert keypoint_skeleton(keypoint_metadata(HUMANEVA15)) == HUMANEVA15


# --- files that are not what they should be


@pytest.mark.parametrize(
    ("found", "complaint"),
    [
        (TAKE, r"expected \{subject: \{action: \.\.\.\}\}, got an array \(2, 17, 3\)"),
        ({"S1": TAKE}, "subject 'S1': expected"),
        ({1: {}}, "subject 1: expected"),
        ({"S1": {"Walk": None}}, r"S1 'Walk': expected (numbers|an array)"),
        ({"S1": {"Walk": "text"}}, "S1 'Walk': expected numbers, got str"),
        ({"S1": {"Walk": TAKE[0]}}, r"S1 'Walk': expected an array \(frames, joints, 3\), got \(17, 3\)"),
        ({"S1": {"Walk": TAKE[..., :2]}}, r"got \(2, 17, 2\)"),
        ({"S1": {"Walk": [TAKE, TAKE]}}, r"got \(2, 2, 17, 3\)"),
        ({"S1": {"Walk": [TAKE, TAKE[:1]]}}, "expected numbers, got list"),
    ],
)
def test_3d_of_another_layout(tmp_path, found, complaint):
    path = save(tmp_path / "data_3d_h36m.npz", positions_3d=found if isinstance(found, dict) else np.asarray(found))
    with pytest.raises(FileFormatError, match=complaint) as error:
        read_positions_3d(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("found", "complaint"),
    [
        ({"S1": {"Walk": TAKE}}, r"S1 'Walk': expected a list of arrays, one per camera, got an array \(2, 17, 3\)"),
        ({"S1": {"Walk": "text"}}, "one per camera, got str"),
        ({"S1": {"Walk": [TAKE, TAKE[0]]}}, r"camera 1: expected an array \(frames, joints, 2 or 3\), got \(17, 3\)"),
        ({"S1": {"Walk": [TAKE, TAKE[..., :1]]}}, r"camera 1: .* got \(2, 17, 1\)"),
        ({"S1": {"Walk": [TAKE, TAKE[:, :16]]}}, "S1 'Walk' has 16, 17 joints, the metadata say 17"),
    ],
)
def test_2d_of_another_layout(tmp_path, found, complaint):
    path = save(tmp_path / "a.npz", positions_2d=found, metadata=COCO)
    with pytest.raises(FileFormatError, match=complaint):
        read_positions_2d(path)


@pytest.mark.parametrize("several", [np.stack([TAKE, TAKE]), (TAKE, TAKE), [TAKE.tolist(), TAKE.astype(np.float64)]])
def test_cameras_in_any_container(tmp_path, several):
    path = save(tmp_path / "a.npz", positions_2d={"S1": {"Walk": several}}, metadata=COCO)
    positions, _ = read_positions_2d(path)
    assert [view.tolist() for view in positions["S1"]["Walk"]] == [TAKE.tolist()] * 2


@pytest.mark.parametrize(
    ("metadata", "complaint"),
    [
        (5, "its metadata are"),
        ({}, "lack num_joints or keypoints_symmetry"),
        ({"num_joints": 17}, "lack num_joints or keypoints_symmetry"),
        ({"num_joints": None, "keypoints_symmetry": [[], []]}, "lack num_joints"),
        ({"num_joints": 17, "keypoints_symmetry": [[1], [2], [3]]}, "lack num_joints"),
        ({"num_joints": 17, "keypoints_symmetry": [[1], [17]]}, "keypoints_symmetry does not fit 17 joints"),
        ({"num_joints": 17, "keypoints_symmetry": [[1, 3], [2]]}, "does not fit"),
        ({"num_joints": 17, "keypoints_symmetry": [[1], [1]]}, "does not fit"),
    ],
)
def test_bad_metadata(tmp_path, metadata, complaint):
    path = save(tmp_path / "a.npz", positions_2d={}, metadata=metadata)
    with pytest.raises(FileFormatError, match=complaint):
        read_positions_2d(path)


def test_missing_parts(tmp_path):
    path = save(tmp_path / "a.npz", positions_2d={})
    with pytest.raises(FileFormatError, match=r"no metadata in it\. It has positions_2d\."):
        read_positions_2d(path)
    with pytest.raises(FileFormatError, match=r"no positions_3d in it"):
        read_positions_3d(path)
    with pytest.raises(InputError, match="no such file"):
        read_positions_3d(tmp_path / "b.npz")


@pytest.mark.parametrize("reader", [read_positions_2d, read_positions_3d])
def test_a_hostile_file_is_not_run(tmp_path, reader):
    mark = tmp_path / "mark"

    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(mark),)

    attack = np.empty((), object)
    attack[()] = {"S1": Attack()}
    path = save(tmp_path / "a.npz", positions_2d=attack, positions_3d=attack, metadata=COCO)
    with pytest.raises(FileFormatError, match="it wants to run (posix|nt).mkdir; nothing was run"):
        reader(path)
    assert not mark.exists()
    assert pickle.loads(pickle.dumps(Attack())) is None  # it would have
    assert mark.exists()

"""Videos of Human3.6M: labelled pictures of them, and a detector's keypoints in them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from clips import Clip, make_clip, picture
from raw_files import CAMERA_IDS
from stand_in import StandIn

from videopose3d.cli_prepare import prepare
from videopose3d.datasets.coco import read_coco
from videopose3d.datasets.community import keypoint_metadata, read_positions_2d, write_positions_2d
from videopose3d.errors import FileFormatError, InputError, OutputError
from videopose3d.pipeline import prepare_videos
from videopose3d.pipeline.finetune.samples import read_picture, sample
from videopose3d.pipeline.prepare_videos import box_around, detect_h36m, extract_h36m, one_person
from videopose3d.skeleton import COCO17, H36M17
from videopose3d.types import Keypoints2D

FRAMES = 5
SIZES = (1002, 1000, 1000, 1002)


def write_videos(folder: Path, take: str = "Walking 1", frames: int = FRAMES, sub: str = "Videos") -> Path:
    where = folder / "S1" / sub
    where.mkdir(parents=True, exist_ok=True)
    for camera, height in zip(CAMERA_IDS, SIZES, strict=True):
        size = (1000, height)
        make_clip(Clip(size=size, frames=frames, fps=50), where / f"{take}.{camera}.mp4")
    return folder


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    (folder / "S1" / "Videos").mkdir(parents=True)
    (folder / "S1" / "Videos" / "_ALL.54138969.mp4").touch()
    return write_videos(folder)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The truth of one take, somebody who walks."""
    random = np.random.default_rng(3)
    steps = np.arange(FRAMES)[:, None, None] * [4.0, 1.0]
    views = [(random.uniform(300, 600, (1, 17, 2)) + steps).astype(np.float32) for _ in CAMERA_IDS]
    write_positions_2d(tmp_path / "data_2d_h36m_gt.npz", {"S1": {"Walking 1": views}}, keypoint_metadata(H36M17))
    return tmp_path


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- labelled pictures


def test_pictures_and_their_keypoints(videos: Path, data: Path) -> None:
    told: list[int] = []
    done = extract_h36m(videos, data, every=2, progress=lambda _, n, __: told.append(n))
    assert (done.subjects, done.takes, done.frames, done.remarks) == (("S1",), 1, 3 * 4, ())
    assert told == list(range(1, 21))
    people = read_coco(data / "images_h36m")
    assert (people.skeleton, people.dataset, len(people)) == (H36M17, "h36m", 12)
    assert people.files[:4] == tuple(f"S1/Walking 1.54138969/{t:06d}.jpg" for t in (0, 2, 4)) + (
        "S1/Walking 1.55011271/000000.jpg",
    )
    truth = read_positions_2d(data / "data_2d_h36m_gt.npz")[0]["S1"]["Walking 1"]
    points = np.concatenate([view[::2] for view in truth])
    offsets = points - 0.5 - people.joints  # what was cut off, whole pixels for all joints of a picture
    np.testing.assert_allclose(offsets - np.rint(offsets), 0, atol=0.01)
    np.testing.assert_allclose(offsets, np.broadcast_to(offsets[:, :1], offsets.shape), atol=0.02)
    for row in (0, 1, 2, 11):
        x, y = np.rint(offsets[row, 0]).astype(int)
        camera, t = row // 3, 2 * (row % 3)
        width, height = people.sizes[row]
        whole = picture(t, (1000, SIZES[camera]))[y : y + height, x : x + width]
        difference = np.abs(read_picture(people, row).astype(int) - whole)
        assert np.median(difference) < 12, row  # an MP4 and a JPEG lie between


def test_what_is_cut_off_is_not_looked_at(videos: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare_videos, "_QUALITY", 100)
    other = data / "other"
    other.mkdir()
    shutil.copy(data / "data_2d_h36m_gt.npz", other)
    extract_h36m(videos, data, every=4)
    extract_h36m(videos, other, every=4, whole_frames=True)
    small, large = read_coco(data / "images_h36m"), read_coco(other / "images_h36m")
    assert (small.sizes < 1000).all()
    assert (large.sizes >= 1000).all()
    for row in range(len(large)):
        for seed in (None, 0, 1, 2, 3, 4):
            one, same = (
                sample(people, row, (256, 192), None if seed is None else np.random.default_rng(seed))
                for people in (small, large)
            )
            np.testing.assert_allclose(one.joints, same.joints, atol=0.02)
            difference = np.abs(one.picture.astype(int) - same.picture)
            assert (difference > 10).mean() < 0.01  # JPEG of colours that change from pixel to pixel
            assert one.picture.std() > 20


def test_boxes_hold_the_joints_and_stay_in_the_picture() -> None:
    points = np.array([[-30, 100], [200, 500]], np.float32)
    np.testing.assert_allclose(box_around(points, (1000, 510)), [0, 68, 232, 510])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda v, d: (d / "data_2d_h36m_gt.npz").unlink(), InputError, "data_2d_h36m_gt.npz"),
        (lambda v, d: next((v / "S1" / "Videos").glob("*60457274*")).unlink(), InputError, "camera 60457274"),
        (lambda v, d: write_videos(v, frames=3), InputError, "3 frames for 5"),
        (lambda v, d: _swap(v), FileFormatError, "1000 x 1000 px, the camera's pictures are 1000 x 1002"),
        (lambda v, d: _rename(v), InputError, "no video"),
    ],
)
def test_nothing_is_left_of_what_fails(change, error, message, videos: Path, data: Path, tmp_path: Path) -> None:
    copy = tmp_path.with_name(tmp_path.name + "_videos")
    shutil.copytree(videos, copy)
    change(copy, data)
    before = left(data)
    with pytest.raises(error, match=message):
        extract_h36m(copy, data)
    assert left(data) == before


def _rename(videos: Path) -> None:
    for path in list((videos / "S1" / "Videos").glob("Walking*")):
        path.rename(path.with_name(path.name.replace("Walking 1", "Posing")))


def _swap(videos: Path) -> None:
    first, second = (next((videos / "S1" / "Videos").glob(f"Walk*{camera}*")) for camera in CAMERA_IDS[:2])
    third = first.with_name("third")
    first.rename(third)
    second.rename(first)
    third.rename(second)


def test_pictures_are_not_replaced_unasked(videos: Path, data: Path) -> None:
    extract_h36m(videos, data, every=5)
    with pytest.raises(OutputError, match="exists"):
        extract_h36m(videos, data, every=5)


# --- keypoints of a detector


def test_a_detector_gives_a_file_of_keypoints_and_goes_on_where_it_was(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = StandIn().install(monkeypatch)
    done = detect_h36m(videos, "mediapipe", "standing", tmp_path)
    assert stand_in.calls == 4 * FRAMES
    assert [path.name for path in done.outputs] == ["data_2d_h36m_standing.npz"]
    positions, metadata = read_positions_2d(done.outputs[0])
    assert metadata == keypoint_metadata(COCO17)
    views = positions["S1"]["Walking 1"]
    assert [view.shape for view in views] == [(FRAMES, 17, 2)] * 4
    for view, height in zip(views, SIZES, strict=True):  # cameras in order: two are taller by 2 px
        np.testing.assert_allclose(view[0, 0, 1], 0.12 * height, rtol=1e-5)

    (tmp_path / "detections_h36m_standing" / "S1" / "Walking 1.58860488.mp4.npz").unlink()
    with pytest.raises(OutputError, match="exists"):
        detect_h36m(videos, "mediapipe", "standing", tmp_path)
    detect_h36m(videos, "mediapipe", "standing", tmp_path, overwrite=True)
    assert stand_in.calls == 5 * FRAMES
    with pytest.raises(InputError, match="found by mediapipe, not by rtmpose"):
        detect_h36m(videos, "rtmpose", "standing", tmp_path, overwrite=True)


def test_where_nobody_is_seen_there_is_no_file(videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    StandIn(nobody_in=None).install(monkeypatch)
    with pytest.raises(InputError, match="nobody was detected"):
        detect_h36m(videos, "mediapipe", "none", tmp_path)
    assert left(tmp_path) == ["detections_h36m_none"]


def test_the_next_person_stands_in_for_the_main_one() -> None:
    points = np.full((2, 4, 17, 2), np.nan, np.float32)
    points[0, :2], points[1, 1:3] = 10, 20
    seen = np.isfinite(points).all((2, 3))
    keypoints = Keypoints2D(
        points=points, scores=np.where(seen, 0.9, 0.0)[..., None].repeat(17, 2).astype(np.float32),
        boxes=np.where(seen[..., None], points[..., 0, :1].repeat(4, -1), np.nan).astype(np.float32),
        present=seen, skeleton=COCO17, fps=50, size=(1000, 1000), source="x.mp4", detector="d",
    )  # fmt: skip
    one = one_person(keypoints)
    assert one.people == 1
    np.testing.assert_array_equal(one.points[0, :, 0, 0], [10, 10, 20, np.nan])
    np.testing.assert_array_equal(one.present[0], [True, True, True, False])


# --- the command


def run(*words):
    return CliRunner().invoke(prepare, ["h36m", *map(str, words)], catch_exceptions=False)


def test_commands(videos: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("--videos", videos, "--output", data, "--every", 5)
    assert (done.exit_code, done.stdout.split()) == (0, [str(data / "images_h36m")])
    StandIn().install(monkeypatch)
    done = run("--videos", videos, "--output", data, "--detector", "mediapipe", "--name", "mp", "-q")
    assert (done.exit_code, done.stdout.split()) == (0, [str(data / "data_2d_h36m_mp.npz")])


@pytest.mark.parametrize(
    "words",
    [
        ["--detector", "mediapipe", "--name", "x"],
        ["--videos", "v", "--detector", "mediapipe"],
        ["--videos", "v", "--detector", "mediapipe", "--name", "x", "--detections", "d"],
        ["--videos", "v", "--name", "x"],
    ],
)
def test_options_that_do_not_go_together(words: list[str]) -> None:
    assert run(*words).exit_code == 2

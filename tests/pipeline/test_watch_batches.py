from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
from clips import MakeVideo, frame_number

from videopose3d.config import DetectConfig
from videopose3d.errors import VideoError, VideoPose3DError
from videopose3d.pipeline.detect import detect
from videopose3d.pipeline.watch_batches import in_damped_boxes, watch_in_batches
from videopose3d.types import Person
from videopose3d.video import probe

FRAMES = 40


@pytest.mark.parametrize("max_side", [None, 48])
def test_every_frame_is_looked_at_once_in_batches(make_video: MakeVideo, monkeypatch, max_side):
    sizes, given, ticks = [], [], []

    @contextmanager
    def opened(name, min_score):
        def find(frames, times):
            sizes.append(len(frames))
            given.extend(times)
            height, width = frames[0].shape[:2]
            corner = np.array([width, height], np.float32)
            box = np.concatenate([corner / 2, corner])
            return [[Person(np.tile(corner, (17, 1)), np.ones(17, np.float32), box, t)] for t in times]

        assert (name, min_score) == ("torchvision", 0.1)  # who is doubtful is wanted, too
        yield find

    monkeypatch.setattr("videopose3d.pipeline.watch_batches.open_batched", opened)
    info = probe(make_video())
    config = DetectConfig(detector="torchvision", min_score=0.4)
    seen = watch_in_batches(info, config, lambda *told: ticks.append(told), max_side)
    assert sum(sizes) == len(seen) == len(given) == info.frame_count
    assert ticks == [("detect", 8), ("detect", 16), ("detect", 20)]
    assert max(sizes) == 8
    assert given == [float(i / info.fps) for i in range(len(seen))]
    for t, (person,) in enumerate(seen):
        np.testing.assert_allclose(person.keypoints, np.tile(info.size, (17, 1)), rtol=1e-6)
        np.testing.assert_allclose(person.box, [info.width / 2, info.height / 2, *info.size], rtol=1e-6)
        assert person.score == given[t]


@pytest.mark.parametrize("name", ["squid", "squid+cpn", "mask_rcnn"])
def test_a_wrong_name_is_told_before_anything_is_read(make_video: MakeVideo, name):
    with pytest.raises(VideoPose3DError, match="no detector 'squid'|mask_rcnn finds boxes only"):
        watch_in_batches(probe(make_video()), DetectConfig(detector=name), lambda _stage, _done: None)


# --- boxes by one, keypoints by another


def boxed(box, score=0.9):
    return Person(np.full((17, 2), np.nan, np.float32), np.zeros(17, np.float32), np.asarray(box, np.float32), score)


def walks(x, speed, jitter=0.0, seed=0):
    """(FRAMES, 4) somebody of 12 x 30 px who walks through a picture of 96 x 64 px, in a box that jitters."""
    left = x + speed * np.arange(FRAMES)
    boxes = np.stack([left, np.full(FRAMES, 20.0), left + 12, np.full(FRAMES, 50.0)], 1)
    return boxes + np.random.default_rng(seed).normal(0, 1, boxes.shape) * jitter


def shaking(boxes):
    """How much boxes (T, 4) change their speed from frame to frame [px]."""
    return np.abs(np.diff(boxes, 2, axis=0)).mean()


class Composed:
    """A box detector that gives boxes by the number in the picture, and a keypoint network that fills boxes.

    Attributes:
        boxes: Number of the picture -> people.
        passes: Numbers of the pictures that each of the two has seen.
        cropped: Boxes per picture that the second was given.
    """

    def __init__(self, boxes):
        self.boxes, self.passes, self.cropped = boxes, ([], []), {}
        self.fails_at = -1

    @contextmanager
    def open_boxes(self, name, min_score, device, boxes_only):
        assert (str(name), min_score, boxes_only) == ("torchvision", 0.1, True)
        yield self.find

    @contextmanager
    def open_keypoints(self, name, device):
        yield self.add

    def find(self, frames):
        numbers = [frame_number(frame) for frame in frames]
        self.passes[0].extend(numbers)
        if self.fails_at in numbers:
            raise RuntimeError("the network broke")
        return [list(self.boxes[number]) for number in numbers]

    def add(self, frames, people):
        assert len(frames) == len(people) <= 8
        numbers = [frame_number(frame) for frame in frames]
        self.passes[1].extend(numbers)
        self.cropped.update(zip(numbers, people, strict=True))
        return [[self.filled(person) for person in own] for own in people]

    @staticmethod
    def filled(person):
        """Joints spread over the box."""
        share = np.stack([np.linspace(0, 1, 17), np.linspace(0, 1, 17) ** 2], 1).astype(np.float32)
        points = person.box[:2] + share * (person.box[2:] - person.box[:2])
        return Person(points, np.full(17, 0.9, np.float32), person.box, person.score)


@pytest.fixture
def compose(monkeypatch):
    def put(boxes):
        made = Composed(boxes)
        monkeypatch.setattr("videopose3d.detectors.torchvision.open_torchvision", made.open_boxes)
        monkeypatch.setattr("videopose3d.detectors.crop_networks.open_crop_network", made.open_keypoints)
        monkeypatch.setattr("videopose3d.detectors.crop_networks.load_keypoint_network", None)
        return made

    return put


@pytest.fixture
def clip(make_video: MakeVideo):
    return make_video(name="composed.mp4", size=(96, 64), frames=FRAMES)


CONFIG = DetectConfig(detector="torchvision+cpn")


@pytest.mark.parametrize("max_side", [None, 48])
def test_crops_shake_less_than_the_boxes(clip, compose, max_side):
    raw = walks(5, 1.5, jitter=2)
    made, ticks = compose([[boxed(box)] for box in raw]), []
    seen = watch_in_batches(probe(clip), CONFIG, lambda *told: ticks.append(told), max_side)
    assert made.passes == (list(range(FRAMES)), list(range(FRAMES)))
    assert ticks == [(stage, n) for stage in ("boxes", "detect") for n in range(8, FRAMES + 1, 8)]
    crops = np.stack([made.cropped[t][0].box for t in range(FRAMES)])
    assert shaking(crops) < 0.5 * shaking(raw)
    assert np.abs(crops - walks(5, 1.5)).mean() < 0.8 * np.abs(raw - walks(5, 1.5)).mean()
    zoom = 2 if max_side else 1  # boxes are those of the frames as decoded, what comes back those of the whole ones
    np.testing.assert_allclose(np.stack([people[0].box for people in seen]), crops * zoom, rtol=1e-6)
    np.testing.assert_allclose(seen[7][0].keypoints[0], crops[7, :2] * zoom, rtol=1e-6)


def test_two_people_who_pass_each_other_and_gaps_keep_their_identities(clip, compose):
    right, left = walks(2, 2, jitter=0.7, seed=1), walks(82, -2, jitter=0.7, seed=2) + [0, 6, 0, 6]
    missing = {5: {0}, 12: {1}, 13: {1}, 14: {1}, 30: {0, 1}}
    frames = [
        [boxed(box[t]) for k, box in enumerate((right, left)) if k not in missing.get(t, ())][:: -1 if t % 3 else 1]
        for t in range(FRAMES)
    ]
    made = compose(frames)
    found = detect(clip, CONFIG)
    assert (found.people, found.frames) == (2, FRAMES)
    first, second = (0, 1) if found.points[0, 0, 0, 0] < 40 else (1, 0)
    for track, truth, gaps in ((first, walks(2, 2), {5, 30}), (second, walks(82, -2) + [0, 6, 0, 6], {12, 13, 14, 30})):
        assert set(np.flatnonzero(~found.present[track])) == gaps
        assert np.nanmax(np.abs(found.boxes[track] - truth)) < 3
        assert np.isfinite(found.points[track]).all()  # gaps this short are interpolated
    assert [len(made.cropped[t]) for t in range(FRAMES)] == [len(people) for people in frames]


def test_people_of_every_frame_stay_where_they_are_in_the_list(clip, compose):
    steady, stray = (
        walks(5, 1.5),
        [60.0, 5, 90, 15],
    )  # who is seen once is followed by nobody, and looked at all the same
    frames = [
        [boxed(stray, 0.2), boxed(box)] if t == 9 else [boxed(box)] if t > 3 else [] for t, box in enumerate(steady)
    ]
    made = compose(frames)
    seen = watch_in_batches(probe(clip), CONFIG, lambda _stage, _done: None)
    assert [len(people) for people in seen] == [len(people) for people in frames]
    np.testing.assert_allclose(seen[9][0].box, stray)
    assert (seen[9][0].score, seen[9][1].score) == (pytest.approx(0.2), pytest.approx(0.9))
    np.testing.assert_allclose(np.stack([p[-1].box for p in seen[4:]]), steady[4:], atol=1e-4)
    assert made.cropped[0] == []


def test_nobody_at_all(clip, compose):
    compose([[]] * FRAMES)
    assert detect(clip, CONFIG).people == 0


def test_a_failure_leaves_no_ffmpeg_behind(clip, compose, monkeypatch):
    from videopose3d.video import reading

    opened, running = [], reading.running

    @contextmanager
    def noted(*args, **options):
        with running(*args, **options) as reader:
            opened.append(reader.process)
            yield reader

    monkeypatch.setattr(reading, "running", noted)
    compose([[]] * FRAMES).fails_at = 10
    with pytest.raises(RuntimeError, match="broke") as kept:
        detect(clip, CONFIG)
    assert opened
    assert all(process.poll() is not None for process in opened)
    del kept


def test_a_video_that_cannot_be_read_is_told(clip, compose, tmp_path):
    compose([[]] * FRAMES)
    info = probe(clip)
    (tmp_path / "gone.mp4").write_bytes(b"")
    broken = type(info)(str(tmp_path / "gone.mp4"), info.width, info.height, info.fps)
    with pytest.raises(VideoError):
        watch_in_batches(broken, CONFIG, lambda _stage, _done: None)


def test_a_box_far_from_the_damped_one_stays():
    boxes = walks(5, 0)
    other = boxes[20] + [9, 0, 9, 0]  # overlaps by a seventh: somebody beside them
    frames = [[boxed(other if t == 20 else box)] for t, box in enumerate(boxes)]
    (person,) = in_damped_boxes(frames, 25, 0.5)[20]
    np.testing.assert_allclose(person.box, other)
    near = boxes[20] + [4, 0, 4, 0]  # a jump of the detector
    frames[20] = [boxed(near)]
    (person,) = in_damped_boxes(frames, 25, 0.5)[20]
    np.testing.assert_allclose(person.box, boxes[20])

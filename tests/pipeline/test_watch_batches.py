from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
from clips import MakeVideo

from videopose3d.config import DetectConfig
from videopose3d.errors import VideoPose3DError
from videopose3d.pipeline.watch_batches import watch_in_batches
from videopose3d.types import Person
from videopose3d.video import probe


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

        assert (name, min_score) == ("torchvision", 0.4)
        yield find

    monkeypatch.setattr("videopose3d.pipeline.watch_batches.open_batched", opened)
    info = probe(make_video())
    config = DetectConfig(detector="torchvision", min_score=0.4)
    seen = watch_in_batches(info, config, ticks.append, max_side)
    assert sum(sizes) == len(seen) == len(given) == ticks[-1] == info.frame_count
    assert max(sizes) == 8
    assert given == [float(i / info.fps) for i in range(len(seen))]
    for t, (person,) in enumerate(seen):
        np.testing.assert_allclose(person.keypoints, np.tile(info.size, (17, 1)), rtol=1e-6)
        np.testing.assert_allclose(person.box, [info.width / 2, info.height / 2, *info.size], rtol=1e-6)
        assert person.score == given[t]


def test_a_wrong_name_leaves_no_ffmpeg_behind(make_video: MakeVideo):
    with pytest.raises(VideoPose3DError, match="no detector 'squid'"):
        watch_in_batches(probe(make_video()), DetectConfig(detector="squid"), lambda _done: None)

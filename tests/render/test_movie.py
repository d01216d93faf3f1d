from __future__ import annotations

import time
from contextlib import nullcontext
from fractions import Fraction

import numpy as np
import pytest

from videopose3d.config import RenderConfig
from videopose3d.errors import InputError
from videopose3d.render import movie, plan, render_video
from videopose3d.render.movie import paired
from videopose3d.types import Result
from videopose3d.video import open_writer, probe, read_frames

SMALL = RenderConfig(picture_height=180, gif_height=120)


@pytest.fixture
def source(tmp_path):
    """Five frames of 64x48, each a brighter grey."""
    path = tmp_path / "source.mp4"
    with open_writer(path, (64, 48), Fraction(10)) as writer:
        for grey in (40, 80, 120, 160, 200):
            writer.write(np.full((48, 64, 3), grey, np.uint8))
    return path


def test_the_video_is_written_beside_the_scene(make_result, source, tmp_path):
    counted = []
    out = tmp_path / "out.mp4"
    result = make_result(frames=5, size=(64, 48))
    report = render_video(result, out, video=source, config=SMALL, progress=counted.append)
    info = probe(out)
    assert counted == [1, 2, 3, 4, 5]
    assert report.frames == info.frame_count == 5
    assert report.encoder
    assert report.seconds > 0
    assert info.fps == 10
    assert info.size == plan((64, 48), 180).size
    corner = [int(frame[60, 4].mean()) for frame in read_frames(out)]
    np.testing.assert_allclose(corner, (40, 80, 120, 160, 200), atol=12)


@pytest.mark.parametrize(("frames", "written"), [(3, 3), (8, 5)])
def test_it_ends_with_the_shorter_of_the_two(make_result, source, tmp_path, frames, written):
    result = make_result(frames=frames, size=(64, 48))
    assert render_video(result, tmp_path / "out.mp4", video=source, config=SMALL).frames == written


@pytest.mark.parametrize("lifted", [True, False])
@pytest.mark.parametrize("people", [0, 2])
def test_without_a_video_without_people_without_poses(make_result, tmp_path, people, lifted):
    result = make_result(people=people, frames=3)
    result = result if lifted else Result(result.keypoints)
    assert render_video(result, tmp_path / "out.mp4", config=SMALL).frames == 3


def test_a_gif_has_its_own_size_and_a_whole_fraction_of_the_rate(make_result, tmp_path):
    out = tmp_path / "out.gif"
    counted = []
    report = render_video(make_result(frames=9, fps=Fraction(25)), out, config=SMALL, progress=counted.append)
    assert counted == [2, 4, 6, 8, 9]
    info = probe(out)
    assert report.frames == 5
    assert info.size == plan((64, 48), 120).size
    assert info.fps == Fraction(25, 2)


def test_another_video_is_refused_before_anything_is_written(make_result, source, tmp_path):
    with pytest.raises(InputError, match="it is 64x48, the result was made from 48x64"):
        render_video(make_result(size=(48, 64)), tmp_path / "out.mp4", video=source)
    assert not (tmp_path / "out.mp4").exists()


def test_a_result_without_frames_is_refused(make_result, tmp_path):
    with pytest.raises(InputError, match="no frames"):
        render_video(make_result(frames=0), tmp_path / "out.mp4")


def test_a_failing_observer_leaves_no_file_and_no_thread(make_result, source, tmp_path):
    def fail(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_video(
            make_result(frames=5, size=(64, 48)),
            tmp_path / "out.mp4",
            video=source,
            config=SMALL,
            progress=fail,
        )
    assert [path.name for path in tmp_path.iterdir()] == ["source.mp4"]


def test_a_slow_writer_gets_every_picture_whole(make_result, tmp_path, monkeypatch):
    """Drawing runs ahead of writing; it must not draw into a picture that still waits."""
    result = make_result(frames=20)
    result.keypoints.points[..., 0] += 3 * np.arange(20)[:, None]
    composer = movie.Composer(result, movie.plan((320, 240), 180), SMALL)
    wanted = [composer.draw(frame, None, composer.canvas()) for frame in range(20)]
    written = []

    class Slow:
        encoder = "none"

        def write(self, frame):
            time.sleep(0.02)
            written.append(frame.copy())

    monkeypatch.setattr(movie, "open_writer", lambda *args, **kwargs: nullcontext(Slow()))
    render_video(result, tmp_path / "out.mp4", config=SMALL)
    np.testing.assert_array_equal(written, wanted)


def test_frames_are_paired_by_time():
    frames = (np.full((1, 1, 3), n, np.uint8) for n in range(10))
    pairs = [(index, int(frame[0, 0, 0])) for index, frame in paired(frames, Fraction(2), range(0, 9, 2))]
    assert pairs == [(0, 0), (2, 4), (4, 8)]
    frames = (np.full((1, 1, 3), n, np.uint8) for n in range(3))
    pairs = [(index, int(frame[0, 0, 0])) for index, frame in paired(frames, Fraction(1, 2), range(8))]
    assert pairs == [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (5, 2)]

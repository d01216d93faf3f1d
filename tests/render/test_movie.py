from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from videopose3d.config import RenderConfig
from videopose3d.errors import InputError, VideoPose3DError
from videopose3d.render import movie, plan, render_video
from videopose3d.render.movie import frame_number, frames_shown, paired
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


# --- which frames, and as what


def picture_of(path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


def greys(path) -> list[int]:
    """The brightness of the video at the left edge of every picture, in steps of the source's frames."""
    return [round((float(frame[60, 4].mean()) - 40) / 40) for frame in read_frames(path)]


@pytest.mark.parametrize(
    ("options", "shown", "fps"),
    [
        ({"skip": 2}, [2, 3, 4], 10),
        ({"limit": 2}, [0, 1], 10),
        ({"skip": 1, "limit": 3}, [1, 2, 3], 10),
        ({"downsample": 2}, [0, 2, 4], 5),
        ({"downsample": 2, "skip": 1}, [1, 3], 5),
        ({"max_fps": 4}, [0, 3], Fraction(10, 3)),
        ({"max_fps": 10}, [0, 1, 2, 3, 4], 10),
    ],
)
def test_frames_are_left_out_and_the_time_stays(make_result, source, tmp_path, options, shown, fps):
    out, counted = tmp_path / "out.mp4", []
    result, config = make_result(frames=5, size=(64, 48)), replace(SMALL, **options)
    report = render_video(result, out, video=source, config=config, progress=counted.append)
    assert greys(out) == shown
    assert list(frames_shown(result, out, config)) == shown
    assert probe(out).fps == fps
    assert report.frames == len(shown)
    assert counted[-1] == min(5, options.get("skip", 0) + options.get("limit", 5)) - options.get("skip", 0)


def test_a_rate_in_two_decimals_is_that_rate(make_result):
    result = make_result(frames=9, fps=Fraction(30000, 1001))
    assert frames_shown(result, "a.mp4", RenderConfig(max_fps=29.97)).step == 1
    assert frames_shown(result, "a.mp4", RenderConfig(max_fps=29)).step == 2
    assert frames_shown(result, "a.gif", RenderConfig(downsample=3, gif_fps=10)).step == 3


def test_nothing_left_is_said(make_result, tmp_path):
    with pytest.raises(InputError, match="nothing is left after 6 frames"):
        render_video(make_result(), tmp_path / "out.mp4", config=replace(SMALL, skip=6))


@pytest.mark.parametrize(("text", "frame"), [("3", 3), ("0.3s", 3), ("0.39s", 3), ("0:00.2", 2), ("1:01", 610)])
def test_a_frame_is_named_by_number_or_time(text, frame):
    assert RenderConfig(frame=text).frame == text
    assert frame_number(text, Fraction(10)) == frame


@pytest.mark.parametrize("text", ["soon", "-1", "1.5", "1:75", "s", ":3"])
def test_other_names_of_frames_are_refused(text):
    with pytest.raises(VideoPose3DError, match="Give a number or a time"):
        RenderConfig(frame=text)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_still_is_the_picture_of_its_frame(make_result, source, tmp_path, suffix):
    result = make_result(frames=5, size=(64, 48))
    out = tmp_path / f"still{suffix}"
    report = render_video(result, out, video=source, config=replace(SMALL, frame="3"))
    assert report.frames == 1
    picture = picture_of(out)
    assert picture.shape[1::-1] == plan((64, 48), 180).size
    assert abs(int(picture[60, 4].mean()) - 160) < 12
    render_video(result, tmp_path / "film.mp4", video=source, config=SMALL)
    film = list(read_frames(tmp_path / "film.mp4"))[3]
    assert np.abs(film.astype(int) - picture).mean() < 4


def test_a_still_without_a_frame_is_of_the_middle_one_with_a_person(make_result, tmp_path):
    result = make_result(frames=50)
    result.keypoints.present[:, :40] = False
    assert list(frames_shown(result, "a.png", SMALL)) == [45]
    result.keypoints.present[:] = False
    assert list(frames_shown(result, "a.png", SMALL)) == [25]


def test_frames_that_are_not_there_and_frames_of_films_are_refused(make_result, tmp_path):
    with pytest.raises(InputError, match=r"no frame 6.*The last one is 5, at 0.50s"):
        render_video(make_result(), tmp_path / "a.png", config=replace(SMALL, frame="6"))
    with pytest.raises(VideoPose3DError, match="--frame is for one picture"):
        render_video(make_result(), tmp_path / "a.mp4", config=replace(SMALL, frame="1"))


@pytest.mark.parametrize(
    ("options", "says"),
    [({"skip": 1}, "--skip"), ({"limit": 3, "downsample": 2}, "--limit and --downsample")],
)
def test_a_part_of_the_frames_is_not_for_stills(make_result, tmp_path, options, says):
    with pytest.raises(VideoPose3DError, match=f"a.png: {says} cannot be used for one picture. Leave it out"):
        render_video(make_result(), tmp_path / "a.png", config=replace(SMALL, **options))


def test_every_frame_is_a_picture_in_a_folder(make_result, source, tmp_path):
    result = make_result(frames=5, size=(64, 48))
    report = render_video(result, tmp_path / "frames", video=source, config=replace(SMALL, skip=1, downsample=2))
    assert report.frames == 2
    files = sorted((tmp_path / "frames").iterdir())
    assert [file.name for file in files] == ["00000.png", "00001.png"]
    assert [round(float(picture_of(file)[60, 4].mean()) / 40) for file in files] == [2, 4]


@pytest.mark.parametrize("suffix", [".webm", ".gif", ".mov"])
def test_other_films_are_written_with_all_panels(make_result, source, tmp_path, suffix):
    config = replace(SMALL, theme="light", second_view="top", plot=("left_knee",), orbit=30)
    out = tmp_path / f"out{suffix}"
    render_video(make_result(frames=5, size=(64, 48)), out, video=source, config=config)
    assert sum(1 for _ in read_frames(out)) == 5


def test_the_sound_begins_where_the_pictures_do(make_result, source, tmp_path, monkeypatch):
    told = {}

    class Writer:
        encoder = "none"

        def write(self, frame):
            pass

    def note(*args, **options):
        told.update(options)
        return nullcontext(Writer())

    monkeypatch.setattr(movie, "open_writer", note)
    monkeypatch.setattr(movie, "probe_matching", lambda path, size: replace(probe(path), has_audio=True))
    config = replace(SMALL, skip=2, bitrate=900)
    render_video(make_result(frames=5, size=(64, 48)), tmp_path / "a.mp4", video=source, config=config)
    assert told == {"audio_from": source, "audio_start": 0.2, "bitrate": 900_000}
    render_video(make_result(frames=5), tmp_path / "a.mp4", config=replace(SMALL, audio=False))
    assert told == {"audio_from": None, "audio_start": 0.0, "bitrate": None}


def test_a_truth_and_plots_are_drawn(make_result, tmp_path):
    result = make_result(frames=4)
    np.savez(tmp_path / "t.npz", poses_3d=result.poses_3d)
    config = replace(SMALL, truth=str(tmp_path / "t.npz"), plot=("error", "right_knee"))
    render_video(result, tmp_path / "a.png", config=config)
    assert picture_of(tmp_path / "a.png").shape[1::-1] == plan((320, 240), 180, scenes=2, strips=2).size


@pytest.mark.parametrize("option", [{"plot": ("left_knee",)}, {"layout": "scene"}, {"truth": "t.npz"}])
def test_what_needs_poses_says_so(make_result, tmp_path, monkeypatch, option):
    monkeypatch.chdir(tmp_path)
    np.savez("t.npz", poses_3d=make_result().poses_3d)
    with pytest.raises(VideoPose3DError, match=r"needs 3D poses.*Lift it first"):
        render_video(Result(make_result().keypoints), tmp_path / "a.mp4", config=replace(SMALL, **option))
    assert not (tmp_path / "a.mp4").exists()

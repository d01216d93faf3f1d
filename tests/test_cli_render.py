"""The command line of pictures: one option of each kind, from the words to the files."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from clips import MakeVideo
from PIL import Image
from stand_in import StandIn

from videopose3d.cli import main
from videopose3d.pipeline import demo
from videopose3d.result_file import load_result
from videopose3d.video import probe

FRAMES = 14


@pytest.fixture
def finder(make_video: MakeVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A detector that finds somebody in walk.mp4, here."""
    shutil.copy(make_video(name="walk.mp4", size=(96, 128), frames=FRAMES), tmp_path / "walk.mp4")
    monkeypatch.chdir(tmp_path)
    return StandIn().install(monkeypatch)


def run(*args: object) -> Result:
    return CliRunner().invoke(main, [str(arg) for arg in args], catch_exceptions=False)


def size_of(path: str) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def test_infer_and_render_take_the_same_options(finder: StandIn) -> None:
    options = ("--picture-height", 200, "--theme", "light", "--plot", "right_knee,left_knee", "--plot", "head:height")
    options = (*options, "--second-view", "top", "--orbit", 30, "--no-follow", "--frame", "0.2s", "--overwrite")
    done = run("infer", "walk.mp4", "-o", "one.png", "--export", "walk.npz", *options)
    assert done.exit_code == 0, done.stderr
    assert run("render", "walk.npz", "-o", "other.png", "--video", "walk.mp4", *options).exit_code == 0
    with Image.open("one.png") as one, Image.open("other.png") as other:
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def test_a_part_of_the_frames_at_a_bitrate(finder: StandIn) -> None:
    options = ("--skip", 2, "--limit", 8, "--downsample", 2, "--picture-height", 128)
    done = run("infer", "walk.mp4", "-o", "a.mp4", "--export", "walk.npz", *options, "--bitrate", 50)
    assert done.exit_code == 0, done.stderr
    assert load_result("walk.npz").keypoints.frames == FRAMES  # the result is whole
    assert probe("a.mp4").frame_count == 4
    assert run("render", "walk.npz", "-o", "b.mp4", "--video", "walk.mp4", *options, "--bitrate", 5000).exit_code == 0
    assert Path("b.mp4").stat().st_size > 1.5 * Path("a.mp4").stat().st_size


def test_a_folder_of_frames_is_not_replaced_unasked(finder: StandIn) -> None:
    first = run("infer", "walk.mp4", "-o", "frames", "--picture-height", 100)
    assert (first.exit_code, first.stdout) == (0, "frames\n")
    assert len(list(Path("frames").glob("*.png"))) == FRAMES
    calls = finder.calls
    again = run("infer", "walk.mp4", "-o", "frames", "--picture-height", 100)
    assert again.exit_code == 1
    assert "frames/00000.png: the file exists already" in again.stderr
    assert finder.calls == calls
    assert run("infer", "walk.mp4", "-o", "frames/%02d.jpg", "--limit", 3).exit_code == 0
    assert sorted(path.name for path in Path("frames").glob("*.jpg")) == ["00.jpg", "01.jpg", "02.jpg"]


@pytest.mark.parametrize(
    ("output", "options", "says"),
    [
        ("a.mp4", ("--frame", "3"), "--frame is for one picture"),
        ("a.mp4", ("--plot", "tail:x"), "no joint named 'tail'"),
        ("a.mp4", ("--plot", "error"), "--truth FILE"),
        ("a.mp4", ("--truth", "gone.npz"), "gone.npz: no such file"),
        ("a.txt", (), "no name for a video or picture"),
        ("a.png", ("--skip", "3"), "a.png: --skip cannot be used for one picture"),
        ("a.png", ("--limit", "3"), "a.png: --limit cannot be used for one picture"),
        ("a.png", ("--frame", "900"), f"there is no frame 900. The last one is {FRAMES - 1}, at 0.52s."),
        ("a.png", ("--frame", "0:40"), "walk.mp4: there is no frame 0:40"),
        ("a.mp4", ("--skip", "900"), "walk.mp4: nothing is left after 900 frames"),
        ("a.mp4", ("--truth", "fast.npz"), "fast.npz: a truth of 50 frames per second for a clip of 25"),
        ("a.mp4", ("--truth", "long.npz"), f"long.npz: a truth of 99 frames for a clip of {FRAMES}"),
    ],
)
def test_what_would_fail_late_fails_early(finder: StandIn, output: str, options: tuple[str, ...], says: str) -> None:
    np.savez("fast.npz", poses_3d=np.zeros((FRAMES, 17, 3)), fps=50)
    np.savez("long.npz", poses_3d=np.zeros((99, 17, 3)), fps=25)
    done = run("infer", "walk.mp4", "-o", output, *options)
    assert done.exit_code == 1
    assert says in done.stderr
    assert finder.calls == 0


def test_wrong_words_are_wrong_usage(finder: StandIn) -> None:
    for words in (("--theme", "pink"), ("--layout", "round"), ("--orbit", "9999"), ("--limit", "0")):
        assert run("infer", "walk.mp4", "-o", "a.mp4", *words).exit_code == 2


def test_a_result_is_a_truth(finder: StandIn) -> None:
    run("infer", "walk.mp4", "--export", "walk.npz")
    plain = ("render", "walk.npz", "--picture-height", 200, "--video", "walk.mp4")
    assert run(*plain, "-o", "a.png").exit_code == 0
    assert run(*plain, "-o", "b.png", "--truth", "walk.npz", "--plot", "error").exit_code == 0
    assert size_of("a.png") != size_of("b.png")


def test_the_demo_shows_the_truth_unless_told_not_to(
    finder: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []

    def infer(source: Path, output: Path, **options: object) -> None:
        asked.append(options["config"].render)
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "infer", infer)
    run("demo", "-o", "a.mp4", "--theme", "light", "--plot", "error")
    run("demo", "-o", "a.mp4", "--no-truth", "--layout", "stack")
    assert asked[0].truth.endswith("demo_truth.npz")
    assert (asked[0].theme, asked[0].plot) == ("light", ("error",))
    assert (asked[1].truth, asked[1].layout) == (None, "stack")

"""The video in exports, and the viewer, from the command line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from clips import MakeVideo
from stand_in import StandIn

from videopose3d import export as exports
from videopose3d.cli import main
from videopose3d.errors import MissingDependencyError
from videopose3d.export import rrd


@pytest.fixture
def clip(make_video: MakeVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    StandIn().install(monkeypatch)
    monkeypatch.chdir(tmp_path)
    return str(make_video(name="walk.mp4", size=(96, 128), frames=14))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, Any]]:
    """How many people, and which video, the viewer was asked to show."""
    asked: list[tuple[int, Any]] = []
    monkeypatch.setattr(exports, "check_view", lambda: None)
    monkeypatch.setattr(exports, "view_result", lambda result, video=None: asked.append((result.people, video)))
    return asked


def run(*args: object) -> Result:
    return CliRunner().invoke(main, [str(arg) for arg in args], catch_exceptions=False)


def has_film(path: str) -> bool:
    return re.search(r'id="film-data">[A-Za-z0-9+/]{100}', Path(path).read_text(encoding="utf-8")) is not None


def test_the_video_goes_into_the_page_if_asked(clip):
    assert run("infer", clip, "--export", "a.html", "--export", "a.npz").exit_code == 0
    assert run("infer", clip, "--export", "b.html", "--embed-video").exit_code == 0
    assert run("export", "a.npz", "-o", "c.html", "-o", "c.csv", "--video", clip).exit_code == 0
    assert [has_film(name) for name in ("a.html", "b.html", "c.html")] == [False, True, True]


def test_resume_makes_a_page_anew_that_lacks_the_video(clip):
    run("infer", clip, "--export", "a.html", "--resume")
    assert not has_film("a.html")
    done = run("infer", clip, "--export", "a.html", "--embed-video", "--resume")
    assert done.exit_code == 0
    assert has_film("a.html")
    assert "nothing to do" in run("infer", clip, "--export", "a.html", "--embed-video", "--resume").stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("", "Give -o FILE, or --view."),
        ("-o a.csv -o a.glb --video walk.mp4", "--video goes into .html and .rrd files"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(clip, words, says):
    run("infer", clip, "--export", "a.npz")
    done = run("export", "a.npz", *words.split())
    assert done.exit_code == 2
    assert says in done.stderr


def test_another_video_is_one_line(clip, make_video):
    run("infer", clip, "--export", "a.npz")
    done = run("export", "a.npz", "-o", "a.html", "--video", make_video())
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert "the result was made from 96x128" in done.stderr
    assert not Path("a.html").exists()


def test_the_viewer_opens_after_the_work(clip, shown):
    done = run("infer", clip, "--export", "a.npz", "--view")
    assert done.stdout == "a.npz\n"
    assert run("export", "a.npz", "--view").exit_code == 0
    done = run("export", "a.npz", "--view", "--video", clip, "-o", "a.csv")
    assert done.stdout == "a.csv\n"
    assert shown == [(1, clip), (1, None), (1, clip)]
    run("infer", clip, "--export", "a.npz", "--view", "--resume")
    assert shown[3:] == [(1, clip)]  # though nothing else was to do


def test_without_rerun_nothing_is_begun(clip, monkeypatch):
    run("infer", clip, "--export", "a.npz")
    monkeypatch.setattr(rrd, "find_spec", lambda name: None)
    for words in (
        ("export", "a.npz", "-o", "b.rrd", "-o", "b.csv"),
        ("export", "a.npz", "--view", "-o", "b.csv"),
        ("infer", clip, "--export", "b.csv", "--export", "b.rrd"),
        ("infer", clip, "--export", "b.csv", "--view"),
    ):
        done = run(*words)
        assert done.exit_code == 1
        assert done.stderr.count("\n") == 1
        assert "pip install 'videopose3d[rerun]'" in done.stderr
        assert not list(Path().glob("b.*"))


def test_the_check_is_that_of_the_library(monkeypatch):
    monkeypatch.setattr(rrd, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError):
        exports.check_view()

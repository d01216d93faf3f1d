"""The command line in this process, with a stand-in for the detector. Real processes: test_cli_process.py."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields
from io import StringIO
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result
from clips import MakeVideo
from safetensors.torch import load_file, save_file
from stand_in import StandIn

from videopose3d import __version__, cli_progress
from videopose3d.cli import main
from videopose3d.cli_progress import ProgressPrinter
from videopose3d.cli_sources import default_outputs, expand_sources, stem_of
from videopose3d.config import (
    LIMITS,
    DetectConfig,
    LiftConfig,
    MocapTrainConfig,
    RenderConfig,
    TrainConfig,
)
from videopose3d.config_finetune import FinetuneConfig
from videopose3d.config_mocap import MocapConfig
from videopose3d.config_synth import SynthConfig
from videopose3d.errors import InputError
from videopose3d.pipeline.stages import FOLDER
from videopose3d.result_file import load_result
from videopose3d.video import probe, read_frames
from videopose3d.weights.store import bundled_lifters, read_header

FRAMES = 14


@pytest.fixture
def finder(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    return StandIn().install(monkeypatch)


@pytest.fixture
def clip(make_video: MakeVideo) -> str:
    return str(make_video(name="walk.mp4", size=(96, 128), frames=FRAMES))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*args: object) -> Result:
    return CliRunner().invoke(main, [str(arg) for arg in args], catch_exceptions=False)


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def arrays(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    with np.load(path, allow_pickle=False) as npz:
        return {key: npz[key] for key in npz.files}


# --- help and defaults


def commands(group: click.Group = main, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)


@pytest.mark.parametrize("path", [(), *(path for path, _ in commands())], ids=" ".join)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_has_help(path: tuple[str, ...], flag: str) -> None:
    done = run(*path, flag)
    assert done.exit_code == 0
    assert done.stdout.startswith("Usage: ")
    assert done.stderr == ""


def test_every_option_has_a_text() -> None:
    silent = [(path, p.name) for path, c in commands() for p in c.params if isinstance(p, click.Option) and not p.help]
    assert silent == []


@pytest.mark.parametrize(
    ("command", "config", "left_out"),
    [
        ("infer", DetectConfig, ()),
        ("infer", LiftConfig, ()),
        ("infer", RenderConfig, ()),
        ("detect", DetectConfig, ()),
        ("lift", LiftConfig, ()),
        ("render", RenderConfig, ()),
        ("train", TrainConfig, ()),
        ("train-mocap", MocapTrainConfig, ()),
    ],
)
def test_options_show_the_defaults_of_the_configuration(command: str, config: type, left_out: tuple[str, ...]) -> None:
    context = click.Context(main.commands[command])
    options = {p.name: p for p in main.commands[command].params if isinstance(p, click.Option)}
    for field in fields(config):
        if field.name in left_out:
            continue
        option = options[field.name]
        assert option.get_default(context) == field.default
        if isinstance(field.default, bool):
            shown = ("" if field.default else "no-") + field.name.replace("_", "-")
        else:
            shown = ",".join(map(str, field.default)) if isinstance(field.default, tuple) else str(field.default)
        record = option.get_help_record(context)
        assert record is not None
        assert field.default in (None, ()) or re.search(rf"default: {re.escape(shown)}", record[1])


def test_tuples_and_open_ranges_are_shown_as_they_are_typed() -> None:
    synth = " ".join(run("synth", "-h").stdout.split())
    assert "--size W,H Width and height [px], e.g. 640,480; drawn by default. --fov" in synth
    assert re.search(r"--seconds FLOAT RANGE .*?\[default: 3.0; x>0\]", synth)
    assert "--input-size H,W" in run("finetune", "cpn", "-h").stdout
    assert re.search(r"--unit FLOAT RANGE .*?\[x>0\]", " ".join(run("prepare", "mocap", "-h").stdout.split()))
    assert run("prepare", "mocap", "x.bvh", "-o", "y.npz", "--unit", "0").exit_code == 2


def test_version() -> None:
    assert run("--version").stdout == f"videopose3d, version {__version__}\n"


def test_limits_name_real_settings() -> None:
    known = {
        f.name
        for config in (
            DetectConfig,
            LiftConfig,
            RenderConfig,
            TrainConfig,
            MocapTrainConfig,
            FinetuneConfig,
            MocapConfig,
            SynthConfig,
        )
        for f in fields(config)
    }
    assert LIMITS.keys() <= known


@pytest.mark.parametrize(
    "option",
    ["--max-side=0", "--min-score=7", "--max-gap=-1", "--chunk=0", "--height=-1", "--fov=0", "--focal=0"]
    + ["--gif-fps=0", "--picture-height=0", "--layout=round", "--elevation=up"],
)
def test_impossible_numbers_are_wrong_usage(option: str, clip: str, finder: StandIn, here: Path) -> None:
    done = run("infer", clip, option)
    assert done.exit_code == 2
    assert option.partition("=")[0] in done.stderr
    assert finder.calls == 0
    assert visible(here) == []


# --- which videos, which outputs


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_sources_are_expanded_in_order_and_once(here: Path) -> None:
    touch(here, "b/2.MOV", "b/1.mp4", "b/notes.txt", "b/in/3.mp4", "c[1].mp4", "z.mp4")
    assert expand_sources(["z.mp4", "b", "*.mp4", "http://h/x.mp4?k=*", "gone.mp4"]) == [
        "z.mp4", "b/1.mp4", "b/2.MOV", "c[1].mp4", "http://h/x.mp4?k=*", "gone.mp4",
    ]  # fmt: skip
    assert expand_sources(["c[1].mp4"]) == ["c[1].mp4"]
    assert expand_sources(["**/3.*"]) == ["b/in/3.mp4"]


def test_our_own_results_are_no_sources(here: Path) -> None:
    touch(here, "a.mov", "a_3d.mp4", "lone_3d.mp4")
    assert expand_sources(["."]) == ["a.mov", "lone_3d.mp4"]
    assert expand_sources(["*"]) == ["a.mov", "lone_3d.mp4"]
    assert expand_sources(["a_3d.mp4"]) == ["a_3d.mp4"]


@pytest.mark.parametrize(("source", "says"), [("empty", "no videos"), ("*.mov", "no file matches")])
def test_nothing_to_expand_is_an_error(source: str, says: str, here: Path) -> None:
    (here / "empty").mkdir()
    with pytest.raises(InputError, match=says):
        expand_sources([source])


def test_equal_names_get_numbers() -> None:
    names = default_outputs(["a/x.mp4", "b/X.mov", "x_2.mp4", "http://h/p/x.mp4?y=1"], Path("out"))
    assert [path.name for path in names] == ["x_3d.mp4", "X_2_3d.mp4", "x_2_2_3d.mp4", "x_3_3d.mp4"]
    assert {path.parent for path in names} == {Path("out")}


@pytest.mark.parametrize(
    ("source", "stem"),
    [
        ("a/my.clip.mp4", "my.clip"),
        ("https://h/a%20b.mp4?t=1#x", "a b"),
        ("rtsp://h/", "video"),
        ("c#1.mp4", "c#1"),
        ("http://h/" + "x" * 5000 + ".mp4", "x" * 60),
    ],
)
def test_stem(source: str, stem: str) -> None:
    assert stem_of(source) == stem


@pytest.mark.parametrize("option", ["-o", "--export"])
def test_one_name_for_several_sources_is_wrong_usage(option: str, clip: str, finder: StandIn, here: Path) -> None:
    done = run("infer", clip, "other.mp4", option, "x.npz")
    assert done.exit_code == 2
    assert "--output-dir" in done.stderr
    assert finder.calls == 0


def test_a_folder_of_videos(make_video: MakeVideo, finder: StandIn, here: Path) -> None:
    videos = here / "videos"
    videos.mkdir()
    for name in ("one.mp4", "two.mp4"):
        (videos / name).write_bytes(make_video(name="walk.mp4", size=(96, 128), frames=FRAMES).read_bytes())
    done = run("infer", videos, "--output-dir", "out/deep", "--no-render")
    assert done.exit_code == 0, done.stderr
    assert visible(here / "out/deep") == ["one_3d.npz", "two_3d.npz"]
    assert done.stdout.splitlines() == ["out/deep/one_3d.npz", "out/deep/two_3d.npz"]
    assert finder.opened == 2


# --- errors


@pytest.fixture
def bad_files(here: Path) -> None:
    (here / "text.mp4").write_text("not a video\n")
    (here / "text.npz").write_text("not an npz\n")
    (here / "text.safetensors").write_text("no weights\n")
    (here / "empty.mp4").touch()


BAD = [
    ("infer missing.mp4", "no such file"),
    ("infer missing/", "no such file"),
    ("infer *.mov", "no file matches"),
    ("infer text.mp4", "not a video"),
    ("infer empty.mp4", "empty"),
    ("detect missing.mp4 -o x.npz", "no such file"),
    ("detect text.mp4 -o x.npz", "not a video"),
    ("lift missing.npz -o x.npz", "no such file"),
    ("lift text.npz -o x.npz", "not a readable npz"),
    ("render missing.npz -o x.mp4", "no such file"),
    ("render text.npz -o x.mp4", "not a readable npz"),
    ("export missing.npz -o x.csv", "no such file"),
    ("export text.npz -o x.abc", "no export format"),
    ("export text.npz -o x.bvh", "not a readable npz"),
    ("train-mocap text.npz -o x.safetensors", "neither a motion library nor points"),
    ("infer CLIP -o x.avi", "no name for a video"),
    ("infer CLIP -o x.npz", "no name for a video"),
    ("infer CLIP --export x.abc", "no export format"),
    ("infer CLIP -o text.npz/x.mp4", "cannot write here"),
    ("infer CLIP --detector nobody", "no detector"),
    ("infer CLIP --lifter nothing", "no such lifter"),
    ("infer CLIP --lifter text.safetensors", "safetensors"),
    ("infer CLIP --device tpu", "unknown device"),
    ("infer CLIP --device cuda:99", "no such GPU"),
]


@pytest.mark.usefixtures("bad_files")
@pytest.mark.parametrize(("line", "says"), BAD, ids=[line for line, _ in BAD])
def test_an_error_is_one_line(line: str, says: str, clip: str, finder: StandIn, here: Path) -> None:
    before = visible(here)
    done = run(*(clip if word == "CLIP" else word for word in line.split()))
    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("Error: ")
    assert says in done.stderr
    assert done.stdout == ""
    assert finder.calls == 0
    assert visible(here) == before


@pytest.mark.parametrize(
    "line",
    [
        "detect a.mp4 -o x.mp4",
        "lift a.npz -o x.json",
        "train-mocap . -o x.pt",
        "infer",
        "detect a.mp4",
        "lift a.json -o x.npz --size 1920",
        "lift a.json -o x.npz --fps 0",
        "lift a.json -o x.npz --video a.mp4 --fps 25",
    ]
    + ["nonsense", "infer a.mp4 --nonsense", "train-mocap missing -o x.safetensors"],
)
def test_wrong_usage(line: str, here: Path) -> None:
    done = run(*line.split())
    assert done.exit_code == 2
    assert "Error: " in done.stderr
    assert visible(here) == []


def test_what_the_system_says_is_one_line(
    clip: str, finder: StandIn, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "somewhere")

    monkeypatch.setattr("videopose3d.pipeline.stages.save_result", full)
    done = run("infer", clip, "--no-render")
    assert done.exit_code == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error")]
    assert errors == ["Error: somewhere: the system says: No space left on device. Check free space and permissions."]


def test_a_bad_source_does_not_stop_the_others(clip: str, finder: StandIn, here: Path) -> None:
    done = run("infer", "missing.mp4", clip, "--no-render")
    assert done.exit_code == 1
    assert visible(here) == ["walk_3d.npz"]


def test_the_source_is_never_replaced(clip: str, finder: StandIn, here: Path) -> None:
    before = Path(clip).read_bytes()
    done = run("infer", clip, "-o", clip, "--overwrite")
    assert (done.exit_code, finder.calls) == (1, 0)
    assert "the source itself" in done.stderr
    assert Path(clip).read_bytes() == before


def test_overwriting_is_asked_for(clip: str, finder: StandIn, here: Path) -> None:
    (here / "walk_3d.npz").write_text("mine")
    refused = run("infer", clip, "--no-render")
    assert (refused.exit_code, finder.calls) == (1, 0)
    assert "exists already" in refused.stderr
    assert (here / "walk_3d.npz").read_text() == "mine"
    assert run("infer", clip, "--no-render", "--overwrite").exit_code == 0
    assert load_result(here / "walk_3d.npz").people == 1
    for command in (["detect", clip], ["lift", "walk_3d.npz"], ["export", "walk_3d.npz"]):
        assert "exists already" in run(*command, "-o", "walk_3d.npz").stderr


# --- what is printed


def test_nobody_is_exit_code_3_and_an_empty_result(clip: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    StandIn(nobody_in=None).install(monkeypatch)
    done = run("infer", clip, "--export", "a.npz", "--export", "a.csv", "-o", "a.mp4")
    assert done.exit_code == 3
    assert f"nobody found in {FRAMES} frames" in done.stderr
    assert load_result(here / "a.npz").poses_3d.shape == (0, FRAMES, 17, 3)
    assert probe(here / "a.mp4").frame_count == FRAMES
    assert len((here / "a.csv").read_text().splitlines()) == 1
    assert run("lift", "a.npz", "-o", "b.npz").exit_code == 3


def test_json_summary(clip: str, finder: StandIn, here: Path) -> None:
    done = run("infer", clip, "--no-render", "--json")
    told = json.loads(done.stdout)
    assert told.pop("seconds").keys() == {"detect", "lift", "export"}
    camera = told.pop("camera")
    assert camera == {"focal": pytest.approx(110.9, abs=0.1), "from": "assumed: a field of view of 60 degrees"}
    figures = told.pop("refinement")
    assert figures.keys() == {"reprojection", "sliding", "jitter", "bones"}
    assert all(len(pair) == 2 for pair in figures.values())
    assert figures["jitter"][1] < figures["jitter"][0]
    assert json.loads(run("lift", "walk_3d.npz", "-o", "b.npz", "--no-refine", "--json").stdout)["refinement"] is None
    assert told == {
        "source": clip, "exit_code": 0, "outputs": ["walk_3d.npz"], "people": 1, "frames": FRAMES,
        "frames_with_person": FRAMES, "fps": [25, 1], "size": [96, 128], "detector": "mediapipe",
        "lifter": load_result("walk_3d.npz").poses.lifter,
    }  # fmt: skip


def test_json_of_several_and_of_a_failure(clip: str, finder: StandIn, here: Path) -> None:
    done = run("infer", clip, "missing.mp4", "--no-render", "--json")
    told = json.loads(done.stdout)
    assert [entry["exit_code"] for entry in told] == [0, 1]
    assert "no such file" in told[1]["error"]
    assert done.exit_code == 1


@pytest.mark.parametrize("command", ["detect", "lift", "render", "export"])
def test_json_of_the_stages_names_their_source(command: str, clip: str, finder: StandIn, here: Path) -> None:
    run("infer", clip, "--no-render", "--quiet")
    source = clip if command == "detect" else "walk_3d.npz"
    output = "x.mp4" if command == "render" else "x.npz"
    told = json.loads(run(command, source, "-o", output, "--json").stdout)
    assert (told["source"], told["outputs"], told["frames"]) == (source, [output], FRAMES)


@pytest.mark.parametrize("nobody", [False, True])
def test_quiet_is_quiet(nobody: bool, clip: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    StandIn(nobody_in=None if nobody else ()).install(monkeypatch)
    done = run("infer", clip, "--quiet")
    assert done.exit_code == (3 if nobody else 0)
    assert done.stderr == ""
    assert done.stdout.split() == ["walk_3d.mp4", "walk_3d.npz"]


def test_profile_has_a_line_per_stage(clip: str, finder: StandIn, here: Path) -> None:
    lines = run("infer", clip, "--profile", "--quiet").stderr.splitlines()
    assert [line.split()[0] for line in lines] == ["detect", "lift", "render", "export"]
    for line in lines:  # what took no time has no rate
        assert re.fullmatch(r"\w+ +\d+\.\d\d s(  +\d{1,6}\.\d frames/s)?", line)
    assert lines[2].endswith("frames/s")


def test_log_has_one_line_per_stage(clip: str, finder: StandIn, here: Path) -> None:
    *lines, camera, figures = run("infer", clip).stderr.splitlines()
    assert camera.endswith("walk.mp4: camera: focal length 110.851 px (assumed: a field of view of 60 degrees)")
    assert re.search(r"walk.mp4: refined: off the keypoints by [\d.]+ -> [\d.]+ px; ", figures)
    assert [line.split()[1:4] for line in lines] == [
        [stage, str(FRAMES), "frames"] for stage in ("detect", "lift", "refine", "render")
    ]


def test_what_was_lifted_before_is_not_told_again(clip: str, finder: StandIn, here: Path) -> None:
    run("infer", clip, "--no-render", "--quiet")
    assert "refined" in run("lift", "walk_3d.npz", "-o", "b.npz").stderr
    assert run("export", "walk_3d.npz", "-o", "x.csv").stderr == ""
    (line,) = run("render", "walk_3d.npz", "-o", "x.png").stderr.splitlines()
    assert line.startswith("walk_3d.npz: render 1 frame in")


def test_weights_list() -> None:
    assert "open  coco17 to h36m17" in run("weights", "list").stdout
    header = json.loads(run("weights", "list", "--json").stdout)["open"]
    assert (header["features"], header["skeleton_in"], header["normalisation"]) == (4, "coco17", "rays")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(cli_progress, "monotonic", lambda: now[0])
    return now


def feed(printer: ProgressPrinter, clock: list[float], steps: Sequence[tuple[float, int]], total: int | None) -> None:
    for seconds, done in steps:
        clock[0] = 100.0 + seconds
        printer("detect", done, total)


def test_a_terminal_gets_a_living_line_with_the_time_left(clock: list[float]) -> None:
    screen = Terminal()
    printer = ProgressPrinter("walk.mp4", screen)
    feed(printer, clock, [(0, 1), (0.01, 2), (60, 100)], 400)
    assert screen.getvalue().count("\r\x1b[K") == 2  # the second is too soon
    assert "\n" not in screen.getvalue()
    assert screen.getvalue().endswith("walk.mp4: detect ██████··················  25%  100/400  3:00 left")
    clock[0] += 1000  # what comes after the last frame is no time of the stage
    printer.close()
    assert screen.getvalue().endswith("\r\x1b[Kwalk.mp4: detect 100 frames in 60.0 s, 2 frames/s\n")
    written = screen.getvalue()
    printer.close()
    assert screen.getvalue() == written


def test_a_terminal_is_told_the_count_where_the_total_is_unknown(clock: list[float]) -> None:
    screen = Terminal()
    feed(ProgressPrinter("x", screen), clock, [(0, 7)], None)
    assert screen.getvalue() == "\r\x1b[Kx: detect 7 frames"


def test_a_log_gets_a_line_now_and_then(clock: list[float]) -> None:
    log = StringIO()
    printer = ProgressPrinter("x", log)
    feed(printer, clock, [(s, s + 1) for s in range(40)], 80)
    assert log.getvalue().splitlines() == ["x: detect  20%  16/80  1:00 left", "x: detect  39%  31/80  0:47 left"]
    printer("lift", 1, 80)
    assert log.getvalue().splitlines()[2:] == ["x: detect 40 frames in 39.0 s, 1 frames/s"]


def test_what_takes_long_is_one_of_something_from_the_start(clock: list[float]) -> None:
    screen = Terminal()
    printer = ProgressPrinter("x", screen, unit="clips")
    feed(printer, clock, [(0, 0), (50, 1)], 1)
    assert "0%  0/1\r" in screen.getvalue()  # nobody knows what is left
    printer.close()
    assert screen.getvalue().endswith("x: detect 1 clip in 50.0 s, 0.02 clips/s\n")


def test_nothing_done_is_not_told(clock: list[float]) -> None:
    log, screen = StringIO(), Terminal()
    for stream in (log, screen):
        printer = ProgressPrinter("x", stream)
        feed(printer, clock, [(0, 0)], 8)
        printer.close(finished=False)
    assert log.getvalue() == ""
    assert screen.getvalue().endswith("\r\x1b[K")
    feed(printer, clock, [(0, 0), (1, 3)], 8)
    printer.close(finished=False)
    assert screen.getvalue().endswith("x: detect stopped after 3 frames in 1.0 s, 3 frames/s\n")


def test_quiet_progress_prints_nothing(clock: list[float]) -> None:
    screen = Terminal()
    printer = ProgressPrinter("x", screen, quiet=True)
    feed(printer, clock, [(0, 1), (30, 2)], 2)
    printer.close()
    assert screen.getvalue() == ""


# --- resume


def test_resume_skips_what_is_done(clip: str, finder: StandIn, here: Path) -> None:
    run("infer", clip, "--no-render", "--resume")
    stamp = (here / "walk_3d.npz").stat().st_mtime_ns
    done = run("infer", clip, "--no-render", "--resume")
    assert (done.exit_code, finder.opened) == (0, 1)
    assert "nothing to do" in done.stderr
    assert done.stdout.split() == ["walk_3d.npz"]
    assert (here / "walk_3d.npz").stat().st_mtime_ns == stamp


def test_resume_does_not_detect_again(clip: str, finder: StandIn, here: Path) -> None:
    run("infer", clip, "--no-render")
    first = arrays(here / "walk_3d.npz")
    (here / "walk_3d.npz").unlink()
    assert run("infer", clip, "--no-render", "--resume").exit_code == 0
    assert finder.opened == 1
    again = arrays(here / "walk_3d.npz")
    assert again.keys() == first.keys()
    for key, value in first.items():
        np.testing.assert_array_equal(again[key], value, key)


def test_resume_takes_only_what_was_made_with_these_settings_from_this_video(
    clip: str, finder: StandIn, make_video: MakeVideo, here: Path
) -> None:
    run("infer", clip, "--export", "a.npz")
    run("infer", clip, "--export", "b.npz", "--no-render", "--resume", "--height", 2)
    assert finder.opened == 1  # only lifted again
    a, b = arrays(here / "a.npz"), arrays(here / "b.npz")
    np.testing.assert_allclose(b["poses_3d"], a["poses_3d"] * np.float32(2 / 1.7), rtol=1e-5, atol=1e-6)
    run("infer", clip, "--export", "c.npz", "--no-render", "--resume", "--max-gap", 0.1)
    assert finder.opened == 2
    other = make_video(name="walk.mp4", size=(96, 128), frames=FRAMES + 1)
    run("infer", other, "--export", "d.npz", "--no-render", "--resume")
    assert finder.opened == 3


def test_resume_skips_only_what_the_same_run_wrote(clip: str, finder: StandIn, here: Path) -> None:
    run("infer", clip)
    first = (here / "walk_3d.npz").read_bytes()
    assert "done before" in run("infer", clip, "--resume").stderr
    assert "done before" not in run("infer", clip, "--resume", "--height", 1.9).stderr
    assert (here / "walk_3d.npz").read_bytes() != first
    assert "done before" not in run("infer", clip, "--resume").stderr, "others have written there since"
    assert (here / "walk_3d.npz").read_bytes() == first


def test_named_files_are_all_that_is_written(clip: str, finder: StandIn, here: Path) -> None:
    run("infer", clip, "--export", "walk.csv")
    run("infer", clip, "-o", "walk.gif")
    assert sorted(path.name for path in here.iterdir() if path.suffix not in ("", Path(clip).suffix)) == [
        "walk.csv",
        "walk.gif",
    ]
    assert run("infer", clip, "-o", "more.mp4", "--no-render").exit_code == 2


def test_resume_knows_a_renamed_video(clip: str, finder: StandIn, here: Path) -> None:
    run("infer", clip, "--no-render")
    (here / "renamed.mp4").write_bytes(Path(clip).read_bytes())
    assert run("infer", "renamed.mp4", "--no-render", "--resume").exit_code == 0
    assert finder.opened == 1
    assert load_result("renamed_3d.npz").keypoints.source == "renamed.mp4"


def test_resume_lifts_again_with_other_weights_of_the_same_name(clip: str, finder: StandIn, here: Path) -> None:
    weights = here / "mine.safetensors"
    weights.write_bytes(bundled_lifters()["open"].read_bytes())
    run("infer", clip, "--export", "a.npz", "--no-render", "--lifter", weights)
    state = {key: value * 1.5 if key.startswith("shrink") else value for key, value in load_file(weights).items()}
    save_file(state, weights, read_header(weights).to_metadata())
    run("infer", clip, "--export", "b.npz", "--no-render", "--lifter", weights, "--resume")
    assert finder.opened == 1
    a, b = (load_result(name).poses_3d for name in ("a.npz", "b.npz"))
    np.testing.assert_allclose(b, 1.5 * a, atol=2e-3)


def test_resume_ignores_a_damaged_stage_file(clip: str, finder: StandIn, here: Path) -> None:
    run("infer", clip, "--no-render")
    stage_files = list((here / FOLDER).glob("*.npz"))
    assert sorted(path.suffixes[-2] for path in stage_files) == [".detect", ".lift"]
    for path in stage_files:
        path.write_bytes(path.read_bytes()[:200])
    (here / "walk_3d.npz").unlink()
    assert run("infer", clip, "--no-render", "--resume").exit_code == 0
    assert finder.opened == 2
    assert load_result(here / "walk_3d.npz").people == 1


# --- the chain


def test_the_commands_one_by_one_equal_infer(
    make_video: MakeVideo, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_video(name="long.mp4", size=(96, 128), frames=40)
    gaps = {*range(4, 7), *range(15, 31)}  # one that is bridged, one that is not

    def runs(*args: object) -> None:
        StandIn(nobody_in=gaps).install(monkeypatch)
        done = run(*args)
        assert done.exit_code == 0, done.stderr

    runs("infer", clip, "-o", "i.mp4", *(x for suffix in ("npz", "json", "csv") for x in ("--export", f"i.{suffix}")))
    runs("detect", clip, "-o", "2d.npz")
    runs("lift", "2d.npz", "-o", "s.npz")
    runs("render", "s.npz", "-o", "s.mp4", "--video", clip)
    runs("export", "s.npz", "-o", "s.json", "-o", "s.csv")

    whole, steps = arrays(here / "i.npz"), arrays(here / "s.npz")
    assert whole.keys() == steps.keys()
    for key, value in whole.items():
        assert value.dtype == steps[key].dtype
        np.testing.assert_array_equal(steps[key], value, key)
    for suffix in ("json", "csv"):
        assert (here / f"s.{suffix}").read_bytes() == (here / f"i.{suffix}").read_bytes()
    pictures = [np.stack(list(read_frames(here / name))) for name in ("i.mp4", "s.mp4")]
    np.testing.assert_array_equal(*pictures)
    absent = np.isnan(whole["poses_3d"][0]).all((-2, -1))
    assert np.flatnonzero(absent).tolist() == list(range(15, 31))
    assert not whole["present"][0, list(gaps)].any()


def test_numbered_results_are_no_sources(here: Path) -> None:
    for name in ("a.mp4", "a.mov", "a_3d.mp4", "a_2_3d.mp4", "b_3d.mp4"):
        (here / name).touch()
    assert sorted(Path(source).name for source in expand_sources(["."])) == ["a.mov", "a.mp4", "b_3d.mp4"]

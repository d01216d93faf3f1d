"""``lift`` and ``infer`` of what another 2D tool has written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from golden_files import FOLDER

from videopose3d.cli import main
from videopose3d.result_file import load_result

FORMATS = FOLDER / "formats"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(FORMATS, tmp_path / "formats")
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.mark.parametrize(
    "file", ["openpose_body25", "alphapose_coco17.json", "alphapose_halpe26.json", "coco_results.json"]
)
def test_files_of_other_tools_are_lifted(file: str, here: Path) -> None:
    options = ("--size", "640x640", "--fps", "29.97", "--no-refine")  # refined, everybody depends on the common ground
    done = run("lift", f"formats/{file}", "-o", "3d.npz", *options, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["people"], told["frames"], told["size"], told["fps"]) == (2, 8, [640, 640], [30000, 1001])
    result = load_result("3d.npz")
    assert np.isfinite(result.poses_3d[result.keypoints.placed]).all()
    main_person = run("lift", f"formats/{file}", "-o", "1.npz", *options, "--person", "main")
    assert main_person.exit_code == 0
    np.testing.assert_allclose(load_result("1.npz").poses_3d, result.poses_3d[:1], atol=1e-6)


def test_the_video_says_size_rate_and_length(here: Path, make_video: Any) -> None:
    clip = make_video(name="clip.mp4", size=(640, 640), frames=12)
    assert run("lift", "formats/openpose_body25", "-o", "3d.npz", "--video", clip).exit_code == 0
    lifted = load_result("3d.npz")
    assert (lifted.keypoints.frames, lifted.keypoints.size) == (12, (640, 640))
    done = run("infer", clip, "--keypoints", "formats/openpose_body25", "--export", "i.npz")
    assert done.exit_code == 0, done.output
    inferred = load_result("i.npz")
    np.testing.assert_array_equal(inferred.poses_3d, lifted.poses_3d)
    assert inferred.keypoints.detector == "OpenPose"


def test_resume_knows_when_the_keypoints_have_changed(here: Path, make_video: Any) -> None:
    clip = make_video(name="clip.mp4", size=(640, 640), frames=8)
    line = ("infer", clip, "--keypoints", "formats/openpose_body25", "--no-render", "--resume", "--quiet")
    assert run(*line).exit_code == 0
    assert load_result("clip_3d.npz").people == 2
    for number in range(8):
        (here / "formats" / "openpose_body25" / f"clip_{number:012d}_keypoints.json").write_text('{"people": []}')
    assert run(*line).exit_code == 3
    assert load_result("clip_3d.npz").people == 0


def test_one_person_of_a_result_file_is_lifted(here: Path) -> None:
    size = ("--size", "640x640", "--fps", "25")
    assert run("lift", "formats/openpose_body25", "-o", "all.npz", *size).exit_code == 0
    assert run("lift", "all.npz", "-o", "2.npz", "--person", "2", "--no-refine").exit_code == 0
    both, second = load_result("all.npz").keypoints, load_result("2.npz").keypoints
    assert (both.people, second.people) == (2, 1)
    for name in ("points", "scores", "boxes", "present"):
        np.testing.assert_array_equal(getattr(second, name), getattr(both, name)[1:])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("formats/openpose_body25", "Give --video CLIP, or --size WIDTHxHEIGHT and --fps RATE."),
        ("formats/openpose_body25 --size 640x640", "or --fps RATE."),
        ("empty", "no numbered .json files in this folder"),
        ("missing.json --size 64x64 --fps 25", "no such file"),
        ("formats/openpose_body25 --size 640x640 --fps 25 --person 7", "no person 7, 2 found"),
        ("text.json --size 64x64 --fps 25", "not a readable JSON file"),
        ("ours.npz --fps 25", "a result file says this itself. Leave out --fps."),
        ("ours.npz --layout coco17 --clip a", "a result file says this itself. Leave out --clip, --layout."),
        ("ours.npz --min-score 0.5 --no-repair-swaps", "cleaned already. Leave out --min-score, --no-repair-swaps,"),
        ("ours.npz --max-gap 1", "cleaned already. Leave out --max-gap, or detect again"),
        ("ours.npz --person 3", "ours.npz: no person 3, 2 found. Choose --person all, main, or 1 to 2."),
        ("clip.MP4", "clip.MP4: a video, and lift takes keypoints. Use infer, or detect first"),
        ("ours.npz --fov 60 --focal 500", "--fov contradicts --focal. Leave one of them out."),
        ("ours.npz --calib c.json", "c.json: its camera matrix is not 3 x 3 numbers"),
        ("formats/openpose_body25 --video text.json", "text.json"),
    ],
)
def test_what_cannot_be_lifted_is_one_line(line: str, says: str, here: Path) -> None:
    (here / "text.json").write_text("hello")
    (here / "empty").mkdir()
    (here / "clip.MP4").write_bytes(b"\0\0\0\x20ftypisom")
    (here / "c.json").write_text('{"camera_matrix": [[600, 0], [0, 600]]}')
    run("lift", "formats/openpose_body25", "-o", "ours.npz", "--size", "640x640", "--fps", "25")
    done = run("lift", *line.split(), "-o", "out.npz")
    assert done.exit_code == 1
    errors = done.stderr.strip().splitlines()
    assert len(errors) == 1
    assert errors[0].startswith("Error: ")
    assert says in errors[0]
    assert not (here / "out.npz").exists()

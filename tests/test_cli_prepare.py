"""`videopose3d prepare` in this process: what is written, printed and refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from golden_files import FOLDER
from motions import motion
from numpy import savez
from raw_files import CAMERA_IDS, millimetres, write_cdf, write_dump, write_mat

from videopose3d.cli_prepare import prepare
from videopose3d.datasets.community import read_positions_2d, read_positions_3d
from videopose3d.datasets.mocap import MotionLibrary, load_library, save_library
from videopose3d.skeleton import H36M17

DUMPS = FOLDER / "detections"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_cdf(Path("in/S1/MyPoseFeatures/D3_Positions/Walking.cdf"), millimetres(5))
    for camera, size in zip(CAMERA_IDS, [1002, 1000, 1000, 1002], strict=True):
        points = millimetres(5)[:, :34].reshape(5, 17, 2)
        write_dump(Path(f"found/S1/Walking.{camera}.mp4.npz"), points, size=(1000, size))
    return tmp_path


def run(*args: object) -> Result:
    return CliRunner().invoke(prepare, [str(arg) for arg in args], catch_exceptions=False)


def test_h36m_goes_to_data(here: Path) -> None:
    done = run("h36m", "in", "--allow-incomplete")
    assert (done.exit_code, done.stdout.split()) == (0, ["data/data_3d_h36m.npz", "data/data_2d_h36m_gt.npz"])
    assert "h36m: no S11\n" in done.stderr
    assert "h36m: read 5 frames" in done.stderr
    assert list(read_positions_3d(here / "data" / "data_3d_h36m.npz")) == ["S1"]


def test_quiet_prints_files_only(here: Path) -> None:
    done = run("h36m", "in", "--allow-incomplete", "-q", "--output", "there")
    assert (done.stdout.split(), done.stderr) == (["there/data_3d_h36m.npz", "there/data_2d_h36m_gt.npz"], "")


def test_truth_and_detections_in_one_go(here: Path) -> None:
    done = run("h36m", "in", "--detections", "found", "--name", "mine", "--allow-incomplete", "--json", "-q")
    summary = json.loads(done.stdout)
    assert [Path(path).name for path in summary["outputs"]] == [
        "data_3d_h36m.npz",
        "data_2d_h36m_gt.npz",
        "data_2d_h36m_mine.npz",
    ]
    assert (summary["subjects"], summary["takes"], summary["frames"]) == (["S1"], [1, 1], [5, 5])
    assert "no S11" in summary["remarks"]


def test_detections_alone_with_their_layout(here: Path) -> None:
    done = run("h36m", "--detections", "found", "--name", "mine", "--layout", "h36m17")
    assert done.stdout == "data/data_2d_h36m_mine.npz\n"
    assert read_positions_2d(here / "data" / "data_2d_h36m_mine.npz")[1]["layout_name"] == "h36m"


def test_humaneva(here: Path) -> None:
    from numpy import zeros

    made = {"poses_3d": zeros((373, 15, 3)), "poses_2d": zeros((373, 3, 15, 2))}
    write_mat(here / "converted_15j/Train/S1/Jog_1.mat", **made)
    done = run("humaneva", "converted_15j", "--allow-incomplete")
    assert done.stdout.split() == ["data/data_3d_humaneva15.npz", "data/data_2d_humaneva15_gt.npz"]
    for camera in ("C1", "C2", "C3"):
        shutil.copy(DUMPS / "single.mp4.npz", here / "found" / "S1" / f"Box_2_({camera}).avi.npz")
    options = ["--detections", "found", "--name", "mine", "--allow-incomplete"]
    done = run("humaneva", "converted_15j", *options)
    assert done.stdout == "data/data_2d_humaneva15_mine.npz\n"
    assert list(read_positions_2d(here / done.stdout.strip())[0]) == ["Unlabeled/S1"]


def test_custom(here: Path) -> None:
    done = run("custom", DUMPS / "single.mp4.npz", DUMPS / "mixed.mp4.npz", "--name", "mine")
    assert (done.exit_code, done.stdout) == (0, "data/data_2d_custom_mine.npz\n")
    again = run("custom", DUMPS / "single.mp4.npz", "--name", "mine")
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr.startswith("Error: data/data_2d_custom_mine.npz: the file exists already. Give --overwrite")
    assert run("custom", DUMPS / "single.mp4.npz", "--name", "mine", "--overwrite").exit_code == 0
    assert list(read_positions_2d(here / "data" / "data_2d_custom_mine.npz")[0]) == ["single.mp4"]


def test_mocap(here: Path) -> None:
    save_library(here / "open.npz", MotionLibrary((motion(60, split="test"),)))
    save_motion(here / "takes" / "ann" / "walk.npz")
    (here / "takes" / "ann" / "broken.bvh").write_text("none")
    done = run("mocap", "open.npz", "takes", "-o", "there/library.npz")
    assert (done.exit_code, done.stdout) == (0, "there/library.npz\n")
    assert done.stderr.splitlines()[-3:] == [
        "mocap: skipped takes/ann/broken.bvh: HIERARCHY or MOTION is missing. Is it a BVH file? It should hold "
        "HIERARCHY, ROOT ... and MOTION.",
        "mocap: jump: 1 clips, 0.03 min (test 0.03)",
        "mocap: takes: 1 clips, 0.03 min (train 0.03)",
    ]
    assert [(m.dataset, m.subject) for m in load_library("there/library.npz")] == [("jump", "1"), ("takes", "ann")]
    assert run("mocap", "takes", "-o", "there/library.npz").stderr.startswith(
        "Error: there/library.npz: the file exists"
    )
    words = ["--overwrite", "--json", "-q", "--split", "validation", "--detector", "coco"]
    summary = json.loads(run("mocap", "takes", "-o", "there/library.npz", *words).stdout)
    assert (summary["outputs"], summary["subjects"], summary["takes"]) == (["there/library.npz"], ["ann"], [1])
    assert summary["sets"] == [{"set": "takes", "clips": 1, "minutes": 0.03, "train": 0, "validation": 0.03, "test": 0}]
    assert (len(summary["skipped"]), summary["detector"]) == (1, "coco")
    strict = run("mocap", "takes", "-o", "b.npz", "--strict")
    assert (strict.exit_code, strict.stdout) == (1, "")
    assert not (here / "b.npz").exists()


def save_motion(path: Path) -> None:
    """A standing person's joints as an .npz of points."""
    joints = motion(60).joints_h36m
    path.parent.mkdir(parents=True)
    savez(path, names=H36M17.joints, points=joints, fps=30)


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["h36m"], 2, "Give SOURCE, or --detections with --name, or both"),
        (["h36m", "in", "--name", "x"], 2, "--detections and --name go together"),
        (["h36m", "--detections", "found"], 2, "--detections and --name go together"),
        (["humaneva", "in", "--name", "x"], 2, "--detections and --name go together"),
        (["h36m", "in", "--layout", "body25"], 2, "'body25' is not one of"),
        (["custom", "--name", "x"], 2, "Missing argument"),
        (["custom", "found"], 2, "Missing option '--name'"),
        (["h36m", "nowhere"], 1, "Error: nowhere: no such file or folder. Expected S1/"),
        (["h36m", "in"], 1, "Error: in: incomplete: S1 lacks"),
        (["humaneva", "in"], 1, "Error: in: nothing of HumanEva in here"),
        (["custom", "found", "--name", "x"], 1, "Error: found: no .npz files in this folder"),
        (["custom", "found/S1", "--name", "../x"], 1, "a name of letters"),
        (["mocap", "in"], 2, "Missing option '-o'"),
        (["mocap", "in", "-o", "a.bvh"], 2, "a.bvh: the name must end in .npz"),
        (["mocap", "in", "-o", "a.npz", "--split", "dev"], 2, "'dev' is not one of"),
        (["mocap", "in", "-o", "a.npz"], 1, "Error: in: no motion files in this folder"),
        (["mocap", "nowhere", "-o", "a.npz"], 1, "Error: nowhere: no such file or folder"),
        (["mocap", "found", "-o", "a.npz"], 1, "neither a motion library nor points"),
    ],
)
def test_mistakes_are_one_line(args: list[str], code: int, says: str, here: Path) -> None:
    done = run(*args)
    assert (done.exit_code, done.stdout) == (code, "")
    assert says in done.stderr
    assert code == 2 or done.stderr.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in done.stderr
    assert not (here / "data").exists()

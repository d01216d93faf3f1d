"""The command `finetune cpn` through Click: what it writes, and one line for whatever is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from stick_people import write_network, write_people

from videopose3d.cli_finetune import finetune
from videopose3d.detectors.loading import load_keypoint_network

SMALL = ["--steps", "2,1", "--batch", "2", "--device", "cpu", "--workers", "1", "--validate-every", "2"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_people(folder / "people", 4)
    write_people(folder / "others", 2, seed=1, prefix="B/")
    write_network(folder / "small.safetensors")
    return folder


def invoke(*words):
    return CliRunner().invoke(finetune, ["cpn", *map(str, words)], catch_exceptions=False)


def test_a_run_prints_figures_and_where_the_weights_are(data: Path, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    words = (data / "people", *SMALL, "--init", data / "small.safetensors", "-o", tmp_path / "run")
    done = invoke(*words, "--validation", data / "others")
    torch.set_num_threads(before)
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(tmp_path / "run" / "last.safetensors")
    assert "step 2  lr 5.0e-05  loss" in done.stderr
    assert "step 3  lr 5.0e-06  loss" in done.stderr
    assert "pck 0." in done.stderr
    assert load_keypoint_network(done.stdout.strip()).input_size == (64, 64)
    assert "exists" in refused(*words)


def refused(*words):
    """The one line that a wrong command ends with."""
    done = invoke(*words)
    assert done.exit_code == 1, done.output
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Error: ")
    return lines[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["--init", "nothing.pth"], "no such keypoint network"),
        (["--train-on", "S1"], "no picture begins with 'S1'"),
        (["--test-on", "0009"], "no picture begins with '0009'"),
        (["--device", "cuda:99"], "GPU"),
        (["--images", "nowhere"], "no picture 0000.png"),
        (["--validation", "nowhere.json"], "nowhere.json"),
        (["--input-size", "100,100"], "multiples of 32"),
        (["--input-size", "64"], "height and width"),
        (["--steps", "0"], "steps"),
    ],
)
def test_wrong_input_is_one_line_and_leaves_nothing(changes, message, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    line = refused(data / "people", *SMALL, "--init", data / "small.safetensors", "-o", out, *changes)
    assert message in line
    assert not out.exists()


def _broken(data: Path, folder: Path, change) -> Path:
    content = json.loads((data / "people" / "annotations.json").read_text())
    change(content)
    path = folder / "broken.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("images"), "no 'images'"),
        (lambda c: c["categories"].clear(), "0 categories"),
        (lambda c: c["annotations"][0]["keypoints"].pop(), "17 keypoints"),
        (lambda c: c["annotations"][0].update(bbox="none"), "COCO"),
        (lambda c: c["annotations"][0].update(image_id=99), "99"),
        (lambda c: c["annotations"].clear(), "nobody"),
        (lambda c: c["categories"][0]["keypoints"].__setitem__(1, "hip right"), "no clear side"),
        (lambda c: c["categories"][0]["keypoints"].__setitem__(1, "right_foot"), "no clear side"),
        (lambda c: c["categories"][0]["keypoints"].__setitem__(0, "neck"), "two joints of one name"),
    ],
)
def test_broken_annotations_are_one_line(change, message, data: Path, tmp_path: Path) -> None:
    path = _broken(data, tmp_path, change)
    line = refused(path, "--images", data / "people" / "images", *SMALL, "--init", "random", "-o", tmp_path / "run")
    assert message in line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("text", ["", "[1, 2]", "{", '{"a": ' * 3000])
def test_files_that_are_no_annotations_are_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text)
    assert "x.json" in refused(tmp_path / "x.json", *SMALL, "--init", "random", "-o", tmp_path / "run")


def test_options_that_contradict_each_other() -> None:
    assert invoke("x", "-o", "y", "--resume", "--overwrite").exit_code == 2
    assert invoke("x", "-o", "y", "--validation-images", "z").exit_code == 2

from __future__ import annotations

import csv
import json
import os

import pytest
import torch
from click.testing import CliRunner
from golden_files import FOLDER, golden_json
from golden_nets import golden_lifter

from videopose3d.cli_evaluate import evaluate
from videopose3d.lifter.weights import save_lifter
from videopose3d.weights.header import LifterHeader

DATA = ["--data-dir", str(FOLDER / "data"), "--device", "cpu"]
RUNS = golden_json("eval_tables")["runs"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setenv("COLUMNS", "120")
    yield
    torch.set_num_threads(before)


@pytest.fixture
def weights(tmp_path):
    """A function that writes the lifter of the golden tables and gives its path."""

    def make(name="tiny", **fields):
        fields = {"skeleton_in": "h36m17", "normalisation": "screen", "features": 2} | fields
        lifter = golden_lifter(LifterHeader(name, (3, 3, 3), 16, **fields))
        save_lifter(lifter.model, lifter.header, tmp_path / f"{name}.safetensors")
        return str(tmp_path / f"{name}.safetensors")

    return make


def called(*words):
    return CliRunner().invoke(evaluate, [*words, *DATA], catch_exceptions=False)


def printed(*words):
    done = called(*words)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def complaint(*words):
    done = called(*words)
    assert done.exit_code == 1
    assert done.stdout == ""
    (line,) = (line for line in done.stderr.splitlines() if "frames" not in line or line.startswith("Error"))
    assert line.startswith("Error: ")
    return line


def test_the_table_of_the_test_subjects(weights):
    text = printed(weights(), "--keypoints", "gt")
    assert text.startswith("tiny (27 frames) on h36m, S9, S11: 2,544 frames at 50/s, with flip averaging\n")
    averages = {label.strip(): value for _, label, value in RUNS["tta"]["averages"]}
    cells = {line.split()[0]: line.split()[-1] for line in text.splitlines()[2:7]}
    assert cells["MPJPE"] == str(averages["Protocol #1   (MPJPE)"])
    assert cells["P-MPJPE"] == str(averages["Protocol #2 (P-MPJPE)"])
    assert cells["N-MPJPE"] == str(averages["Protocol #3 (N-MPJPE)"])
    assert cells["MPJVE"] == str(averages["Velocity      (MPJVE)"])


def test_options_reach_the_evaluation(weights):
    path = weights()
    content = json.loads(printed(path, "--keypoints", "gt", "--actions", "Walk", "--json"))
    for block in RUNS["actions_prefix"]["blocks"]:
        row = next(r for r in content["overall"]["actions"] if r["action"] == block["action"])
        assert row["mpjpe"] == pytest.approx(block["mpjpe"], rel=1e-4)
    options = ("--subjects", "S6, S7", "--downsample", "2", "--subset", "0.5", "--no-flip")
    content = json.loads(printed(path, "--keypoints", "gt", *options, "--json"))
    assert (content["subjects"], content["flip"], content["fps"]) == (["S6", "S7"], False, 25)
    assert content["subset"] == 0.5


def test_subjects_and_layouts(weights):
    path = weights()
    text = printed(path, "--keypoints", "gt", "--by-subject")
    assert [line for line in text.splitlines() if line in ("S9", "S11", "all subjects")] == [
        "S9",
        "S11",
        "all subjects",
    ]
    tall = printed(path, "--keypoints", "gt", "--layout", "tall")
    assert "frames" in tall.splitlines()[1]


def test_humaneva(weights):
    path = weights(skeleton_in="humaneva15", skeleton_out="humaneva15")
    text = printed(path, "--dataset", "humaneva15", "--keypoints", "gt", "--subjects", "Validate/S1,Validate/S2")
    assert "at 60/s" in text


def test_a_data_set_file_and_a_keypoint_file(weights, tmp_path):
    from videopose3d.datasets import load_dataset, save_dataset

    path = weights()
    by_name = printed(path, "--keypoints", "gt", "--subjects", "S9")
    by_path = printed(path, "--keypoints", str(FOLDER / "data/data_2d_h36m_gt.npz"), "--subjects", "S9")
    assert by_path == by_name
    save_dataset(load_dataset("h36m", "gt", FOLDER / "data"), tmp_path / "mine.npz")
    own = printed(path, "--dataset", str(tmp_path / "mine.npz"), "--subjects", "S9")
    assert own.splitlines()[2:] == by_name.splitlines()[2:]


def test_csv(weights, tmp_path):
    path, file = weights(), tmp_path / "table.csv"
    printed(path, "--keypoints", "gt", "--csv", str(file))
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert rows[3]["action"] == "average"
    assert float(rows[3]["mpjpe"]) == pytest.approx(RUNS["tta"]["averages"][0][2], abs=0.06)
    before = file.read_bytes()
    assert "exists already" in complaint(path, "--keypoints", "gt", "--actions", "Walk", "--csv", str(file))
    assert file.read_bytes() == before
    printed(path, "--keypoints", "gt", "--actions", "Walk", "--csv", str(file), "--overwrite")
    assert len(file.read_text().splitlines()) == 1 + 3 * (2 + 1)
    assert sorted(os.listdir(tmp_path)) == ["table.csv", "tiny.safetensors"]


def test_a_failed_evaluation_writes_no_csv(weights, tmp_path):
    complaint(weights(), "--keypoints", "gt", "--subjects", "S90", "--csv", str(tmp_path / "table.csv"))
    assert sorted(os.listdir(tmp_path)) == ["tiny.safetensors"]


def test_against_the_paper(weights):
    text = printed(weights(), "--keypoints", "gt", "--against", "paper")
    last = "Nothing published for 27 frames with the keypoints gt; there is 243 frames."
    assert text.splitlines()[-1] == last
    file = str(FOLDER / "data/data_2d_h36m_gt.npz")
    assert printed(weights(), "--keypoints", file, "--against", "paper").splitlines()[-1] == last


@pytest.mark.parametrize("name", ["epoch_80.bin", "videopose.pth"])
def test_a_foreign_checkpoint_is_sent_to_import(tmp_path, name):
    (tmp_path / name).write_bytes(b"anything")
    line = complaint(str(tmp_path / name), "--keypoints", "gt")
    assert f"videopose3d weights import {tmp_path / name} -o" in line


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--keypoints", "gt", "--subjects", "S90"), "no subject 'S90'. There are S1, S5"),
        (("--keypoints", "gt", "--subjects", ""), "no subjects given"),
        (("--keypoints", "gt", "--actions", "Fly"), "no action 'Fly'"),
        (("--keypoints", "nobody"), "no such keypoints"),
        (("--dataset", "custom"), "no such keypoints"),
        (("--dataset", "h37m", "--keypoints", "gt"), "no data set 'h37m'"),
        (("--keypoints", "detectron_pt_coco"), "it takes h36m17 keypoints"),
        (("--dataset", "custom", "--keypoints", "tiny"), "coco17"),
        (("--keypoints", "gt", "--device", "tpu"), "unknown device"),
    ],
)
def test_mistakes_are_one_line(weights, words, why):
    done = CliRunner().invoke(evaluate, [weights(), *DATA, *words], catch_exceptions=False)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert why in done.stderr


def test_a_lifter_that_is_nowhere():
    assert "no such lifter" in complaint("nowhere", "--keypoints", "gt")


@pytest.mark.parametrize("words", [("--subset", "0"), ("--downsample", "0"), ("--against", "me"), ("--fov", "0")])
def test_impossible_numbers_are_wrong_usage(weights, words):
    assert called(weights(), "--keypoints", "gt", *words).exit_code == 2


def test_quiet(weights):
    loud = called(weights(), "--keypoints", "gt", "--actions", "Walk")
    quiet = called(weights(), "--keypoints", "gt", "--actions", "Walk", "--quiet")
    assert "evaluate 1760 frames in" in loud.stderr
    assert quiet.stderr == ""
    assert quiet.stdout == loud.stdout


def test_json_holds_the_published_errors_or_why_there_are_none(weights):
    words = [weights(), *DATA, "--keypoints", "gt", "--json"]
    plain = json.loads(CliRunner().invoke(evaluate, words, catch_exceptions=False).stdout)
    assert "published" not in plain
    assert "data_2d_h36m_gt.npz" in plain["source"]
    told = json.loads(CliRunner().invoke(evaluate, [*words, "--against", "paper"], catch_exceptions=False).stdout)
    assert told["published"].keys() & {"why_not", "averages"}

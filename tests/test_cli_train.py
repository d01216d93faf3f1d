"""The command `train` through Click: bad input, and what it writes."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner
from golden_files import FOLDER

from videopose3d.cli import main

DATA = ["--data-dir", str(FOLDER / "data")]
SMALL = ["--filter-widths", "3,3", "--channels", "8", "--batch", "512", "--epochs", "1", "--device", "cpu"]


def invoke(*words):
    return CliRunner().invoke(main, ["train", *map(str, words)])


def refused(*words):
    """The one line that a wrong command ends with."""
    done = invoke(*words)
    assert done.exit_code == 1, done.output
    assert isinstance(done.exception, SystemExit)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Error: ")
    return lines[0]


def test_a_run_prints_the_table_and_where_the_weights_are(tmp_path):
    done = invoke("h36m", *DATA, *SMALL, "-o", tmp_path / "run", "--subjects-train", "S1")
    assert done.exit_code == 0, done.output
    assert done.stdout.strip().splitlines()[-1] == str(tmp_path / "run" / "last.safetensors")
    for word in ("MPJPE", "P-MPJPE", "Walk", "Avg."):
        assert word in done.stdout
    assert "3d_valid" in done.stderr
    assert (tmp_path / "run" / "best.safetensors").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["--subjects-train", "S1,S99"], "no subject 'S99'"),
        (["--subjects-train", ""], "no subjects given"),
        (["--subjects-train", "S2"], "no subject 'S2'"),
        (["--actions", "Dance"], "no action 'Dance'"),
        (["--subjects-unlabelled", "Q"], "no subject 'Q'"),
        (["-k", "nobody"], "data_2d_h36m_nobody.npz"),
        (["--data-dir", "nowhere"], "nowhere"),
        (["--filter-widths", "3,4"], "odd"),
        (["--device", "cuda:99"], "GPU"),
        (["--init", "no.safetensors"], "no.safetensors"),
        (["--subset", "0.00001"], "leaves no frames"),
    ],
)
def test_wrong_input_is_one_line_and_leaves_nothing(changes, message, tmp_path):
    out = tmp_path / "run"
    line = refused("h36m", *DATA, *SMALL, "-o", out, *changes)
    assert message in line
    assert not out.exists()


def test_humaneva_cannot_train_with_unlabelled_video(tmp_path):
    line = refused(
        "humaneva15", *DATA, *SMALL, "-o", tmp_path / "run", "--subjects-train", "Train/S1",
        "--subjects-test", "Validate/S1", "--subjects-unlabelled", "Train/S2",
    )  # fmt: skip
    assert "focal lengths" in line


def test_a_truncated_file_is_one_line(tmp_path):
    whole = (FOLDER / "data" / "data_3d_h36m.npz").read_bytes()
    (tmp_path / "data_3d_h36m.npz").write_bytes(whole[:5000])
    (tmp_path / "data_2d_h36m_gt.npz").write_bytes((FOLDER / "data" / "data_2d_h36m_gt.npz").read_bytes())
    assert "data_3d_h36m.npz" in refused("h36m", "--data-dir", tmp_path, *SMALL, "-o", tmp_path / "run")


def test_keypoints_that_are_not_numbers_are_one_line(tmp_path):
    from videopose3d.datasets.community import read_positions_2d, write_positions_2d

    positions, metadata = read_positions_2d(FOLDER / "data" / "data_2d_h36m_gt.npz")
    action = next(iter(positions["S1"]))
    positions["S1"][action][0][3, 2] = np.nan
    write_positions_2d(tmp_path / "broken.npz", positions, metadata)
    line = refused("h36m", *DATA, *SMALL, "-k", tmp_path / "broken.npz", "-o", tmp_path / "run")
    assert "S1" in line
    assert action in line


@pytest.mark.parametrize("flag", ["--causal", "--channels=9", "--filter-widths=3,3,3"])
def test_an_architecture_that_is_not_that_of_the_initial_weights_is_wrong_usage(flag, tmp_path):
    first = tmp_path / "first"
    assert invoke("h36m", *DATA, *SMALL, "-o", first, "--subjects-train", "S1", "-q").exit_code == 0
    again = ["h36m", *DATA, "--epochs", "1", "-o", tmp_path / "again", "--init", first / "last.safetensors"]
    done = invoke(*again, flag)
    assert done.exit_code == 2
    assert "contradicts the initial weights" in done.stderr
    assert invoke(*again, "--channels", "8", "--subjects-train", "S1", "--batch", "512", "-q").exit_code == 0


@pytest.mark.parametrize("seed", ["-1", "99999999999999"])
def test_an_impossible_seed_is_wrong_usage(seed, tmp_path):
    assert invoke("h36m", *DATA, "-o", tmp_path, "--seed", seed).exit_code == 2


def test_resume_and_overwrite_contradict_each_other(tmp_path):
    done = invoke("h36m", *DATA, "-o", tmp_path, "--resume", "--overwrite")
    assert done.exit_code == 2


def test_tensorboard_writes_events_or_says_what_to_install(tmp_path):
    done = invoke("h36m", *DATA, *SMALL, "-o", tmp_path / "run", "--subjects-train", "S1", "--tensorboard", "-q")
    if done.exit_code:
        assert "pip install tensorboard" in done.stderr
    else:
        assert list((tmp_path / "run" / "tensorboard").glob("events*"))

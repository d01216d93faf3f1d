"""Runs that are killed, stopped or shared, as processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from golden_files import FOLDER
from safetensors.numpy import load_file

from videopose3d.pipeline.training import fit

COMMON = [
    "train", "h36m", "--data-dir", str(FOLDER / "data"), "--filter-widths", "3,3", "--channels", "8", "--batch", "64",
    "--subjects-train", "S1", "--subjects-test", "S9", "--actions", "Walking", "--device", "cpu",
]  # fmt: skip
SEMI = ["--subjects-unlabelled", "S5", "--warmup", "1"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def command(folder, *options, epochs=3):
    return [sys.executable, "-m", "videopose3d", *COMMON, "-o", str(folder), "--epochs", str(epochs), *options]


def run(folder, *options, epochs=3, expected=0):
    done = subprocess.run(
        command(folder, *options, epochs=epochs), capture_output=True, text=True, check=False, env=ENVIRONMENT
    )
    assert done.returncode == expected, done.stderr
    return done


def weights(folder):
    return load_file(folder / "last.safetensors")


def assert_same(one, other):
    assert one.keys() == other.keys()
    for key, value in one.items():
        np.testing.assert_array_equal(value, other[key], err_msg=key)


SLOW_STEPS = """
import sys, time
from videopose3d.pipeline.training import fit
step = fit.Fit._step
def slow(self, rows):
    time.sleep({pause} if self.run.epoch == 2 else 0)
    return step(self, rows)
fit.Fit._step = slow
fit.SAVE_EVERY = {save_every}
from videopose3d.cli import main
main(sys.argv[1:])
"""


def begin(folder, *options, save_every=600.0):
    """Start a run whose third epoch is slow, and wait until it is in the middle of it."""
    script = SLOW_STEPS.format(pause=0.05, save_every=save_every)
    arguments = command(folder, *options)[3:]
    process = subprocess.Popen([sys.executable, "-c", script, *arguments], stderr=subprocess.PIPE, env=ENVIRONMENT)
    for _ in range(600):
        log = folder / fit.CHECKPOINT.replace("checkpoint.safetensors", "log.csv")
        if log.exists() and len(log.read_text().splitlines()) == 3:
            break
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    time.sleep(0.4)
    assert process.poll() is None
    return process


slow = pytest.mark.slow


@pytest.mark.parametrize(
    ("options", "save_every"),
    [
        pytest.param([], 600.0, marks=slow, id="labelled"),
        pytest.param([], 0.1, marks=slow, id="labelled, saved within the epoch"),
        pytest.param(SEMI, 600.0, marks=slow, id="unlabelled, too"),
        pytest.param(SEMI, 0.1, id="unlabelled, too, saved within the epoch"),
    ],
)
def test_a_killed_run_resumes_to_the_same_weights(options, save_every, tmp_path):
    run(tmp_path / "whole", *options)
    process = begin(tmp_path / "killed", *options, save_every=save_every)
    process.kill()
    process.wait()
    process.stderr.close()
    run(tmp_path / "killed", *options, "--resume")
    assert_same(weights(tmp_path / "killed"), weights(tmp_path / "whole"))


@pytest.mark.parametrize("how", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=slow)])
def test_a_stopped_run_says_how_to_go_on_and_does(how, tmp_path):
    run(tmp_path / "whole")
    process = begin(tmp_path / "stopped")
    process.send_signal(how)
    said = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 130
    assert said.strip().splitlines()[-1].startswith("Stopped. Go on with the same command and --resume")
    run(tmp_path / "stopped", "--resume")
    assert_same(weights(tmp_path / "stopped"), weights(tmp_path / "whole"))


@slow
def test_a_finished_run_has_nothing_to_resume(tmp_path):
    run(tmp_path, epochs=1)
    before = weights(tmp_path)
    run(tmp_path, "--resume", epochs=1)
    assert_same(weights(tmp_path), before)


ONE_EPOCH_OF_UNLABELLED = ["--subjects-unlabelled", "S5", "--warmup", "0", "--subset", "0.2"]


@pytest.mark.parametrize(
    ("options", "epochs"),
    [pytest.param([], 3, marks=slow, id="labelled"), pytest.param(ONE_EPOCH_OF_UNLABELLED, 1, id="unlabelled, too")],
)
def test_two_processes_train_as_one_with_twice_the_batch(options, epochs, tmp_path):
    options = [*options, "--dropout", "0", "--batch"]  # dropout is drawn by every process on its own
    alone = run(tmp_path / "one", *options, "128", epochs=epochs)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", free_port()]
    two = [*torchrun, *command(tmp_path / "two", *options, "64", epochs=epochs)[1:]]
    done = subprocess.run(two, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    one, other = (np.genfromtxt(tmp_path / name / "log.csv", delimiter=",", names=True) for name in ("one", "two"))
    assert one.dtype.names == other.dtype.names
    for name in one.dtype.names:
        if name.startswith(("3d", "traj", "2d")):
            np.testing.assert_allclose(other[name], one[name], rtol=1e-3, err_msg=name)
    assert done.stdout.count("MPJPE") == alone.stdout.count("MPJPE") > 0


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])

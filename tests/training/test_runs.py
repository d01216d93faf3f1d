"""Whole runs against the log lines and checkpoints of the original program."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from golden_data import RUNS, config, human36m, split, start
from safetensors import safe_open

from videopose3d.calibration import CalibratedCamera, project
from videopose3d.datasets import PoseDataset, PoseSequence, load_dataset, save_dataset
from videopose3d.errors import InputError, OutputError, SkeletonMismatchError, WeightsError
from videopose3d.geometry import pixels_from_screen
from videopose3d.lifter.lift import Lifter
from videopose3d.pipeline.evaluate import evaluate
from videopose3d.pipeline.training.run import train
from videopose3d.pipeline.training.setup import Split
from videopose3d.skeleton import Skeleton


@pytest.fixture(scope="module")
def data():
    return human36m()


@pytest.mark.parametrize("name", RUNS)
def test_a_run_prints_what_the_original_prints(name, data, tmp_path):
    rows, settings = [], config(name)
    weights = train(
        data,
        tmp_path,
        split(name),
        settings,
        device="cpu",
        initial=start(settings.causal),
        report=lambda status: rows.append(status.row) if status.row else None,
    )
    assert len(rows) == len(RUNS[name]["epochs"])
    for found, wanted in zip(rows, RUNS[name]["epochs"], strict=True):
        assert {k for k in wanted if k.startswith(("3d", "traj", "2d"))} <= set(found)
        for key, value in wanted.items():
            assert found[key] == pytest.approx(value, rel=1e-2 if key == "lr" else 1e-4), key
    for epoch in wanted_checkpoints(name):
        check_sums(tmp_path / f"epoch_{epoch}.safetensors", RUNS[name]["checkpoints"][f"epoch_{epoch}.bin"])
    scores = evaluate(Lifter.load(str(weights), "cpu"), data, ("S9", "S11"), downsample=settings.downsample)
    check_table(scores, RUNS[name]["blocks"])


def wanted_checkpoints(name):
    return [int(file.removesuffix(".bin").removeprefix("epoch_")) for file in RUNS[name]["checkpoints"]]


def check_sums(file, wanted):
    with safe_open(file, "numpy") as tensors:
        for network, prefix in (("model_pos", ""), ("model_traj", "trajectory.")):
            for key, sums in (wanted[network] or {}).items():
                if not key.endswith("num_batches_tracked"):
                    flat = tensors.get_tensor(prefix + key).astype(np.float64).ravel()
                    found = [flat.sum(), (flat**2).sum(), flat @ np.sin(0.1 * np.arange(flat.size))]
                    np.testing.assert_allclose(found, sums, rtol=1e-3, atol=2e-3, err_msg=key)


def check_table(scores, blocks):
    rows = {row.action: row for row in scores.overall.rows}
    for block in blocks:
        row = rows[block["action"]]
        for metric in ("mpjpe", "p_mpjpe", "n_mpjpe", "mpjve"):
            assert getattr(row, metric) == pytest.approx(block[metric], rel=1e-3)


SMALL = {"epochs": 2, "channels": 8, "filter_widths": (3, 3), "batch": 512, "keep_every": 0}


@pytest.fixture
def small():
    return replace(config("supervised"), **SMALL)


def test_a_run_leaves_weights_log_and_curves(data, small, tmp_path):
    weights = train(data, tmp_path / "run", Split(("S1",), ("S9",)), small, device="cpu")
    found = {path.name for path in (tmp_path / "run").iterdir()}
    assert found == {"last.safetensors", "best.safetensors", "checkpoint.safetensors", "log.csv", "curves.png"}
    with (tmp_path / "run" / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    header = Lifter.load(str(weights), "cpu").header
    assert (header.name, header.fps, header.normalisation, header.skeleton_in) == ("run", 50, "screen", "h36m17")
    assert header.metrics["3d_valid"] == pytest.approx(float(rows[-1]["3d_valid"]), abs=0.01)


def test_an_earlier_run_is_not_replaced_unasked(data, small, tmp_path):
    train(data, tmp_path, Split(("S1",), ()), small, device="cpu")
    before = (tmp_path / "last.safetensors").read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        train(data, tmp_path, Split(("S5",), ()), small, device="cpu")
    assert (tmp_path / "last.safetensors").read_bytes() == before
    train(data, tmp_path, Split(("S5",), ()), small, device="cpu", existing="overwrite")
    assert (tmp_path / "last.safetensors").read_bytes() != before


def test_resuming_with_other_settings_is_refused(data, small, tmp_path):
    train(data, tmp_path, Split(("S1",), ()), small, device="cpu")
    with pytest.raises(WeightsError, match="dropout was 0.0, is 0.5"):
        train(data, tmp_path, Split(("S1",), ()), replace(small, dropout=0.5), device="cpu", existing="resume")


@pytest.mark.parametrize("content", [b"", b"no safetensors", b'\x08\x00\x00\x00\x00\x00\x00\x00{"a":1}'])
def test_a_damaged_checkpoint_is_one_clear_error(content, data, small, tmp_path):
    (tmp_path / "checkpoint.safetensors").write_bytes(content)
    with pytest.raises(WeightsError, match=r"checkpoint\.safetensors: not a training checkpoint"):
        train(data, tmp_path, Split(("S1",), ()), small, device="cpu", existing="resume")


def test_other_joints_cannot_be_the_start(data, small, tmp_path):
    with pytest.raises(SkeletonMismatchError, match="2D joints coco17"):
        train(data, tmp_path, Split(("S1",), ()), small, device="cpu", initial=start(skeleton_in="coco17"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (Split((), ("S9",)), "no subjects given"),
        (Split(("S77",), ("S9",)), "no subject 'S77'.*There are S1"),
        (Split(("S1",), ("S9",), actions=("Dance",)), "no action 'Dance'"),
    ],
)
def test_a_wrong_choice_is_one_clear_error(chosen, message, data, small, tmp_path):
    with pytest.raises(InputError, match=message):
        train(data, tmp_path, chosen, small, device="cpu")
    assert not list(tmp_path.iterdir())


def test_a_loss_that_explodes_ends_the_run_and_keeps_the_weights(data, small, tmp_path):
    with pytest.raises(InputError, match="diverged"):
        train(data, tmp_path, Split(("S1",), ()), replace(small, learning_rate=1e30, epochs=5), device="cpu")
    assert not (tmp_path / "last.safetensors").exists() or Lifter.load(str(tmp_path / "last.safetensors"), "cpu")


@pytest.mark.parametrize("changes", [{"causal": True}, {"causal": True, "stride": 4}], ids=str)
def test_causal_training_with_unlabelled_video_learns(changes, data, small, tmp_path):
    """The original compares the causal pose with the middle of the window and learns nonsense."""
    rows = []
    settings = replace(small, **changes, epochs=4, warmup=1, batch=64)
    train(
        data, tmp_path, Split(("S1",), ("S9",), ("S5",)), settings, device="cpu",
        report=lambda status: rows.append(status.row) if status.row else None,
    )  # fmt: skip
    assert rows[-1]["2d_train_unsup"] < rows[0]["2d_train_unsup"]
    assert rows[-1]["3d_valid"] < rows[0]["3d_valid"]


def test_keypoints_of_another_layout_train_with_unlabelled_video(small, tmp_path):
    rows = []
    coco = human36m("detectron_pt_coco")
    settings = replace(small, score=False, epochs=3, batch=64)
    train(
        coco, tmp_path, Split(("S1",), ("S9",), ("S5",)), settings, device="cpu",
        report=lambda status: rows.append(status.row) if status.row else None,
    )  # fmt: skip
    assert rows[-1]["2d_train_unsup"] < rows[0]["2d_train_unsup"]
    assert Lifter.load(str(tmp_path / "last.safetensors"), "cpu").header.skeleton_in == "coco17"


def test_the_checkpoint_says_what_it_belongs_to(data, small, tmp_path):
    train(data, tmp_path, Split(("S1",), ("S9",)), small, device="cpu")
    with safe_open(tmp_path / "checkpoint.safetensors", "numpy") as file:
        said = json.loads(file.metadata()["videopose3d_training"])
        names = set(file.keys())
    assert said["run"]["epoch"] == 2
    assert said["run"]["learning_rate"] == pytest.approx(0.001 * 0.95**2)
    assert said["run"]["bn_momentum"] == pytest.approx(0.1 * 100**-0.5)
    assert {"array.random.0", "array.labelled_order", "network.pose.shrink.weight"} <= names
    assert any(name.endswith("max_exp_avg_sq") for name in names)


def test_mixed_precision_trains_nearly_the_same(data, small, tmp_path):
    errors = {}
    for precision in ("float32", "bfloat16"):
        rows = []
        train(
            data, tmp_path / precision, Split(("S1",), ("S9",)), replace(small, precision=precision), device="cpu",
            report=lambda status, rows=rows: rows.append(status.row) if status.row else None,
        )  # fmt: skip
        errors[precision] = rows[-1]["3d_valid"]
    assert errors["bfloat16"] == pytest.approx(errors["float32"], rel=0.03)
    assert errors["bfloat16"] != errors["float32"]


STICK = Skeleton(
    "stick", ("root", "top", "left_hand", "right_hand"), (("root", "top"), ("top", "left_hand"), ("top", "right_hand"))
)
DOTS = Skeleton("dots", ("top", "left_hand", "right_hand"), ())


def own_takes(camera):
    rng = np.random.default_rng(0)
    for subject in ("Ann", "Bob", "Cy"):
        root = np.array([0, 0, 4]) + 0.2 * np.cumsum(rng.normal(0, 0.05, (40, 3)), 0)
        poses = np.array([[0, 0, 0], [0, -0.6, 0], [-0.5, -0.3, 0.1], [0.5, -0.3, -0.1]]) + rng.normal(
            0, 0.03, (40, 4, 3)
        )
        poses[:, 0] = 0
        seen = project((poses + root[:, None])[:, 1:], np.repeat(camera.intrinsics[None], 40, 0))
        points = pixels_from_screen(seen, camera.size).astype(np.float32)
        yield PoseSequence(subject, "Wave", camera, points, poses.astype(np.float32), root.astype(np.float32))


def test_takes_of_ones_own_with_other_joints_train_and_are_judged(small, tmp_path):
    camera = CalibratedCamera("front", (640, 480), (600.0, 600.0), (320.0, 240.0))
    save_dataset(PoseDataset("mine", STICK, DOTS, 30.0, tuple(own_takes(camera))), tmp_path / "mine.npz")
    mine = load_dataset(tmp_path / "mine.npz")
    settings = replace(small, epochs=40, batch=16, warmup=2, learning_rate=0.01, channels=32)
    weights = train(mine, tmp_path / "run", Split(("Ann",), ("Cy",), ("Bob",)), settings, device="cpu")
    lifter = Lifter.load(str(weights), "cpu")
    assert lifter.header.input_skeleton == DOTS
    assert lifter.header.output_skeleton == STICK
    assert lifter.header.fps == 30
    scores = evaluate(lifter, mine, ("Cy",))
    guess = float(np.linalg.norm(mine.sequences[2].poses, axis=-1).mean() * 1000)
    assert scores.average.mpjpe < guess / 2
    again = train(mine, tmp_path / "more", Split(("Ann",), ("Cy",)), small, device="cpu", initial=lifter)
    assert Lifter.load(str(again), "cpu").header.output_skeleton == STICK


def test_an_overwritten_run_leaves_nothing_behind(data, small, tmp_path):
    train(data, tmp_path, Split(("S1",), ()), replace(small, keep_every=1), device="cpu")
    assert (tmp_path / "epoch_2.safetensors").exists()
    (tmp_path / "notes.txt").write_text("mine")
    once = replace(small, epochs=1)
    train(data, tmp_path, Split(("S1",), ()), once, device="cpu", existing="overwrite")
    found = {path.name for path in tmp_path.iterdir()}
    assert found == {"last.safetensors", "checkpoint.safetensors", "log.csv", "notes.txt"}


def test_weights_say_what_they_started_from(data, small, tmp_path):
    first = start()
    first = replace(first, header=replace(first.header, licence="CC BY-NC 4.0", training="elsewhere"))
    train(data, tmp_path, Split(("S1",), ()), replace(small, channels=999), device="cpu", initial=first)
    header = Lifter.load(str(tmp_path / "last.safetensors"), "cpu").header
    assert header.licence == "CC BY-NC 4.0"
    assert "from the weights start (elsewhere)" in header.training
    assert "channels=16" in header.training


def test_a_finished_run_can_be_made_longer_and_keeps_its_columns(data, small, tmp_path):
    train(data, tmp_path, Split(("S1",), ("S9",)), small, device="cpu")
    before = (tmp_path / "log.csv").read_text().splitlines()
    train(data, tmp_path, Split(("S1",), ("S9",)), replace(small, epochs=3), device="cpu", existing="resume")
    after = (tmp_path / "log.csv").read_text().splitlines()
    assert after[: len(before)] == before
    assert len(after) == 4


def test_a_folder_that_cannot_be_written_in_is_noticed_first(data, small, tmp_path):
    (tmp_path / "file").write_text("")
    said = []
    with pytest.raises(OutputError, match="cannot write in this folder"):
        train(data, tmp_path / "file" / "run", Split(("S1",), ()), small, device="cpu", report=said.append)
    assert said == []


def test_testing_on_those_trained_on_is_remarked(caplog):
    Split(("S1", "S9"), ("S9", "S11"))
    Split(("S1",), ("S9",), ("S9",))
    assert [record.getMessage() for record in caplog.records] == [
        "S9: trained on (labelled) and tested on",
        "S9: trained on (unlabelled) and tested on",
    ]
    assert Split("S1", "S9").train == ("S1",)

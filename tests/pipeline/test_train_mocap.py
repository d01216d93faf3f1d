from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from motions import library
from safetensors.torch import load_file
from torch import Generator

from videopose3d.cli import main
from videopose3d.config import MocapTrainConfig
from videopose3d.datasets.mocap import save_library
from videopose3d.datasets.virtual import BodyConfig, VirtualConfig, WindowSource
from videopose3d.errors import InputError, WeightsError
from videopose3d.geometry import camera_from_fov
from videopose3d.lifter.lift import Lifter
from videopose3d.lifter.weights import load_lifter
from videopose3d.pipeline.train_mocap import Labels, TrainProgress, draw_batch, train_lifter
from videopose3d.weights.store import read_header

STEPS = 6
TINY = MocapTrainConfig(
    windows=STEPS * 8, batch=8, outputs=2, filter_widths=(3, 3), channels=8, dropout=0.1, save_every=2, seed=5
)


def train(out: Path, config: MocapTrainConfig = TINY, **options: object) -> list[TrainProgress]:
    told: list[TrainProgress] = []
    train_lifter(library(), out, config, device="cpu", report=told.append, **options)  # type: ignore[arg-type]
    return told


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[TrainProgress]]:
    out = tmp_path_factory.mktemp("train") / "lifter_tiny.safetensors"
    return out, train(out, labels=Labels("a test", "CC0"))


def interrupt(out: Path) -> None:
    """Train until the last step's report, the last checkpoint being two steps old."""

    def stop(_: TrainProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_lifter(library(), out, TINY, device="cpu", report=stop)
    assert not out.exists()


@pytest.mark.parametrize(("normalisation", "features"), [("rays", 4), ("screen", 3)])
@pytest.mark.parametrize("outputs", [1, 3])
def test_a_batch_is_what_the_network_takes(normalisation: str, features: int, outputs: int) -> None:
    virtual, source = VirtualConfig(), WindowSource(library(), None, BodyConfig())
    config = replace(TINY, batch=32, outputs=outputs, normalisation=normalisation)
    x, y = draw_batch(source, virtual, config, Generator().manual_seed(0))
    assert (x.shape, y.shape) == ((32, 8 + outputs, 17, features), (32, outputs, 17, 3))
    assert x.isfinite().all()
    assert torch.equal(y[:, :, 0], torch.zeros(32, outputs, 3))
    again = draw_batch(source, virtual, config, Generator().manual_seed(0))
    assert torch.equal(again[0], x)
    assert torch.equal(again[1], y)


def test_targets_are_the_frames_that_the_network_gives() -> None:
    """Of one draw: three poses in the middle of a window, or its last three where only the past is seen."""
    source, virtual = WindowSource(library(), None, BodyConfig()), VirtualConfig()
    config = replace(TINY, batch=32, outputs=3)
    poses = {
        c: draw_batch(source, virtual, replace(config, causal=c), Generator().manual_seed(0))[1] for c in (False, True)
    }
    whole = draw_batch(source, virtual, replace(config, outputs=11, filter_widths=(1,)), Generator().manual_seed(0))[1]
    torch.testing.assert_close(poses[False], whole[:, 4:7])
    torch.testing.assert_close(poses[True], whole[:, 8:11])


@pytest.mark.parametrize("changed", [{"velocity": 0.0}, {"bones": 1.0}, {"causal": True}, {"outputs": 1}])
def test_settings_change_what_is_learned(
    changed: dict[str, object], trained: tuple[Path, list[TrainProgress]], tmp_path: Path
) -> None:
    out = tmp_path / "other.safetensors"
    train(out, replace(TINY, **changed))  # type: ignore[arg-type]
    a, b = load_file(trained[0]), load_file(out)
    assert not torch.equal(a["expand_conv.weight"], b["expand_conv.weight"])
    assert read_header(out).causal == TINY.causal or "causal" in changed


def test_a_run_can_start_from_weights(trained: tuple[Path, list[TrainProgress]], tmp_path: Path) -> None:
    out = tmp_path / "on.safetensors"
    still = replace(TINY, windows=TINY.batch, learning_rate=0.0, average=0.0, outputs=1)
    train(out, still, start=Lifter.load(str(trained[0]), "cpu"))
    one, other = load_file(trained[0]), load_file(out)
    assert torch.equal(one["shrink.weight"], other["shrink.weight"])
    with pytest.raises(WeightsError, match="its channels: 8, those of this run: 16"):
        train(out, replace(still, channels=16), start=Lifter.load(str(trained[0]), "cpu"))


def test_a_lifter_of_screen_coordinates_can_be_trained_and_used(tmp_path: Path) -> None:
    out = tmp_path / "screen.safetensors"
    train(out, replace(TINY, normalisation="screen"))
    header = read_header(out)
    assert (header.normalisation, header.features) == ("screen", 3)
    lifter = Lifter.load(str(out), "cpu")
    keypoints = np.random.default_rng(0).uniform(0, 300, (20, 17, 2))
    poses = lifter.lift(keypoints, np.ones((20, 17)), camera_from_fov((320, 240), 60), (320, 240), 30)
    assert poses.shape == (20, 17, 3)


def test_training_reports_and_writes_a_whole_header(trained: tuple[Path, list[TrainProgress]]) -> None:
    out, told = trained
    assert [(p.step, p.steps) for p in told] == [(STEPS, STEPS)]
    assert 0 < told[0].loss < 2000
    assert told[0].rate > 0
    header = read_header(out)
    assert (header.name, header.filter_widths, header.channels, header.features) == ("tiny", (3, 3), 8, 4)
    assert (header.skeleton_in, header.skeleton_out, header.normalisation) == ("coco17", "h36m17", "rays")
    assert (header.stature, header.fps_range, header.licence, header.training) == (1.7, (20, 60), "CC0", "a test")
    assert header.metrics["perfect_2d_mpjpe"] > 0
    assert len(header.metrics) == 18


def test_the_weights_can_be_used(trained: tuple[Path, list[TrainProgress]]) -> None:
    model, _ = load_lifter(trained[0])
    assert model(torch.zeros(1, 11, 17, 4)).shape == (1, 3, 17, 3)
    assert all(value.isfinite().all() for value in load_file(trained[0]).values())
    assert [path.name for path in trained[0].parent.iterdir()] == [trained[0].name]  # no checkpoint stays


def test_a_resumed_run_ends_with_the_same_weights(trained: tuple[Path, list[TrainProgress]], tmp_path: Path) -> None:
    out = tmp_path / "lifter_tiny.safetensors"
    interrupt(out)
    assert [path.name for path in tmp_path.iterdir()] == [f"{out.name}.checkpoint"]
    train(out, start="resume")
    whole, resumed = load_file(trained[0]), load_file(out)
    assert whole.keys() == resumed.keys()
    for key, value in whole.items():
        assert torch.equal(value, resumed[key]), key
    assert read_header(out).metrics == read_header(trained[0]).metrics


def test_another_seed_ends_with_other_weights(trained: tuple[Path, list[TrainProgress]], tmp_path: Path) -> None:
    train(tmp_path / "a.safetensors", replace(TINY, seed=6))
    a, b = load_file(trained[0]), load_file(tmp_path / "a.safetensors")
    assert not torch.equal(a["expand_conv.weight"], b["expand_conv.weight"])


@pytest.mark.parametrize("damage", [False, True])
def test_a_checkpoint_of_another_run_is_refused(damage: bool, tmp_path: Path) -> None:
    out = tmp_path / "a.safetensors"
    interrupt(out)
    if damage:
        Path(f"{out}.checkpoint").write_text("nonsense")
    with pytest.raises(WeightsError, match="not of the same run"):
        train(out, TINY if damage else replace(TINY, channels=16), start="resume")


def test_without_motions_to_train_on(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="train split"):
        train_lifter(library().select("test"), tmp_path / "a.safetensors", TINY, device="cpu")


def test_without_motions_to_measure_on_nothing_is_trained(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no motions of the test or validation split to measure on"):
        train_lifter(library().select("train"), tmp_path / "a.safetensors", TINY, device="cpu")
    assert not list(tmp_path.iterdir())


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_library("motions.npz", library())
    sizes = ["--windows", "16", "--batch", "8", "--channels", "8", "--device", "cpu"]
    command = ["train-mocap", "motions.npz", "-o", "mine.safetensors", *sizes]
    done = CliRunner().invoke(main, command, catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "mine.safetensors"
    assert done.stdout.startswith("set")
    assert done.stderr.startswith("step 2/2  loss ")
    header = read_header(Path("mine.safetensors"))
    assert (header.channels, header.filter_widths) == (8, MocapTrainConfig().filter_widths)
    assert "seed=1" in header.training
    again = CliRunner().invoke(main, command)
    assert (again.exit_code, "exists already" in again.stderr) == (1, True)

"""Losses, gradients and weights, step by step, against the original's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from golden_data import sequences
from golden_files import golden, golden_json
from golden_nets import fill_rule_d

from videopose3d.config import TrainConfig
from videopose3d.datasets.windows import ExampleOrder
from videopose3d.lifter.losses import same_joints
from videopose3d.lifter.model import TemporalModel, TemporalModelOneFrame
from videopose3d.pipeline.training.batches import Batches
from videopose3d.pipeline.training.processes import Processes
from videopose3d.pipeline.training.steps import Networks, Objective, batch_norm_momentum
from videopose3d.skeleton import COCO17, H36M17

GOLDEN = golden_json("training")
RUNS = GOLDEN["runs"]
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def arrays():
    return golden("training")


def config_of(run):
    return TrainConfig(
        epochs=run["epochs_total"],
        batch=run["batch_frames"],
        stride=run["stride"],
        causal=run.get("causal", False),
        augment=run.get("augment", True),
        warmup=run.get("warmup", 0),
        distortion=not run.get("linear_projection", False),
        reprojection=not run.get("no_proj", False),
        bone_length=not run.get("no_bone_length", False),
    )


def networks(config, trajectory):
    kind = TemporalModelOneFrame if config.stride == 1 else TemporalModel
    options = {"causal": config.causal, "dropout": 0.0, "channels": 16}
    pose = fill_rule_d(kind(17, 2, 17, (3, 3), **options), 1.0)
    root = fill_rule_d(kind(17, 2, 1, (3, 3), **options), 1.0, 5.0) if trajectory else None
    return Networks(pose, root)


class Replay:
    """A golden run, step by step."""

    def __init__(self, name, arrays):
        run = RUNS[name]
        self.config, self.semi = config_of(run), "warmup" in run
        self.nets = networks(self.config, self.semi)
        padding = self.nets.pose.padding
        self.data = [Batches(sequences(arrays, *kind), (H36M17, H36M17), padding) for kind in (("lab", 4), ("unl", 3))]
        batch = self.config.batch // self.config.stride
        self.orders = [
            ExampleOrder(data.examples(self.config.stride, augment=self.config.augment), batch, seed)
            for data, seed in zip(self.data, (1234, 4321), strict=True)
        ]
        self.objective = Objective(self.config, H36M17, H36M17, padding[0], Processes())
        self.optimizer = torch.optim.Adam(self.nets.parameters(), run["lr"], amsgrad=True)
        self.steps, self.rate, self.decay = run["steps"], run["lr"], run["lr_decay"]

    def __iter__(self):
        """Yield (step, losses, learning rate, momentum) with gradients in place, before the weights change."""
        self.nets.train()
        step = 0
        for epoch in range(self.config.epochs):
            momentum = batch_norm_momentum(epoch, self.config.epochs)
            self.nets.set_bn_momentum(momentum)
            for rows in self.orders[0].rest_of_pass():
                if step == self.steps:
                    return
                more = self.orders[1].take() if self.semi else None
                self.optimizer.zero_grad()
                labelled = self.data[0].gather(rows)
                if self.semi and epoch >= self.config.warmup:
                    losses = self.objective.semi_supervised(self.nets, labelled, self.data[1].gather(more))
                else:
                    losses = self.objective.supervised(self.nets, labelled)
                losses.total.backward()
                yield step, losses, self.rate, momentum
                for group in self.optimizer.param_groups:
                    group["lr"] = self.rate
                self.optimizer.step()
                step += 1
            self.rate *= self.decay


@pytest.mark.parametrize("name", [name for name in RUNS if "warmup" not in RUNS[name]])
def test_supervised_training_is_that_of_the_original(name, arrays):
    replay = Replay(name, arrays)
    for step, losses, rate, momentum in replay:
        assert losses.total.item() == pytest.approx(arrays[f"{name}/loss"][step], abs=TOLERANCE)
        assert rate == pytest.approx(arrays[f"{name}/lr"][step], rel=1e-12)
        assert momentum == pytest.approx(arrays[f"{name}/bn_momentum"][step], rel=1e-12)
        if step == 0:
            for key in ("expand_conv.weight", "shrink.weight", "expand_bn.weight"):
                gradient = replay.nets.pose.get_parameter(key).grad
                np.testing.assert_allclose(gradient, arrays[f"{name}/first_grad/{key}"], atol=TOLERANCE, err_msg=key)
    check_weights(replay.nets.pose, arrays, f"{name}/final")
    check_sums(replay.nets.pose, RUNS[name]["checksum"])


@pytest.mark.parametrize("name", [name for name in RUNS if "warmup" in RUNS[name]])
def test_training_with_unlabelled_video_is_that_of_the_original(name, arrays):
    replay = Replay(name, arrays)
    for step, losses, *_ in replay:
        wanted = arrays[f"{name}/losses_3d_traj_reproj_bone_total"][step]
        found = dict(zip(("pose", "trajectory", "reprojection", "bone_length"), wanted, strict=False))
        assert losses.total.item() == pytest.approx(wanted[-1], abs=TOLERANCE)
        for term, value in losses.terms.items():
            assert value.item() == pytest.approx(found[term], abs=TOLERANCE), (step, term)
        assert len(losses.terms) == np.isfinite(wanted[:4]).sum()
    check_weights(replay.nets.pose, arrays, f"{name}/final_pos")
    check_weights(replay.nets.trajectory, arrays, f"{name}/final_traj")
    check_sums(replay.nets.pose, RUNS[name]["checksum_pos"])
    check_sums(replay.nets.trajectory, RUNS[name]["checksum_traj"])


def check_weights(model, arrays, prefix):
    state = model.state_dict()
    stored = [key for key in state if f"{prefix}/{key}" in arrays]
    assert len(stored) > 10
    for key in stored:
        np.testing.assert_allclose(state[key], arrays[f"{prefix}/{key}"], atol=TOLERANCE, err_msg=key)


def check_sums(model, sums):
    for key, value in model.state_dict().items():
        flat = value.double().numpy().ravel()
        found = [flat.sum(), (flat**2).sum(), flat @ np.sin(0.1 * np.arange(flat.size))]
        np.testing.assert_allclose(found, sums[key], atol=1e-3, rtol=1e-5, err_msg=key)


@pytest.mark.parametrize("name", RUNS)
def test_the_order_of_windows_is_that_of_the_original(name, arrays):
    config = config_of(RUNS[name])
    batch = config.batch // config.stride
    kinds = (("order_epoch", "lab", 4, 1234), ("order_labelled_epoch", "lab", 4, 1234))
    for stored, kind, count, seed in (*kinds, ("order_unlabelled_pass", "unl", 3, 4321)):
        passes = sorted(key for key in arrays if key.startswith(f"{name}/{stored}"))
        data = Batches(sequences(arrays, kind, count), (H36M17, H36M17), (4, 4))
        order = ExampleOrder(data.examples(config.stride, augment=config.augment), batch, seed)
        for key in passes:
            np.testing.assert_array_equal(np.concatenate(list(order.rest_of_pass())), arrays[key])


@pytest.mark.parametrize("epochs", [5, 60, 80])
def test_the_schedules_are_those_of_the_paper(epochs, arrays):
    rates = 0.001 * 0.95 ** np.arange(epochs)
    momenta = [batch_norm_momentum(epoch, epochs) for epoch in range(epochs)]
    np.testing.assert_allclose(rates, arrays[f"schedule/E{epochs}/lr_used_in_epoch"], rtol=1e-9)
    np.testing.assert_allclose(momenta, arrays[f"schedule/E{epochs}/bn_momentum_used_in_epoch"], rtol=1e-12)


def objective(causal=False, two=H36M17):
    before = 8 if causal else 4
    return Objective(TrainConfig(causal=causal), two, H36M17, before, Processes()), before


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("two", [H36M17, COCO17], ids=lambda s: s.name)
def test_a_pose_that_explains_the_picture_has_no_reprojection_error(causal, two, arrays):
    """The original compares a causal pose with the wrong frame, and COCO joints with others of Human3.6M."""
    from videopose3d.calibration import project

    judge, before = objective(causal, two)
    take = sequences(arrays, "lab", 1)[0]
    data = Batches([take], (H36M17, H36M17), (before, 8 - before))
    batch = data.gather(data.examples())
    seen = project(batch.trajectory.new_tensor(take.poses + take.trajectory[:, None])[:, None], batch.intrinsics)
    places_2d, places_3d = same_joints(two, H36M17)
    points = torch.full((len(take), 17, 2), 9.0)
    points[:, places_2d] = seen[:, 0][:, places_3d]
    frames = torch.arange(len(take))[:, None] + torch.arange(-before, 9 - before)
    inputs = points[frames.clamp(0, len(take) - 1)]
    told = type(batch)(inputs, batch.poses, batch.trajectory, batch.intrinsics)
    assert judge.reprojection(batch.poses, batch.trajectory, told).item() < 1e-6
    assert judge.reprojection(batch.poses, batch.trajectory * 1.1, told).item() > 1e-3


def test_joints_of_two_skeletons_meet_by_name():
    two, three = same_joints(COCO17, H36M17)
    assert [COCO17.joints[i] for i in two] == [H36M17.joints[i] for i in three]
    assert len(two) == 12
    assert same_joints(H36M17, H36M17) == (list(range(17)), list(range(17)))


def test_a_joint_in_the_plane_of_the_lens_does_not_spoil_the_gradients():
    """With 16-bit numbers a predicted depth is 0 now and then."""
    from videopose3d.calibration import project

    points = torch.tensor([[[0.3, -0.2, 0.0], [0.3, -0.2, 4.0]]], requires_grad=True)
    seen = project(points, torch.ones(1, 9))
    seen.sum().backward()
    assert torch.isfinite(seen).all()
    assert torch.isfinite(points.grad).all()
    plain = points.detach().numpy()
    np.testing.assert_allclose(project(plain, np.ones((1, 9), np.float32)), seen.detach(), atol=1e-6)
    assert project(plain, np.ones((1, 9), np.float32)).dtype == np.float32

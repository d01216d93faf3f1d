"""Windows against those of the original's generators."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from golden_data import sequence
from golden_files import golden, golden_json

from videopose3d.datasets.windows import ExampleOrder
from videopose3d.pipeline.training.batches import Batches
from videopose3d.skeleton import COCO17, H36M17

CASES = golden_json("generators")["chunked"]
ENDLESS = golden_json("generators")["endless"]


def takes(arrays):
    return [sequence(*(arrays[f"input/seq{i}_{kind}"] for kind in ("2d", "camera", "3d"))) for i in range(2)]


def batches(sequences, case):
    pad, shift = case["pad"], case["causal_shift"]
    return Batches(sequences, (COCO17, H36M17), (pad + shift, pad - shift))


def positions(batch):
    """Poses as the original keeps them: the first joint is the root in the camera's axes."""
    return torch.cat([batch.trajectory, batch.poses[:, :, 1:]], 2).numpy()


@pytest.mark.parametrize("name", CASES)
def test_chunks_are_those_of_the_original(name):
    case, arrays = CASES[name], golden("generators")
    data = batches(takes(arrays), case)
    examples = data.examples(case["chunk"], augment=case["augment"])
    order = ExampleOrder(examples, case["batch"], case["seed"], shuffle=case["shuffle"])
    found = [data.gather(rows) for rows in order.rest_of_pass()]
    wanted = {kind: arrays[f"chunked/{name}/{kind}"] for kind in ("camera", "pos2d", "pos3d", "batch_sizes")}
    two, three = case["stored_2d_joints"], case["stored_3d_joints"]
    assert [len(batch) for batch in found] == wanted["batch_sizes"].tolist()
    inputs = np.concatenate([batch.inputs.numpy()[:, :, two] for batch in found])
    np.testing.assert_allclose(inputs, wanted["pos2d"], atol=1e-6, rtol=1e-6)
    poses = np.concatenate([positions(batch)[:, :, three] for batch in found])
    np.testing.assert_allclose(poses, wanted["pos3d"], atol=1e-6)
    lenses = np.concatenate([batch.intrinsics.numpy() for batch in found])
    np.testing.assert_allclose(lenses, wanted["camera"], atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_whole_sequences_are_those_of_the_original(name):
    case, arrays = CASES[name], golden("generators")
    data = batches(takes(arrays), case)
    for i in range(2):
        rows = data.whole(i)
        if case["augment"]:
            rows = np.concatenate([rows, rows + [0, 0, 0, 1]])
        batch = data.gather(rows)
        two, three = case["stored_2d_joints"], case["stored_3d_joints"]
        wanted = {kind: arrays[f"unchunked/{name}/seq{i}_{kind}"] for kind in ("camera", "pos2d", "pos3d")}
        np.testing.assert_allclose(batch.inputs[:, :, two], wanted["pos2d"], atol=1e-6, rtol=1e-6)
        np.testing.assert_allclose(positions(batch)[:, :, three], wanted["pos3d"], atol=1e-6)
        np.testing.assert_allclose(batch.intrinsics, wanted["camera"], atol=1e-6)


def test_the_endless_stream_is_that_of_the_original():
    data = Batches(takes(golden("generators")), (COCO17, H36M17), (ENDLESS["pad"], ENDLESS["pad"]))
    order = ExampleOrder(data.examples(augment=ENDLESS["augment"]), ENDLESS["batch"], ENDLESS["seed"])
    for *_, size, first, last in ENDLESS["rows_epoch_step_batchsize_firstvalue_lastvalue"]:
        x = data.gather(order.take()).inputs[:, ENDLESS["pad"], 0, 0]
        assert (len(x), float(x[0]), float(x[-1])) == (size, first, last)


def test_mirroring_twice_changes_nothing():
    arrays = golden("generators")
    case = {"pad": 2, "causal_shift": 0}
    plain = batches(takes(arrays), case)
    batch = plain.gather(plain.whole(0) + [0, 0, 0, 1])
    points, lens = batch.inputs[0, 2:-2].numpy(), batch.intrinsics[0].numpy()
    again = batches([sequence(points, lens, positions(batch)[0])], case)
    twice = again.gather(again.whole(0) + [0, 0, 0, 1])
    once = plain.gather(plain.whole(0))
    for a, b in ((twice.inputs, once.inputs), (twice.poses, once.poses), (twice.intrinsics, once.intrinsics)):
        np.testing.assert_allclose(a, b, atol=1e-5, rtol=1e-6)

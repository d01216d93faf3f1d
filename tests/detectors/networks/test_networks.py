"""Keypoint networks with weights by rule against the original programs; names and numbers of their parameters."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from golden_files import golden, golden_json
from golden_nets import fill_rule_d
from golden_pictures import network_input
from torch import nn

from videopose3d.detectors.networks.cpm import CPM
from videopose3d.detectors.networks.cpn import BLOCKS, CPN
from videopose3d.detectors.networks.hourglass import Hourglass

SIZES = [
    (CPN, 27_406_826, 582),
    (lambda: CPN(BLOCKS[101]), 46_398_954, 888),
    (lambda: CPM(17), 31_304_166, 216),
    (lambda: CPM(16), 31_225_568, 216),
    (lambda: CPM(15), 31_146_970, 216),
    (Hourglass, 25_594_624, 2526),
    (lambda: Hourglass(2), 6_730_912, 684),
]


@pytest.mark.parametrize(("make", "parameters", "entries"), SIZES)
def test_parameters_are_counted(make, parameters: int, entries: int) -> None:
    with torch.device("meta"):
        network: nn.Module = make()
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert len(network.state_dict()) == entries


@pytest.mark.parametrize(
    ("make", "file", "keys"),
    [
        (CPN, "cpn_net", ("keys", "cpn50_256x192")),
        (CPM, "cpm_net", ("keys", "k17")),
        (lambda: CPM(16), "cpm_net", ("keys", "k16")),
        (Hourglass, "hourglass_net", ("keys_without_num_batches_tracked", "hg_s8_b1_k16")),
    ],
)
def test_tensors_have_the_published_names_and_shapes(make, file: str, keys: tuple[str, str]) -> None:
    with torch.device("meta"):
        state = make().state_dict()
    expected = {name: tuple(shape) for name, shape in golden_json(file)[keys[0]][keys[1]]}
    counters = not keys[0].endswith("tracked")
    assert {k: tuple(t.shape) for k, t in state.items() if counters or "tracked" not in k} == expected


def check_sums(maps: torch.Tensor, expected: list[float]) -> None:
    """Sum, sum of squares, minimum and maximum of whole maps."""
    values = maps.double().numpy()
    total, squares, low, high = expected
    assert abs(values.sum() - total) <= 1e-4 * np.sqrt(values.size * squares)
    assert (values**2).sum() == pytest.approx(squares, rel=1e-4)
    assert [values.min(), values.max()] == pytest.approx([low, high], abs=1e-3)


@pytest.mark.parametrize(
    ("height", "width", "step"),
    [(256, 192, 2), pytest.param(384, 288, 3, marks=pytest.mark.slow)],
)
@torch.inference_mode()
def test_cpn_equals_the_original(height: int, width: int, step: int) -> None:
    case = f"cpn50_{height}x{width}"
    expected = {k.partition("/")[2]: v for k, v in golden("cpn_net").items() if k.startswith(case)}
    sums = golden_json("cpn_net")["cases"][case]
    network = fill_rule_d(CPN(), sums["gain"])
    x = network_input(height, width)
    levels = network.resnet(x)
    for level, name in zip(levels, ("c5", "c4", "c3", "c2"), strict=True):
        np.testing.assert_allclose(level[0, ::64, ::4, ::4], expected[f"{name}_slice"], atol=1e-3)
    features = network.global_net.features(levels)
    for i, maps in enumerate(network.global_net.maps(features)):
        assert maps.shape == (1, 17, height // 4, width // 4)
        np.testing.assert_allclose(maps[0, :, ::6, ::6], expected[f"global{i}"], atol=1e-3)
        np.testing.assert_allclose(maps[0, 0, 5], expected[f"global{i}_row5"], atol=1e-3)
        check_sums(maps, sums[f"global{i}_sum_sumsq_min_max"])
    refined = network.refine_net(features)
    np.testing.assert_allclose(refined[0, :, ::step, ::step], expected["refine"], atol=1e-3)
    np.testing.assert_allclose(refined[0, 3, -4:], expected["refine_last_rows_joint3"], atol=1e-3)
    check_sums(refined, sums["refine_sum_sumsq_min_max"])


@torch.inference_mode()
def test_cpn_maps_are_those_of_refinenet() -> None:
    network = CPN((1, 1, 1, 1)).eval()
    x = network_input(64, 96)
    levels, refined = network(x)
    assert [maps.shape for maps in levels] == [(1, 17, 16, 24)] * 4
    assert torch.equal(network.maps(x), refined)


def test_heads_of_cpn_start_anew_and_nothing_else() -> None:
    network = CPN((1, 1, 1, 1))
    fill_rule_d(network)
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    names = network.reset_heads()
    changed = [k for k, t in network.state_dict().items() if not torch.equal(t, before[k]) and "tracked" not in k]
    assert sorted(changed) == sorted(name for name in names if "tracked" not in name)
    heads = {f"global_net.predict.{i}.{j}" for i in range(4) for j in (3, 5)}
    heads |= {"refine_net.final_predict.1", "refine_net.final_predict.2"}
    assert {name.rpartition(".")[0] for name in names} == heads
    assert network.refine_net.final_predict[2].running_mean.abs().max() == 0


@pytest.mark.parametrize(
    ("height", "width", "joints"),
    [
        (256, 192, 17),
        pytest.param(384, 288, 17, marks=pytest.mark.slow),
        pytest.param(368, 368, 16, marks=pytest.mark.slow),
    ],
)
@torch.inference_mode()
def test_cpm_equals_the_original(height: int, width: int, joints: int) -> None:
    case = f"cpm_{height}x{width}_k{joints}"
    expected, sums = golden("cpm_net"), golden_json("cpm_net")
    stages = fill_rule_d(CPM(joints), sums["gain"])(network_input(height, width))
    for i, maps in enumerate(stages, 1):
        assert maps.shape == (1, joints, height // 8, width // 8)
        part = maps[0, :, ::2, ::2] if i == len(stages) else maps[0, ::4, ::3, ::3]
        np.testing.assert_allclose(part, expected[f"{case}/stage{i}"], atol=1e-3)
        check_sums(maps, sums["cases"][case][f"stage{i}_sum_sumsq_min_max"])


@pytest.mark.parametrize("stacks", [8, pytest.param(2, marks=pytest.mark.slow)])
@torch.inference_mode()
def test_hourglass_equals_the_original(stacks: int) -> None:
    case = f"hg_s{stacks}_b1_k16"
    expected, sums = golden("hourglass_net"), golden_json("hourglass_net")
    found = fill_rule_d(Hourglass(stacks), sums["gain"])(network_input(256, 256))
    for i, maps in enumerate(found, 1):
        assert maps.shape == (1, 16, 64, 64)
        part = maps[0, :, ::3, ::3] if i == stacks else maps[0, ::5, ::8, ::8]
        np.testing.assert_allclose(part, expected[f"{case}/stack{i}"], atol=1e-3 * float(maps.std()))
        check_sums(maps, sums["cases"][case][f"stack{i}_sum_sumsq_min_max"])

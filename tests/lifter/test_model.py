from __future__ import annotations

import numpy as np
import pytest
import torch
from golden_files import golden, golden_json

from videopose3d.errors import WeightsError
from videopose3d.lifter.model import TemporalModel, TemporalModelOneFrame, TemporalModelWindows

CASES = golden_json("lifter")["cases"]
DILATED = [name for name, case in CASES.items() if not case["dense"]]
TOLERANCE = 1e-5
TRAINING_TOLERANCE = 1e-4
"""Normalising five samples magnifies what float32 rounds off; the golden numbers are off by up to 7e-5 themselves."""


@pytest.fixture(scope="module")
def expected():
    return golden("lifter")


def fill(model):
    """Weights by rule A of the golden files: 0.1 sin(0.37 i + n), n the position of the sorted name."""
    state = model.state_dict()
    for n, key in enumerate(sorted(key for key in state if not key.endswith("num_batches_tracked"))):
        i = np.arange(state[key].numel(), dtype=np.float64)
        values = 0.1 * np.sin(0.37 * i + n)
        if key.endswith("running_var"):
            values = 1 + np.abs(values)
        elif key.endswith("weight") and state[key].ndim == 1:
            values = 1 + values
        state[key] = torch.from_numpy(values.astype(np.float32)).reshape(state[key].shape)
    model.load_state_dict(state)
    return model.eval()


def network(name, kind=TemporalModel, **options):
    case = CASES[name]
    if kind is TemporalModel:
        options["dense"] = case["dense"]
    shape = (case["joints_in"], case["features"], case["joints_out"], case["architecture"])
    return fill(kind(*shape, causal=case["causal"], channels=16, dropout=0.0, **options))


def clip(name, batch, frames):
    case = CASES[name]
    axes = np.ogrid[0:batch, 0:frames, 0 : case["joints_in"], 0 : case["features"]]
    b, t, j, f = (axis.astype(np.float64) for axis in axes)
    return torch.from_numpy(np.sin(0.2 * t + 0.5 * j + 1.3 * f + 0.7 * b).astype(np.float32))


def close(output, wanted, tolerance=TOLERANCE):
    assert output.shape == wanted.shape
    np.testing.assert_allclose(output.detach().numpy(), wanted, atol=tolerance, rtol=0)


def test_the_weights_of_the_golden_files_are_understood():
    state = network("sym_3_3_3").state_dict()
    first = {
        "expand_conv.weight": [-0.0756802, -0.0941955, -0.0999619],
        "expand_bn.running_var": [1.0909297, 1.0697278, 1.0390885],
        "layers_conv.2.weight": [-0.084622, -0.0981635, -0.098419],
        "shrink.bias": [-0.0132352, 0.0235039, 0.0570618],
    }
    for key, values in first.items():
        np.testing.assert_allclose(state[key].flatten()[:3], values, atol=1e-7)


@pytest.mark.parametrize("name", CASES)
def test_whole_sequences(name, expected):
    model = network(name)
    assert model.receptive_field == CASES[name]["receptive_field"]
    assert sum(p.numel() for p in model.parameters()) == CASES[name]["params"]
    close(model(clip(name, 2, model.receptive_field + 4)), expected[f"{name}/valid"])


@pytest.mark.parametrize("name", CASES)
def test_padding_gives_every_frame_a_pose(name, expected):
    model, frames = network(name), clip(name, 1, 40)
    before, after = model.padding
    padded = torch.cat([frames[:, :1].expand(-1, before, -1, -1), frames, frames[:, -1:].expand(-1, after, -1, -1)], 1)
    output = model(padded)
    assert output.shape[1] == 40
    close(output[0, ::3], expected[f"{name}/padded40"])


@pytest.mark.parametrize("name", DILATED)
def test_the_one_frame_twin(name, expected):
    model = network(name, TemporalModelOneFrame)
    close(model(clip(name, 3, model.receptive_field)), expected[f"{name}/one_frame"])


@pytest.mark.parametrize("kind", [TemporalModelOneFrame, TemporalModel])
@pytest.mark.parametrize("name", DILATED)
def test_training_sees_the_published_batch_statistics(name, kind, expected):
    run = f"{name}/train_{'strided' if kind is TemporalModelOneFrame else 'dilated'}"
    model = network(name, kind).double().train()
    close(model(clip(name, 5, model.receptive_field).double()), expected[run], TRAINING_TOLERANCE)
    close(model.expand_bn.running_mean, expected[f"{run}_running_mean0"])
    close(model.expand_bn.running_var, expected[f"{run}_running_var0"])


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("widths", [(3, 3, 3), (3, 5), (1, 3, 1), (7,), (3, 3, 5, 3)])
def test_the_twins_are_one_network_in_evaluation(widths, causal):
    torch.manual_seed(sum(widths))
    whole = TemporalModel(17, 4, 17, widths, causal=causal, channels=24)
    for module in whole.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    twin = TemporalModelOneFrame(17, 4, 17, widths, causal=causal, channels=24)
    twin.load_state_dict(whole.state_dict())
    x = torch.randn(3, whole.receptive_field, 17, 4)
    torch.testing.assert_close(twin.eval()(x), whole.eval()(x), atol=1e-5, rtol=1e-5)
    longer = TemporalModelWindows(17, 4, 17, widths, causal=causal, channels=24)
    longer.load_state_dict(whole.state_dict())
    x = torch.randn(2, whole.receptive_field + 6, 17, 4)
    torch.testing.assert_close(longer.eval()(x), whole(x), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
def test_windows_train_as_the_dilated_network_does(causal):
    torch.manual_seed(0)
    whole = TemporalModel(17, 4, 17, (3, 3), causal=causal, dropout=0, channels=16).train()
    twin = TemporalModelWindows(17, 4, 17, (3, 3), causal=causal, dropout=0, channels=16).train()
    twin.load_state_dict(whole.state_dict())
    x = torch.randn(4, 13, 17, 4)
    for model in (whole, twin):
        model(x).square().mean().backward()
    for (name, one), other in zip(whole.named_parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, atol=1e-6, rtol=1e-4, msg=name)
    torch.testing.assert_close(whole.expand_bn.running_var, twin.expand_bn.running_var)


@pytest.mark.parametrize(
    ("widths", "dense", "parameters"),
    [
        ((3, 3, 3), False, 8_555_571),
        ((3, 3, 3, 3), False, 12_753_971),
        ((3, 3, 3, 3, 3), False, 16_952_371),
        ((3, 3, 3), True, 29_527_091),
    ],
)
def test_parameter_counts_of_the_paper(widths, dense, parameters):
    with torch.device("meta"):
        model = TemporalModel(17, 2, 17, widths, dense=dense)
    assert sum(p.numel() for p in model.parameters()) == parameters


@pytest.mark.parametrize(
    ("name", "widths", "joints_out"), [("243_1024", (3, 3, 3, 3, 3), 17), ("27_1024_traj", (3, 3, 3), 1)]
)
@pytest.mark.parametrize("kind", [TemporalModel, TemporalModelOneFrame, TemporalModelWindows])
def test_names_order_and_shapes_are_those_of_the_checkpoints(kind, name, widths, joints_out):
    with torch.device("meta"):
        model = kind(17, 2, joints_out, widths)
    ours = [[key, list(value.shape), str(value.dtype)] for key, value in model.state_dict().items()]
    assert ours == golden_json("lifter")[f"state_dict_{name}"]


def test_the_optimiser_meets_the_parameters_in_the_published_order():
    with torch.device("meta"):
        model = TemporalModelOneFrame(17, 2, 17, (3, 3, 3))
    assert [key for key, _ in model.named_parameters()] == golden_json("lifter")["parameters_order_27_1024"]


@pytest.mark.parametrize("kind", [TemporalModel, TemporalModelOneFrame])
@pytest.mark.parametrize("shape", [(2, 8, 17, 2), (2, 9, 16, 2), (2, 9, 17, 3), (9, 17, 2), (2, 9, 34)])
def test_wrong_shapes_say_what_is_expected_and_what_came(kind, shape):
    model = kind(17, 2, 17, (3, 3), channels=4).eval()
    assert model(torch.zeros(2, 9, 17, 2)).shape == (2, 1, 17, 3)
    with pytest.raises(WeightsError) as error:
        model(torch.zeros(shape))
    assert "(B, T, 17, 2) with a receptive field of 9" in str(error.value)
    assert f"got {shape}" in str(error.value)


def test_the_twin_takes_one_window_only():
    with pytest.raises(WeightsError, match=r"got \(1, 10, 17, 2\)"):
        TemporalModelOneFrame(17, 2, 17, (3, 3), channels=4)(torch.zeros(1, 10, 17, 2))


@pytest.mark.parametrize("widths", [(), (3, 2), (0,), (-3, 3)])
def test_even_or_missing_filter_widths_are_refused(widths):
    with pytest.raises(WeightsError, match="odd and positive"):
        TemporalModel(17, 2, 17, widths, channels=4)


@pytest.mark.parametrize(("causal", "sees_the_future"), [(True, False), (False, True)])
def test_a_causal_network_does_not_see_the_future(causal, sees_the_future):
    torch.manual_seed(0)
    model = TemporalModel(17, 2, 17, (3, 3, 3), causal=causal, channels=8).eval()
    before, after = model.padding
    assert (before, after) == ((26, 0) if causal else (13, 13))
    x = torch.randn(1, 40 + before + after, 17, 2)
    changed = x.clone()
    changed[:, before + 20 :] += 1  # frames 20 and later
    differs = (model(x) != model(changed)).flatten(2).any(-1)[0]
    assert differs[20:].any()
    assert bool(differs[:20].any()) is sees_the_future


def test_momentum_reaches_every_batch_norm():
    model = TemporalModel(17, 2, 17, (3, 3), channels=4)
    model.set_bn_momentum(0.023)
    momenta = [module.momentum for module in model.modules() if isinstance(module, torch.nn.BatchNorm1d)]
    assert momenta == [0.023] * 3

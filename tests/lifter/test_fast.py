from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from golden_files import golden
from lifter.test_model import CASES, clip, close, network
from motions import library

from videopose3d.datasets.virtual import CameraConfig, WindowSource, film
from videopose3d.errors import WeightsError
from videopose3d.lifter import fast
from videopose3d.lifter.fast import FastNetwork
from videopose3d.lifter.lift import Lifter
from videopose3d.lifter.model import TemporalModel
from videopose3d.pipeline.heldout import window_input


@pytest.fixture(scope="module")
def expected():
    return golden("lifter")


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    with ThreadPoolExecutor(1) as pool:  # threads to come take their number from what was set last
        assert (torch.get_num_threads(), pool.submit(torch.get_num_threads).result()) == (2, 2)
    torch.set_num_threads(before)


def trained_looking(widths=(3, 3, 3), channels=64, **options):
    """Random weights, and batch norms that do something."""
    torch.manual_seed(0)
    model = TemporalModel(17, 2, 17, widths, channels=channels, **options)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.2, 0.5)
            torch.nn.init.normal_(module.bias, 0, 0.2)
    return model.eval()


def moving(batch, frames, noise=0.01):
    torch.manual_seed(1)
    t = torch.arange(frames)[:, None, None]
    return torch.sin(0.1 * t + 6 * torch.rand(batch, 1, 17, 2)) + noise * torch.randn(batch, frames, 17, 2)


@torch.inference_mode()
def furthest(precision, model, x, **options):
    return (FastNetwork.of(model, precision, **options)(x) - model(x)).abs().max().item()


@pytest.mark.parametrize("name", CASES)
def test_the_numbers_of_the_original(name, expected):
    model = network(name)
    close(FastNetwork.of(model)(clip(name, 2, model.receptive_field + 4)), expected[f"{name}/valid"])


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("frames", "chunk"), [(1, 1296), (200, 1296), (200, 54), (200, 7)])
def test_equal_to_the_model_for_any_length_and_chunk(name, frames, chunk):
    model = network(name)
    assert furthest("float32", model, clip(name, 2, model.receptive_field + frames - 1), chunk=chunk) < 1e-5


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("widths", [(3, 3, 3, 3, 3), (1, 3, 1), (7,), (5, 3, 3)])
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-5), ("mixed", 0.02), ("bfloat16", 0.1)])
def test_equal_for_random_weights(widths, causal, precision, tolerance):
    model = trained_looking(widths, causal=causal)
    x = moving(2, model.receptive_field + 400)
    assert model(x).std() > 0.1
    assert furthest(precision, model, x, chunk=162) < tolerance


def test_reduced_precision_is_what_it_says():
    model = trained_looking((3, 3, 3, 3))
    x = moving(1, 1000, noise=0)
    exact, mixed, half = (furthest(precision, model, x) for precision in ("float32", "mixed", "bfloat16"))
    assert exact < 1e-5 < mixed < half / 2


def test_the_bundled_weights_stay_within_a_tenth_of_a_millimetre():
    """On a person who swings arms and legs, seen from sixteen sides."""
    lifter, gen = Lifter.load("open", "cpu"), torch.Generator().manual_seed(0)
    people = WindowSource(library()).draw(16, 120, gen)
    x, _ = window_input(film(people, CameraConfig(moving=0.0), gen)[0], "rays")
    with torch.inference_mode():
        exact = lifter.model(x)
        millimetres = {
            precision: 1000 * (FastNetwork.of(lifter.model, precision)(x) - exact).norm(dim=-1).mean().item()
            for precision in ("float32", "mixed", "bfloat16")
        }
    assert millimetres["float32"] < 0.001
    assert millimetres["mixed"] < 0.1
    assert millimetres["bfloat16"] < 1


@pytest.mark.parametrize("precision", ["float32", "mixed", "bfloat16"])
@pytest.mark.parametrize(("causal", "sees_the_future"), [(True, False), (False, True)])
def test_a_causal_network_does_not_see_the_future(precision, causal, sees_the_future):
    network = FastNetwork.of(trained_looking(causal=causal), precision, chunk=54)
    x = moving(1, 300)
    changed = x.clone()
    before = network.model.padding[0]
    changed[:, before + 146 :] += 1  # output frames 146 and later; some share a run with earlier ones
    differs = ((network(x) - network(changed)).abs() > 1e-6).flatten(2).any(-1)[0]
    assert differs[146:].all()
    if sees_the_future:
        assert differs[146 - network.model.padding[1] : 146].any()
    else:
        assert not differs[:146].any()


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("rows", [1, 2, 3])
def test_threads_change_nothing(rows, monkeypatch):
    monkeypatch.setattr(fast, "_SHORTEST_PART", 30)
    assert furthest("float32", trained_looking(), moving(rows, 226)) < 1e-5


@pytest.mark.usefixtures("two_threads")
def test_an_error_in_a_thread_arrives_and_leaves_the_threads_as_they_were():
    def fail(*_):
        raise MemoryError

    x = torch.zeros(1, 1)
    with pytest.raises(MemoryError):
        fast._in_threads(fail, [(x, x), (x, x)], 2)


def test_the_weights_are_copied():
    model = trained_looking()
    network, x = FastNetwork.of(model), moving(1, 60)
    first = network(x)
    again = network(x)
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    torch.testing.assert_close(network(x), first, rtol=0, atol=0)


@pytest.mark.parametrize("capable", [False, True])
def test_auto_depends_on_the_processor(capable, monkeypatch):
    monkeypatch.setattr(fast, "multiplies_bfloat16", lambda device: capable)
    difference = furthest("auto", trained_looking(), moving(1, 200))
    assert (difference > 1e-5) == capable


def test_whether_the_processor_multiplies_bfloat16_is_known():
    assert fast.multiplies_bfloat16(torch.device("cpu")) in (False, True)


def test_wrong_use_is_refused():
    model = trained_looking()
    with pytest.raises(WeightsError, match="unknown precision 'float64'"):
        FastNetwork.of(model, "float64")
    with pytest.raises(WeightsError, match="training mode"):
        FastNetwork.of(model.train())
    with pytest.raises(WeightsError, match=r"got \(1, 26, 17, 2\)"):
        FastNetwork.of(model.eval())(torch.zeros(1, 26, 17, 2))


def test_folding_keeps_what_batch_norm_does():
    conv, norm = torch.nn.Conv1d(3, 4, 1, bias=False), torch.nn.BatchNorm1d(4).eval()
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    weight, bias = fast._folded(conv, norm)
    x = torch.randn(2, 3, 5)
    wanted = norm(conv(x)).detach().numpy()
    np.testing.assert_allclose(torch.conv1d(x, weight, bias).detach().numpy(), wanted, atol=1e-6)

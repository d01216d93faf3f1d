"""Networks computed faster give the same maps."""

from __future__ import annotations

import pytest
import torch
from golden_nets import fill_rule_d
from golden_pictures import network_input
from torch import nn

from videopose3d.detectors.fast import faster, fold_norms, multiplies_bfloat16
from videopose3d.detectors.networks.cpm import CPM
from videopose3d.detectors.networks.cpn import CPN
from videopose3d.detectors.networks.hourglass import Hourglass
from videopose3d.errors import WeightsError


@pytest.mark.parametrize(("make", "gain"), [(lambda: CPN((1, 2, 1, 1)), 1.2), (lambda: Hourglass(1), 0.6)])
@torch.no_grad()
def test_folded_networks_give_the_same_maps(make, gain: float) -> None:
    network = fill_rule_d(make(), gain)
    x = torch.cat([network_input(64, 64), -network_input(64, 64)])
    expected = network.maps(x)
    exact, rough = (faster(network, precision)(x) for precision in ("float32", "bfloat16"))
    assert (exact - expected).abs().max() <= 1e-4 * expected.std()
    assert exact.dtype == rough.dtype == torch.float32
    assert 0 < (rough - expected).pow(2).mean().sqrt() <= 0.03 * expected.std()


@torch.no_grad()
def test_folding_leaves_the_network_as_it_was() -> None:
    network = fill_rule_d(CPN((1, 1, 1, 1)))
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    faster(network, "bfloat16")
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())


def test_norms_are_folded_only_where_nothing_else_sees_the_convolution() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)
            self.norm = nn.BatchNorm2d(4)
            self.first = nn.BatchNorm2d(3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            h = self.conv(self.first(x))
            return self.norm(h) + h

    network = fill_rule_d(Shared())
    x = torch.randn(1, 3, 5, 5)
    folded = fold_norms(network)
    assert sum(isinstance(m, nn.BatchNorm2d) for m in folded.modules()) == 2
    torch.testing.assert_close(folded(x), network(x))


def test_all_norms_of_the_convolutions_are_folded() -> None:
    class Whole(nn.Module):
        def __init__(self, network: nn.Module) -> None:
            super().__init__()
            self.network = network

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.network.maps(x)

    for network, left in ((CPN((1, 1, 1, 1)), 0), (CPM(15), 0)):
        folded = fold_norms(Whole(network.eval()))
        assert sum(isinstance(m, nn.BatchNorm2d) for m in folded.modules()) == left


def test_what_cannot_be_is_refused() -> None:
    network = Hourglass(1)
    with pytest.raises(WeightsError, match="training mode"):
        faster(network)
    with pytest.raises(WeightsError, match="'float8'.*bfloat16"):
        faster(network.eval(), "float8")
    assert isinstance(multiplies_bfloat16(torch.device("cpu")), bool)

"""The same keypoint networks, computed faster.

- Batch normalisation becomes part of the convolution before it.
- Pixels lie beside their channels in memory (channels last), as the processor's kernels want it.
- Products take 16-bit numbers (bfloat16) where the device has instructions for them.
- A picture and its mirror image are in one batch, as are people and frames (`topdown`).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, fx, nn
from torch.nn.utils import fuse_conv_bn_eval

from videopose3d.errors import WeightsError

PRECISIONS = ("auto", "float32", "bfloat16")


class _MapsOnly(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        maps: Tensor = self.network.maps(x)  # type: ignore[operator]
        return maps


@torch.inference_mode(False)
@torch.no_grad()
def faster(network: nn.Module, precision: str = "auto") -> Callable[[Tensor], Tensor]:
    """The maps of a network as a function (N, 3, H, W) -> (N, K, h, w), float32.

    Args:
        network: In evaluation mode; its weights are copied now and not read again.
        precision: ``float32`` gives the network's numbers but for rounding, ``bfloat16`` has 8 bits of them; ``auto``
            is ``bfloat16`` on a device that has instructions for it, else ``float32``.

    Raises:
        WeightsError: There is no such precision, or the network is in training mode.
    """
    if precision not in PRECISIONS or network.training:
        what = "the network is in training mode" if network.training else f"unknown precision {precision!r}"
        raise WeightsError(what, fix=f"Use eval() and one of {', '.join(PRECISIONS)}.")
    device = next(network.parameters()).device
    if precision == "auto":
        precision = "bfloat16" if multiplies_bfloat16(device) else "float32"
    number = torch.bfloat16 if precision == "bfloat16" else torch.float32
    folded = fold_norms(_MapsOnly(network)).to(number)
    folded = folded.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def maps(x: Tensor) -> Tensor:
        found: Tensor = folded(x.to(number).contiguous(memory_format=torch.channels_last))
        return found.float()

    return maps


def fold_norms(network: nn.Module) -> fx.GraphModule:
    """A copy in which every batch norm that follows a convolution, and nothing else does, is part of it."""
    graph = fx.symbolic_trace(network)
    modules = dict(graph.named_modules())
    for node in graph.graph.nodes:
        source = node.args[0] if node.op == "call_module" and node.args else None
        if not isinstance(source, fx.Node) or source.op != "call_module" or len(source.users) > 1:
            continue
        norm, convolution = modules[node.target], modules[source.target]
        if isinstance(norm, nn.BatchNorm2d) and isinstance(convolution, nn.Conv2d):
            graph.add_submodule(str(source.target), fuse_conv_bn_eval(convolution, norm))
            node.replace_all_uses_with(source)
            graph.graph.erase_node(node)
    graph.delete_all_unused_submodules()
    graph.recompile()
    return graph.eval()


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether a device has instructions for products of bfloat16 numbers."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    known: Callable[[], bool] | None = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return known is not None and known()

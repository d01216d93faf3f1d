"""What a lifter's architecture costs, and the tensors it consists of; no network is built for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from operator import mul

from videopose3d.weights.header import LifterHeader

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Architecture:
    """Everything the shapes of a lifter's tensors depend on.

    Attributes:
        filter_widths: Odd kernel widths; their product is the receptive field.
        channels: Width of the hidden layers.
        inputs: Numbers per frame: joints times features.
        joints_out: Joints of the 3D output.
        dense: Ordinary convolutions of the same extent instead of dilated ones.
    """

    filter_widths: tuple[int, ...]
    channels: int
    inputs: int
    joints_out: int
    dense: bool = False

    @classmethod
    def of(cls, header: LifterHeader, *, trajectory: bool = False) -> Architecture:
        """That of the pose network of a header, or of its trajectory network."""
        inputs = len(header.input_skeleton) * header.features
        joints_out = 1 if trajectory else len(header.output_skeleton)
        return cls(header.filter_widths, header.channels, inputs, joints_out, header.dense)

    @property
    def receptive_field(self) -> int:
        """F, the input frames that one output frame sees."""
        return prod(self.filter_widths)

    @property
    def kernels(self) -> tuple[int, ...]:
        """Kernel sizes of the first convolution and of the first one of every block."""
        dilations = accumulate(self.filter_widths[:-1], mul)
        blocks = zip(self.filter_widths[1:], dilations, strict=True)
        return self.filter_widths[0], *((w - 1) * d + 1 if self.dense else w for w, d in blocks)


def tensor_shapes(net: Architecture) -> dict[str, Shape]:
    """Name and shape of every tensor that a weight file holds, the counters of batch-norm left out."""
    first, *blocks = net.kernels
    shapes: dict[str, Shape] = {
        "expand_conv.weight": (net.channels, net.inputs, first),
        "shrink.weight": (3 * net.joints_out, net.channels, 1),
        "shrink.bias": (3 * net.joints_out,),
    }
    norms = ["expand_bn"]
    for i, kernel in enumerate(kernel for block in blocks for kernel in (block, 1)):
        shapes[f"layers_conv.{i}.weight"] = (net.channels, net.channels, kernel)
        norms.append(f"layers_bn.{i}")
    for norm in norms:
        shapes |= {f"{norm}.{part}": (net.channels,) for part in ("weight", "bias", "running_mean", "running_var")}
    return shapes


def parameters(net: Architecture) -> int:
    """Trainable numbers of the network (Pavllo et al., CVPR 2019, table 5)."""
    return sum(prod(shape) for name, shape in tensor_shapes(net).items() if "running_" not in name)


def flops_per_frame(net: Architecture) -> int:
    """Floating-point operations per output frame as the paper counts them: two for every convolution weight."""
    return 2 * sum(prod(shape) for shape in tensor_shapes(net).values() if len(shape) == 3)


def misfit(shapes: Mapping[str, Shape], net: Architecture) -> str | None:
    """What is wrong with the tensors for this network, in words; None where all fit."""
    expected = tensor_shapes(net)
    for name in sorted(expected.keys() | shapes.keys()):
        if name not in shapes:
            return f"tensor {name} is missing"
        if name not in expected:
            return f"tensor {name} belongs to another network"
        if shapes[name] != expected[name]:
            return f"tensor {name} has the shape {shapes[name]} instead of {expected[name]}"
    return None

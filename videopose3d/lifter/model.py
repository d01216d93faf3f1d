"""The temporal dilated-convolution network (Pavllo et al., CVPR 2019, section 3) and its twins for training.

Module names are those of the published checkpoints, so that their weights load unchanged. Between the
blocks the layout is (B, C, T); the batch-norm, ReLU and dropout follow every convolution but the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn

from videopose3d.errors import WeightsError


class _TemporalNetwork(nn.Module):
    """Everything the two networks share: parameters, their names and order, shapes in and out."""

    def __init__(
        self,
        joints_in: int,
        features: int,
        joints_out: int,
        filter_widths: Sequence[int],
        *,
        causal: bool = False,
        dropout: float = 0.25,
        channels: int = 1024,
        dense: bool = False,
    ) -> None:
        super().__init__()
        if not filter_widths or any(w < 1 or w % 2 == 0 for w in filter_widths):
            raise WeightsError(f"filter widths must be odd and positive, got {tuple(filter_widths)}")
        self.joints_in, self.features, self.joints_out = joints_in, features, joints_out
        self.filter_widths = tuple(filter_widths)
        self.causal, self.dense = causal, dense
        self.drop = nn.Dropout(dropout)
        self.relu = nn.ReLU(inplace=True)

        self.expand_bn = nn.BatchNorm1d(channels)
        self.shrink = nn.Conv1d(channels, joints_out * 3, 1)
        self.expand_conv = nn.Conv1d(joints_in * features, channels, filter_widths[0], bias=False)
        convs: list[nn.Module] = []
        for block, width in enumerate(self.filter_widths[1:], start=1):
            dilation = prod(self.filter_widths[:block])
            kernel = (width - 1) * dilation + 1 if dense else width
            convs.append(nn.Conv1d(channels, channels, kernel, dilation=1 if dense else dilation, bias=False))
            convs.append(nn.Conv1d(channels, channels, 1, bias=False))
        self.layers_conv = nn.ModuleList(convs)
        self.layers_bn = nn.ModuleList(nn.BatchNorm1d(channels) for _ in convs)

    @property
    def receptive_field(self) -> int:
        """F, the input frames that one output frame sees."""
        return prod(self.filter_widths)

    @property
    def padding(self) -> tuple[int, int]:
        """Frames to add (before, after) a clip so that every frame gets a pose."""
        context = self.receptive_field - 1
        return (context, 0) if self.causal else (context // 2, context // 2)

    def set_bn_momentum(self, momentum: float) -> None:
        """Set the momentum of every batch-norm layer (decayed over training, section 4 of the paper)."""
        for module in self.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.momentum = momentum

    def check(self, x: Tensor, *, one_window: bool = False) -> None:
        """Raise WeightsError unless x is (B, T, J_in, features) with T at least, or for one window exactly, F."""
        frames = x.shape[1] if x.ndim > 1 else 0
        frames_fit = frames == self.receptive_field and not self.dense if one_window else frames >= self.receptive_field
        if x.ndim != 4 or x.shape[2:] != (self.joints_in, self.features) or not frames_fit:
            expected = f"(B, T, {self.joints_in}, {self.features}) with a receptive field of {self.receptive_field}"
            raise WeightsError(f"the network takes {expected} frames, got {tuple(x.shape)}")


class TemporalModel(_TemporalNetwork):
    """The network over whole sequences: T frames in, T - F + 1 poses out.

    Args:
        joints_in: Joints of the 2D input.
        features: Numbers per 2D joint: x, y and perhaps more.
        joints_out: Joints of the 3D output (1 for a trajectory network).
        filter_widths: Odd kernel widths; their product is the receptive field F.
        causal: Every pose sees the past only. The weights have the same shapes either way.
        dropout: Probability of dropping an activation in training.
        channels: Width of the hidden layers.
        dense: Ordinary convolutions of the same extent instead of dilated ones (the paper's ablation).
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, J_in, features) to (B, T - F + 1, J_out, 3) [m]."""
        self.check(x)
        h = x.flatten(2).transpose(1, 2)  # (B, J_in * features, T)
        h = self._activate(self.expand_conv(h), self.expand_bn)
        for block, width in enumerate(self.filter_widths[1:], start=1):
            spread, pointwise = 2 * block - 2, 2 * block - 1
            reach = (width - 1) * prod(self.filter_widths[:block])
            before = reach if self.causal else reach // 2
            residual = h[:, :, before : h.shape[2] - (reach - before)]
            h = self._activate(self.layers_conv[spread](h), self.layers_bn[spread])
            h = residual + self._activate(self.layers_conv[pointwise](h), self.layers_bn[pointwise])
        out: Tensor = self.shrink(h).transpose(1, 2)
        return out.reshape(len(x), -1, self.joints_out, 3)

    def _activate(self, h: Tensor, norm: nn.Module) -> Tensor:
        out: Tensor = self.drop(self.relu(norm(h)))
        return out


class TemporalModelWindows(_TemporalNetwork):
    """The network over windows, for training: `TemporalModel` with every convolution as one matrix product.

    Same weights, shapes and results; on a CPU in bfloat16 it learns from up to twice as many poses per second.
    Arguments as `TemporalModel`, without ``dense``.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, J_in, features) to (B, T - F + 1, J_out, 3) [m]."""
        self.check(x)
        h = _activate_rows(self, _dilated(x.flatten(2), self.expand_conv, 1), self.expand_bn)  # (B, T, C)
        for block, width in enumerate(self.filter_widths[1:], start=1):
            dilation = prod(self.filter_widths[:block])
            reach = (width - 1) * dilation
            before = reach if self.causal else reach // 2
            residual = h[:, before : h.shape[1] - (reach - before)]
            spread, pointwise = 2 * block - 2, 2 * block - 1
            h = _activate_rows(self, _dilated(h, self.layers_conv[spread], dilation), self.layers_bn[spread])
            h = residual + _activate_rows(self, _dilated(h, self.layers_conv[pointwise], 1), self.layers_bn[pointwise])
        return _dilated(h, self.shrink, 1).reshape(len(x), -1, self.joints_out, 3)


class TemporalModelOneFrame(_TemporalNetwork):
    """The strided twin for training: windows of F frames in, one pose out, with the same weights.

    In evaluation mode it equals `TemporalModel` on the same window; in training its batch statistics see
    only the activations that the one pose needs. Arguments as `TemporalModel`, without ``dense``.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, F, J_in, features) to (B, 1, J_out, 3) [m]."""
        self.check(x, one_window=True)
        h = _activate_rows(self, _matrix_conv(x.flatten(2), self.expand_conv), self.expand_bn)  # (B, T, C)
        for block, width in enumerate(self.filter_widths[1:], start=1):
            spread, pointwise = 2 * block - 2, 2 * block - 1
            residual = h[:, width - 1 if self.causal else width // 2 :: width]
            h = _activate_rows(self, _matrix_conv(h, self.layers_conv[spread]), self.layers_bn[spread])
            h = residual + _activate_rows(self, _matrix_conv(h, self.layers_conv[pointwise]), self.layers_bn[pointwise])
        return _matrix_conv(h, self.shrink).reshape(len(x), 1, self.joints_out, 3)


def _activate_rows(network: _TemporalNetwork, h: Tensor, norm: nn.Module) -> Tensor:
    """Batch-norm, ReLU and dropout of (B, T, C)."""
    out: Tensor = network.drop(network.relu(norm(h.flatten(0, 1))))
    return out.view(h.shape)


def _dilated(h: Tensor, conv: nn.Module, dilation: int) -> Tensor:
    """The convolution ``conv`` with that dilation, from (B, T, C_in) to (B, T - (width - 1) * dilation, C_out)."""
    assert isinstance(conv, nn.Conv1d)
    weight = conv.weight  # (C_out, C_in, width)
    frames = h.shape[1] - (weight.shape[2] - 1) * dilation
    taps = [h[:, tap * dilation : tap * dilation + frames] for tap in range(weight.shape[2])]
    return nn.functional.linear(torch.cat(taps, -1), weight.transpose(1, 2).flatten(1), conv.bias)


def _matrix_conv(h: Tensor, conv: nn.Module) -> Tensor:
    """The convolution ``conv`` with a stride of its width, from (B, T, C_in) to (B, T / width, C_out)."""
    assert isinstance(conv, nn.Conv1d)
    weight = conv.weight  # (C_out, C_in, width)
    groups = h.reshape(len(h), h.shape[1] // weight.shape[2], -1)
    return nn.functional.linear(groups, weight.transpose(1, 2).flatten(1), conv.bias)

"""Networks whose weights follow from a rule, as the golden files were made with (no weight files needed)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from golden_files import FOLDER
from torch import nn

from videopose3d.lifter.lift import Lifter
from videopose3d.lifter.weights import build_model
from videopose3d.weights.convert import read_checkpoint
from videopose3d.weights.header import LifterHeader

COUNTER = "num_batches_tracked"


def fill_rule_d(model: nn.Module, gain: float = 1.0, trajectory_bias: float = 0.0) -> nn.Module:
    """Fill a network by Rule D of the golden files and set it to evaluation.

    Tensors are numbered by sorted name. A tensor of two or more dimensions gets ``gain * sqrt(2 / fan_in)
    * sin(phase)``, others ``0.1 * sin(phase)`` around what they are in a fresh batch norm.

    Args:
        model: Any network.
        gain: Of the convolutions.
        trajectory_bias: Added to the bias of a trajectory network's depth.
    """
    state = model.state_dict()
    for n, key in enumerate(sorted(key for key in state if not key.endswith(COUNTER))):
        shape = state[key].shape
        i = np.arange(state[key].numel(), dtype=np.int64)
        wave = np.sin(0.37 * i + 1.0 * n + 0.011 * (i * i % 9973))
        if len(shape) >= 2:
            values = gain * np.sqrt(2 / np.prod(shape[1:])) * wave
        elif key.endswith("running_var"):
            values = 1 + np.abs(0.1 * wave)
        else:
            values = 0.1 * wave + (1.0 if key.endswith("weight") else 0.0)
        state[key] = torch.from_numpy(values.astype(np.float32)).reshape(shape)
    if trajectory_bias:
        state["shrink.bias"][2] += trajectory_bias
    model.load_state_dict(state)
    return model.eval()


def golden_lifter(header: LifterHeader, gain: float = 2.0) -> Lifter:
    """Return a lifter with the weights of Rule D."""
    return Lifter(fill_rule_d(build_model(header), gain), header)


def checkpoint_lifter(name: str, header: LifterHeader) -> Lifter:
    """Return the networks of tests/golden/NAME, a checkpoint of the original program."""
    found = read_checkpoint(FOLDER / name)

    def network(state: Any, trajectory: bool) -> Any:
        if state is None:
            return None
        model = build_model(header, trajectory=trajectory)
        model.load_state_dict(state)
        return model.eval()

    return Lifter(network(found.pose, False), header, trajectory=network(found.trajectory, True))

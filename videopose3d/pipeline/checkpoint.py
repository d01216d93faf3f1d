"""The state of a training run in one safetensors file: what an exact resume needs, and no pickle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from videopose3d.errors import WeightsError
from videopose3d.files import replacing

_STEP, _RUN = "step", "run"


@dataclass(frozen=True)
class TrainState:
    """What changes while training.

    Attributes:
        model: The network.
        optimizer: Its optimizer.
        averaged: The averaged weights by name.
        run: What tells this run from others: its settings as text.
    """

    model: torch.nn.Module
    optimizer: torch.optim.Optimizer
    averaged: dict[str, Tensor]
    run: str

    def save(self, path: Path, step: int) -> None:
        """Write the state after ``step`` steps, atomically."""
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.averaged.items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{k}": v for k, v in state.items()}
        data = save({k: v.contiguous().cpu() for k, v in tensors.items()}, {_STEP: str(step), _RUN: self.run})
        with replacing(path) as partial:
            partial.write_bytes(data)

    def load(self, path: Path) -> int:
        """Put a saved state in place.

        Returns:
            The number of steps it had done.

        Raises:
            WeightsError: It is damaged, or of a run with other settings.
        """
        try:
            with safe_open(path, framework="pt") as file:
                said = file.metadata() or {}
            if said[_RUN] != self.run:
                raise ValueError("other settings")
            self._put(load_file(path))
            return int(said[_STEP])
        except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
            raise WeightsError(
                "this checkpoint is not of the same run", where=path, fix="Remove it, or train without --resume."
            ) from error

    def _put(self, tensors: dict[str, Tensor]) -> None:
        self.model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
        for key, value in self.averaged.items():
            value.copy_(tensors[f"average.{key}"])
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            if key.startswith("optimizer."):
                _, index, name = key.split(".", 2)
                state.setdefault(int(index), {})[name] = value
        self.optimizer.load_state_dict({"state": state, "param_groups": self.optimizer.state_dict()["param_groups"]})

"""Several processes, one training run: started by ``torchrun``, they share every step.

The processes together do what one process with the sum of their batches would do: windows are dealt out from one
shuffled order, batch normalisation sees all of them, and gradients are those of the mean over all.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from videopose3d.datasets.windows import IntArray
from videopose3d.errors import DeviceError


@dataclass(frozen=True)
class Processes:
    """Which of how many processes this is; alone by default.

    Attributes:
        rank, count: This process, and how many there are.
    """

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """This process writes files and speaks."""
        return self.rank == 0

    def part(self, rows: IntArray) -> IntArray:
        """This process's share of a batch: consecutive rows, at least one if there are enough."""
        bounds = [len(rows) * rank // self.count for rank in (self.rank, self.rank + 1)]
        return rows[bounds[0] : bounds[1]]

    def share(self, size: int) -> float:
        """What a mean over this process's ``size`` examples counts for, so that the mean over processes is right."""
        if self.count == 1:
            return 1.0
        return size * self.count / float(self.sum(torch.tensor([float(size)]))[0])

    def mean(self, values: Tensor) -> Tensor:
        """Mean over the first axis, of the rows of all processes; gradients flow to all of them."""
        if self.count == 1:
            return values.mean(0)
        return _all_sum(values.sum(0)) / _all_sum(values.new_tensor([float(len(values))]))

    def sum(self, values: Tensor) -> Tensor:
        """The sum over processes, without gradients."""
        if self.count == 1:
            return values
        total = values.detach().clone()
        if dist.get_backend() == "nccl":
            total = total.cuda()
        dist.all_reduce(total)
        return total.to(values.device)

    def any(self, here: bool) -> bool:
        """True if it is true in any process."""
        return bool(self.sum(torch.tensor([float(here)]))[0] > 0) if self.count > 1 else here

    def gather(self, values: Tensor) -> list[Tensor]:
        """The tensors of all processes, of one shape, in order."""
        if self.count == 1:
            return [values]
        found: list[Any] = [None] * self.count
        dist.all_gather_object(found, values)
        return found

    def share_gradients(self, module: nn.Module) -> nn.Module:
        """The module with batch normalisation over all processes and averaged gradients."""
        if self.count == 1:
            return module
        _share_batch_norm(module)
        warnings.filterwarnings("ignore", message="Grad strides do not match")  # of the matrix form; harmless
        return nn.parallel.DistributedDataParallel(module)


@contextmanager
def processes(device: str) -> Iterator[tuple[Processes, str]]:
    """Join the others that ``torchrun`` started, if any; gives who this is and its device.

    Raises:
        DeviceError: There are more processes than GPUs.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield Processes(), device
        return
    if device.startswith("cuda"):
        local = int(os.environ.get("LOCAL_RANK", "0"))
        if local >= torch.cuda.device_count():
            raise DeviceError(
                f"process {local} has no GPU of its own", fix="Start torchrun with --nproc-per-node equal to the GPUs."
            )
        device = f"cuda:{local}"
        torch.cuda.set_device(local)
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield Processes(dist.get_rank(), dist.get_world_size()), device
    finally:
        dist.destroy_process_group()


class _AllSum(torch.autograd.Function):
    """The sum over processes; what flows back is the sum of what all of them send."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.detach().clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total


def _all_sum(values: Tensor) -> Tensor:
    total: Tensor = _AllSum.apply(values)  # type: ignore[no-untyped-call]
    return total


class _SharedBatchNorm(nn.BatchNorm1d):
    """Batch normalisation whose statistics are those of all processes (torch's own needs a GPU)."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C) or (N, C, T), as `nn.BatchNorm1d`."""
        if not self.training:
            return super().forward(x)
        dims, shape = ([0], (1, -1)) if x.ndim == 2 else ([0, 2], (1, -1, 1))
        values = x.float()
        sums = _all_sum(torch.cat([values.sum(dims), values.new_tensor([float(values.numel() // values.shape[1])])]))
        count = sums[-1]
        mean = sums[:-1] / count
        centred = values - mean.view(shape)
        variance = _all_sum(centred.square().sum(dims)) / count
        self._remember(mean.detach(), (variance * count / (count - 1)).detach())
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale.view(shape) + self.bias.view(shape)).to(x.dtype)

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.momentum is not None
        assert self.num_batches_tracked is not None
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        self.num_batches_tracked.add_(1)


def _share_batch_norm(module: nn.Module) -> None:
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d):
            part.__class__ = _SharedBatchNorm

"""The same network, computed faster: long sequences in pieces that stay in the processor's cache.

What makes it fast, in the order of the file:

- The sequence is cut into as many parts as there are threads, and every thread works alone.
- A part flows through in chunks. Every block remembers the last frames it saw, so nothing is computed twice, and
  memory does not grow with the length.
- Batch normalisation is part of the weights.
- Convolutions of width 3 are computed two frames at a time with 4 products instead of 6 (minimal filtering
  F(2, 3): Winograd 1980; Lavin and Gray, CVPR 2016).
- With ``bfloat16`` the large products take 16-bit numbers, which some processors multiply twice as fast; biases, the
  residual stream, the first and the last layer stay float32.
- With ``mixed`` each run of rows is taken relative to one of them, whose product is computed in float32: what is
  rounded is only how a person moves within that run.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil, prod

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from videopose3d.errors import WeightsError
from videopose3d.lifter.model import TemporalModel

PRECISIONS = ("float32", "mixed", "bfloat16", "auto")

CHUNK = 1296
"""Frames of one chunk: a multiple of 6, 18, 54 and 162, so that blocks of width 3 need no rest."""
RUN = 16
"""Rows that share one float32 product in ``mixed``; fewer are more exact and slower."""
_SHORTEST_PART = 512
"""Frames for which another thread is worth its F - 1 frames of context."""


@dataclass(frozen=True)
class FastNetwork:
    """A `TemporalModel` for inference; make it with `of`, call it like the model.

    Attributes:
        model: Where the weights came from; gives the shapes.
        expand: The first layer.
        blocks: Per block the dilated and the pointwise convolution.
        shrink: The last layer.
        chunk: Frames that a thread computes at once.
    """

    model: TemporalModel
    expand: _Convolution
    blocks: tuple[tuple[_Convolution, _Convolution], ...]
    shrink: _Product
    chunk: int = CHUNK

    @classmethod
    @torch.inference_mode()
    def of(cls, model: TemporalModel, precision: str = "float32", chunk: int = CHUNK) -> FastNetwork:
        """The network with its weights in the form that is fastest here.

        Args:
            model: In evaluation mode; its weights are read now and not again.
            precision: ``float32`` gives the model's numbers (to 1e-5), ``bfloat16`` computes the large products with
                16-bit numbers, ``mixed`` only small differences in them. ``auto`` is ``mixed`` on a processor that
                has instructions for them, else ``float32``.
            chunk: Frames that a thread computes at once; does not change the result.

        Raises:
            WeightsError: There is no such precision, or the model is in training mode.
        """
        if precision not in PRECISIONS or model.training:
            what = "the model is in training mode" if model.training else f"unknown precision {precision!r}"
            raise WeightsError(what, fix=f"Use model.eval() and one of {', '.join(PRECISIONS)}.")
        on_cpu = model.shrink.weight.device.type == "cpu"
        if precision == "auto":
            precision = "mixed" if multiplies_bfloat16(model.shrink.weight.device) else "float32"
        mixed = _Rounding(RUN, 0 if model.causal else RUN // 2)
        rounding = {"float32": None, "bfloat16": _Rounding(), "mixed": mixed}[precision]
        layers = [_folded(*layer) for layer in zip(model.layers_conv, model.layers_bn, strict=True)]
        dilations = [1 if model.dense else prod(model.filter_widths[:i]) for i in range(1, len(model.filter_widths))]
        blocks = tuple(
            (
                _Convolution.of(*spread, dilation, rounding=rounding, pairs=on_cpu),
                _Convolution.of(*pointwise, rounding=rounding),
            )
            for spread, pointwise, dilation in zip(layers[::2], layers[1::2], dilations, strict=True)
        )
        expand = _Convolution.of(*_folded(model.expand_conv, model.expand_bn))
        shrink = _Product.of(model.shrink.weight[:, :, 0], model.shrink.bias)
        return cls(model, expand, blocks, shrink, chunk)

    @torch.inference_mode()
    def __call__(self, x: Tensor) -> Tensor:
        """(B, T, J_in, features) to (B, T - F + 1, J_out, 3) [m].

        Raises:
            WeightsError: The shape is not that; as the model.
        """
        self.model.check(x)
        context = self.model.receptive_field - 1
        frames = x.shape[1] - context
        out = x.new_empty(len(x), frames, self.model.joints_out * 3)
        threads = torch.get_num_threads() if x.device.type == "cpu" else 1
        length = max(_SHORTEST_PART, ceil(frames * len(x) / threads)) if len(x) < threads else frames
        parts = [
            (row[start : start + length + context], out[i, start : start + length])
            for i, row in enumerate(x.flatten(2))
            for start in range(0, frames, length)
        ]
        _in_threads(self._fill, parts, threads)
        return out.view(len(x), frames, self.model.joints_out, 3)

    @torch.inference_mode()
    def _fill(self, x: Tensor, out: Tensor) -> None:
        """Compute ``out`` (n, J_out * 3) from (n + F - 1, J_in * features), chunk by chunk."""
        memory = [x.new_empty(0, self.expand.channels) for _ in self.blocks]
        begin = done = 0
        while done < len(out):
            stop = min(done + self.chunk, len(out))
            end = stop + len(x) - len(out)
            h = self.expand(x[begin:end])
            begin = end - self.expand.reach
            for i, (spread, pointwise) in enumerate(self.blocks):
                h = torch.cat([memory[i], h])
                memory[i] = h[len(h) - spread.reach :].clone()
                before = spread.reach if self.model.causal else spread.reach // 2
                h = pointwise(spread(h)).add_(h[before : len(h) - (spread.reach - before)])
            out[done:stop] = self.shrink(h)[0]
            done = stop


@dataclass(frozen=True)
class _Convolution:
    """A convolution over time and its ReLU, from rows (T, C_in) to (T - reach, C_out).

    Attributes:
        taps: All its taps as one matrix.
        pairs: Those of F(2, 3), where it applies.
        dilation: Frames between taps.
        reach: Frames from the first to the last tap.
        channels: C_out.
    """

    taps: _Product
    pairs: tuple[_Product, ...]
    dilation: int
    reach: int
    channels: int

    @classmethod
    def of(
        cls, weight: Tensor, bias: Tensor, dilation: int = 1, *, rounding: _Rounding | None = None, pairs: bool = False
    ) -> _Convolution:
        """From the weights (C_out, C_in, width) and (C_out,)."""
        channels, _, width = weight.shape
        products: tuple[_Product, ...] = ()
        if pairs and width == 3 and (rounding is None or dilation >= rounding.run):
            a, b, c = weight.unbind(2)
            matrices = a, (a + b + c) / 2, (a - b + c) / 2, c
            products = tuple(_Product.of(m, bias if i == 1 else None, rounding) for i, m in enumerate(matrices))
        taps = _Product.of(weight.transpose(1, 2).flatten(1), bias, rounding)
        return cls(taps, products, dilation, (width - 1) * dilation, channels)

    def __call__(self, h: Tensor) -> Tensor:
        """(T, C_in) to (T - reach, C_out)."""
        frames = len(h) - self.reach
        out = h.new_empty(frames, self.channels)
        paired = frames - frames % (2 * self.dilation) if self.pairs else 0
        if paired:
            self._two_at_a_time(h[: paired + self.reach], out[:paired])
        if paired < frames:
            rest = h[paired:]
            taps = [rest[at : at + frames - paired] for at in range(0, self.reach + 1, self.dilation)]
            torch.clamp(self.taps.total(self.taps(*taps)), min=0, out=out[paired:])
        return out

    def _two_at_a_time(self, h: Tensor, out: Tensor) -> None:
        """Frames t and t + dilation from four products of frames t to t + 3 * dilation."""
        steps = h.view(-1, self.dilation, h.shape[1])
        even, odd = steps[0::2], steps[1::2]
        first, second, third, fourth = even[:-1], odd[:-1], even[1:], odd[1:]
        sources = (first, third, -1), (second, third, 1), (third, second, -1), (second, fourth, -1)
        p, q, r, s = (
            product(torch.add(one, other, alpha=sign).flatten(0, 1))
            for product, (one, other, sign) in zip(self.pairs, sources, strict=True)
        )
        ahead = out.view(len(first), 2, self.dilation, -1)
        sums = [a.add_(b).add_(c) for a, b, c in zip(p, q, r, strict=True)]
        torch.clamp(self.taps.total(sums).view_as(ahead[:, 0]), min=0, out=ahead[:, 0])
        sums = [b.sub_(c).sub_(d) for b, c, d in zip(q, r, s, strict=True)]
        torch.clamp(self.taps.total(sums).view_as(ahead[:, 1]), min=0, out=ahead[:, 1])


@dataclass(frozen=True)
class _Rounding:
    """What is rounded to bfloat16: rows, or their distance from row ``reference`` of each run of ``run`` rows.

    A causal network takes the first row of a run, so that no frame depends on later ones, not even by its rounding.
    """

    run: int = 0
    reference: int = 0


@dataclass(frozen=True)
class _Product:
    """Rows times a matrix, plus a bias.

    Attributes:
        matrix: (C_out, C_in), float32 or bfloat16.
        bias: (C_out,).
        rounding: None with float32.
        exact: The matrix in float32, for the reference rows of runs.
    """

    matrix: Tensor
    bias: Tensor
    rounding: _Rounding | None = None
    exact: Tensor | None = None

    @classmethod
    def of(cls, matrix: Tensor, bias: Tensor | None, rounding: _Rounding | None = None) -> _Product:
        """With copies of the weights."""
        matrix = matrix.contiguous().clone()
        bias = matrix.new_zeros(len(matrix)) if bias is None else bias.clone()
        if rounding is None:
            return cls(matrix, bias)
        return cls(matrix.bfloat16(), bias, rounding, matrix if rounding.run else None)

    def __call__(self, *taps: Tensor) -> list[Tensor]:
        """Rows (n, C) of every tap to terms of the product: (n, C_out), and in bfloat16 one row more for every run."""
        if self.rounding is None:
            return [linear(torch.cat(taps, 1) if len(taps) > 1 else taps[0], self.matrix, self.bias)]
        if self.exact is None:
            return [linear(torch.cat([rows.bfloat16() for rows in taps], 1), self.matrix), self.bias[None].clone()]
        n, device = len(taps[0]), taps[0].device
        run, first = self.rounding.run, self.rounding.reference
        reference = torch.arange(first, n + first, run, device=device).clamp(max=n - 1)
        moved = torch.empty(n, len(taps), taps[0].shape[1], dtype=torch.bfloat16, device=device)
        for i, rows in enumerate(taps):
            _by_run(torch.sub, rows, rows[reference], run, moved[:, i])
        references = torch.cat([rows[reference] for rows in taps], 1)
        return [linear(moved.flatten(1), self.matrix), linear(references, self.exact, self.bias)]

    def total(self, terms: list[Tensor]) -> Tensor:
        """(n, C_out) float32 sum of the terms that a call gave."""
        if self.rounding is None:
            return terms[0]
        if self.exact is None:
            return terms[0] + terms[1]
        out = torch.empty_like(terms[0], dtype=torch.float32)
        _by_run(torch.add, terms[0], terms[1], self.rounding.run, out)
        return out


def _by_run(operation: Callable[[Tensor, Tensor], Tensor], rows: Tensor, runs: Tensor, run: int, out: Tensor) -> None:
    """Combine every row with the row of ``runs`` that belongs to its run."""
    whole = len(rows) - len(rows) % run
    if whole:
        inside = _in_runs(out[:whole], run)
        inside.copy_(operation(_in_runs(rows[:whole], run), runs[: whole // run, None]))
    if whole < len(rows):
        out[whole:].copy_(operation(rows[whole:], runs[-1]))


def _in_runs(rows: Tensor, run: int) -> Tensor:
    return rows.view(-1, run, rows.shape[1])


def _folded(conv: nn.Module, norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Weights (C_out, C_in, width) and bias (C_out,) of a convolution followed by its batch normalisation."""
    assert isinstance(conv, nn.Conv1d)
    assert isinstance(norm, nn.BatchNorm1d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    bias = norm.bias.double() - norm.running_mean.double() * scale
    return (conv.weight.double() * scale[:, None, None]).float(), bias.float()


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether a device has instructions for products of bfloat16 numbers."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    known: Callable[[], bool] | None = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return known is not None and known()


def _in_threads(work: Callable[[Tensor, Tensor], None], parts: list[tuple[Tensor, Tensor]], threads: int) -> None:
    """Do the parts side by side, each on one thread: less waiting than many threads on one small product."""
    if threads == 1 or len(parts) == 1:
        for part in parts:
            work(*part)
        return

    def alone(part: tuple[Tensor, Tensor]) -> None:
        torch.set_num_threads(1)
        work(*part)

    try:
        with ThreadPoolExecutor(min(threads, len(parts))) as pool:
            list(pool.map(alone, parts))
    finally:
        torch.set_num_threads(threads)

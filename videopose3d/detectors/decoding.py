"""From maps to joints: where the maximum is, finer than the cells of the map.

Maps are (N, K, H, W). Positions are x, y in cells, the first cell being 0; `crops.to_image` takes them to the image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

Decoder = Callable[[Tensor], Tensor]
"""Maps (N, K, H, W) to positions (N, K, 2) in cells."""
_SMALLEST = 1e-6  # height of a map that counts as a peak


def soft_argmax(maps: Tensor, beta: float = 1.0) -> Tensor:
    """(N, K, 2) expected position under the softmax of whole maps of logits, as of a Keypoint R-CNN.

    For maps that are trained to blobs it is the wrong one: it collapses to the middle or to `hard_argmax`.

    Args:
        maps: Logits, in nats.
        beta: Sharpness, 1 / temperature.
    """
    shares = torch.softmax(beta * maps.float().flatten(2), 2).view(maps.shape)
    x = torch.arange(maps.shape[3], device=maps.device, dtype=torch.float32)
    y = torch.arange(maps.shape[2], device=maps.device, dtype=torch.float32)
    return torch.stack([(shares.sum(2) * x).sum(2), (shares.sum(3) * y).sum(2)], 2)


def hard_argmax(maps: Tensor) -> Tensor:
    """(N, K, 2) cell of the maximum, the first in reading order."""
    cells = maps.flatten(2).argmax(2)
    width = maps.shape[3]
    return torch.stack([cells % width, cells // width], 2).float()


def windowed_soft_argmax(maps: Tensor, radius: int = 4, beta: float = 10.0) -> Tensor:
    """(N, K, 2) expected position in a window around the maximum, of the map divided by its maximum.

    For maps that are trained to blobs, whatever their height. The window ends where the map ends. A map without
    anything above 0 gives the cell of its maximum.
    """
    maps = maps.float()
    centres = hard_argmax(maps)
    peaks = maps.amax((2, 3), keepdim=True)
    steps = torch.arange(-radius, radius + 1, device=maps.device)
    x, y = (centres[..., i, None].long() + steps for i in (0, 1))  # (N, K, S)
    height, width = maps.shape[2:]
    inside = ((y >= 0) & (y < height))[..., None] & ((x >= 0) & (x < width))[..., None, :]
    cells = y.clamp(0, height - 1)[..., None] * width + x.clamp(0, width - 1)[..., None, :]
    values = maps.flatten(2).gather(2, cells.flatten(2)) / peaks.clamp(min=_SMALLEST).flatten(2)
    weights = torch.softmax((beta * values).masked_fill(~inside.flatten(2), -torch.inf), 2).view(inside.shape)
    return torch.stack([(weights.sum(2) * x).sum(2), (weights.sum(3) * y).sum(2)], 2)


def blurred_quarter(maps: Tensor) -> Tensor:
    """(N, K, 2) maximum of the blurred map, moved a quarter cell towards the second one: CPN's own decoder.

    Blurred by 21 x 21 cells (sigma 3.5) in a border of 10 empty cells; kept inside the map.
    """
    border, sigma = 10, 3.5
    height, width = maps.shape[2:]
    heights = maps.double() / maps.double().amax((2, 3), keepdim=True).clamp(min=_SMALLEST)
    offsets = torch.arange(-border, border + 1, device=maps.device, dtype=torch.float64)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
    framed = pad(heights, (border,) * 4).flatten(0, 1)[:, None]
    framed = pad(framed, (border,) * 4, mode="reflect")
    blurred = conv2d(conv2d(framed, kernel), kernel.transpose(2, 3)).view(*maps.shape[:2], -1)
    first = blurred.argmax(2, keepdim=True)
    second = blurred.scatter(2, first, 0.0).argmax(2, keepdim=True)
    line = width + 2 * border
    peak, other = (torch.cat([cells % line, cells // line], 2).double() for cells in (first, second))
    towards = other - peak
    moved = peak - border + 0.25 * towards / towards.norm(dim=2, keepdim=True).clamp(min=1e-3)
    kept: Tensor = moved.clamp(min=0).minimum(moved.new_tensor([width - 1, height - 1]))
    return kept.float()


def quarter_step(maps: Tensor, margin: int = 2) -> Tensor:
    """(N, K, 2) maximum, moved a quarter cell to its higher neighbour along each axis: MMPose's and Newell's decoder.

    Maxima in the first row or column are not moved. A map without anything above 0 gives -1, -1.

    Args:
        maps: Any.
        margin: Cells at the left and upper border from which a maximum is not moved along that axis: 2 is MMPose's,
            1 Newell's.
    """
    height, width = maps.shape[2:]
    maps, cells = maps.float(), hard_argmax(maps)
    columns, rows = cells.long().unbind(2)
    values, here = maps.flatten(2), rows * width + columns
    moved = cells.clone()
    for axis, (at, size, step) in enumerate([(columns, width, 1), (rows, height, width)]):
        inside = (at >= margin) & (at < size - 1) & (columns > 0) & (rows > 0)
        before, after = ((here + side).where(inside, here)[..., None] for side in (-step, step))
        slope = (values.gather(2, after) - values.gather(2, before))[..., 0]
        moved[..., axis] += 0.25 * slope.sign()
    found: Tensor = moved.where((values.amax(2) > 0)[..., None], -1.0)
    return found


DECODERS: dict[str, Decoder] = {
    "window": windowed_soft_argmax,
    "softmax": soft_argmax,
    "argmax": hard_argmax,
    "cpn": blurred_quarter,
    "mmpose": quarter_step,
    "hourglass": lambda maps: quarter_step(maps, margin=1),
}
"""By name; ``window`` is the default for maps of blobs, ``softmax`` for logits, the others are the classic ones."""


def merge_flip(maps: Tensor, mirrored: Tensor, partners: Sequence[int], shift: int = 0) -> Tensor:
    """The average of maps and of those of the mirrored pictures.

    Args:
        maps, mirrored: (N, K, H, W) of the pictures and of their mirror images.
        partners: (K,) joint on the other side, as `Skeleton.mirror`.
        shift: Cells to the right by which the maps of the mirror image are moved back; 1 for MMPose's networks.
    """
    return (maps + flip_back(mirrored, partners, shift)) / 2


def flip_back(mirrored: Tensor, partners: Sequence[int], shift: int = 0) -> Tensor:
    """Maps (N, K, H, W) of mirrored pictures as if of the pictures; with a shift the first columns stay."""
    back = mirrored[:, list(partners)].flip(3)
    return torch.cat([back[..., :shift], back[..., :-shift]], 3) if shift else back


def confidence(maps: Tensor, height: float) -> Tensor:
    """(N, K) height of the maximum as a share of the height of trained blobs, 0..1."""
    return (maps.float().amax((2, 3)) / height).clamp(0, 1)


def cpn_scores(maps: Tensor, cells: Tensor) -> Tensor:
    """(N, K) CPN's own scores, map / 255 + 0.5 at the cell nearest to the joint: for its AP, no probabilities."""
    columns, rows = torch.floor(cells + 0.5).long().unbind(2)
    at = rows * maps.shape[3] + columns
    return maps.float().flatten(2).gather(2, at[..., None])[..., 0] / 255 + 0.5

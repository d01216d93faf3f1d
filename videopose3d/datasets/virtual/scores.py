"""The confidence that a detector gives every joint.

Two kinds of detectors: MediaPipe, whose scores say whether an elbow, wrist, knee or ankle is hidden and are near 1 for
all other joints (measured on rendered people, docs/detector_noise.md), and those whose scores fall with the error.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from videopose3d.datasets.virtual.rotations import hat_matrix, rand, randn
from videopose3d.skeleton import COCO17

_SEEN = {"elbow": (2.6, 1.9), "wrist": (2.6, 2.0), "knee": (3.8, 1.4), "ankle": (3.6, 1.4)}
_HIDDEN = {"elbow": (-0.8, 1.6), "wrist": (-2.8, 1.7), "knee": (1.7, 1.3), "ankle": (1.9, 1.4)}
_SURE = (7.5, 1.0)
"""Mean and spread of the scores' logits by joint: of seen, of hidden, and of all other joints."""


def _table(of: dict[str, tuple[float, float]]) -> Tensor:
    return torch.tensor([of.get(joint.rpartition("_")[2], _SURE) for joint in COCO17.joints])


_SEEN_LOGITS, _HIDDEN_LOGITS = _table(_SEEN), _table(_HIDDEN)


def confidences(relative: Tensor, hidden: Tensor, alike: float, gen: Generator) -> Tensor:
    """(N, F, 17) scores.

    Args:
        relative: (N, F, 17) errors in shares of the stature.
        hidden: (N, F, 17) joints that cannot be seen.
        alike: Share of windows with a detector like MediaPipe.
        gen: Random numbers.
    """
    like = rand(len(hidden), gen=gen) < alike
    scores = torch.empty_like(relative)
    scores[like] = _visibility(relative[like], hidden[like], gen)
    scores[~like] = _certainty(relative[~like], hidden[~like], gen)
    return scores


def _visibility(relative: Tensor, hidden: Tensor, gen: Generator) -> Tensor:
    count, frames, joints = hidden.shape
    seen, out_of_sight = (table.to(gen.device).T for table in (_SEEN_LOGITS, _HIDDEN_LOGITS))
    mean, spread = (torch.where(hidden, low, high) for high, low in zip(seen, out_of_sight, strict=True))
    knots = frames // 8 + 2
    slow = hat_matrix(frames, knots, gen.device) @ randn(count, knots, joints, gen=gen)
    steady = randn(count, 1, joints, gen=gen)
    return (mean + spread * (0.75 * steady + 0.65 * slow) - 25 * relative).sigmoid()


def _certainty(relative: Tensor, hidden: Tensor, gen: Generator) -> Tensor:
    score = (1 - 6 * relative + randn(*hidden.shape, gen=gen) * 0.08).clamp(0.1, 1)
    low = rand(len(hidden), 1, hidden.shape[2], gen=gen) * 0.6
    return torch.where(hidden, torch.minimum(score, low + 0.02), score)

"""Who of the found people is the labelled one, and how right the keypoints are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from _real_labels import HIDDEN, VISIBLE, Label

from videopose3d.metrics_2d import oks, pck, torso_scale
from videopose3d.skeleton import COCO17
from videopose3d.types import Array, Keypoints2D

NOBODY = np.full((17, 2), np.nan)
_OVERLAP = 0.2  # of boxes, intersection over union, from which on two may be of one person
_EXCHANGED = 0.1  # gain in OKS from which on left and right count as exchanged


@dataclass(frozen=True)
class Score:
    """How right a detector is about some people; shares 0..1, NaN where there is nothing to score.

    Attributes:
        people, found: Labelled people, and those of them the detector found.
        near, near_hidden: PCK at 0.1 of the torso, of visible and of hidden joints.
        about, about_hidden: The same at 0.2.
        oks, oks_visible, oks_hidden: Mean OKS over all labelled, over visible, and over hidden joints; 0 for who was
            not found.
        exchanged: Found people who fit clearly better with left and right exchanged.
    """

    people: int
    found: int
    near: float
    near_hidden: float
    about: float
    about_hidden: float
    oks: float
    oks_visible: float
    oks_hidden: float
    exchanged: int


def person_of(keypoints: Keypoints2D, label: Label) -> Array:
    """(17, 2) [px] of the track that is most like the labelled person in its frame, of those whose boxes overlap.

    NaN if there is none.
    """
    if label.frame >= keypoints.frames:
        return NOBODY
    points = keypoints.points[:, label.frame].astype(float)
    candidates = [
        person for person in points if np.isfinite(person).any() and overlap(_box(person), label.box) >= _OVERLAP
    ]
    return max(candidates, key=lambda person: likeness(person, label), default=NOBODY)


def likeness(points: Array, label: Label, counts: Array | None = None) -> float:
    """OKS of (17, 2) [px] over the joints that count (17,), or all labelled; those not found are far away."""
    far = np.where(np.isfinite(points), points, np.inf)
    target = np.where(np.isfinite(label.points), label.points, 0.0)
    return oks(far, target, label.visibility if counts is None else counts, label.area)


def _mean_likeness(labels: Sequence[Label], found: Array, counts: Array) -> float:
    """Over the people with a joint that counts, (N, 17); NaN without any."""
    alike = [likeness(*pair) for pair in zip(found, labels, counts, strict=True) if pair[2].any()]
    return float(np.mean(alike)) if alike else float("nan")


def overlap(one: Array, other: Array) -> float:
    """Intersection over union of two boxes x0, y0, x1, y1."""
    inside = np.clip(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0, None).prod()
    return float(inside / (np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - inside))


def _box(points: Array) -> Array:
    """Around the joints, a tenth larger: they end before the body does."""
    low, high = np.nanmin(points, 0), np.nanmax(points, 0)
    margin = 0.05 * (high - low)
    box: Array = np.concatenate([low - margin, high + margin])
    return box


def score(labels: Sequence[Label], found: Array, joints: Sequence[int] | None = None) -> Score:
    """How right (N, 17, 2) [px] are, over all joints or some."""
    target = np.stack([label.points for label in labels])
    visibility = np.stack([label.visibility for label in labels])
    if joints is not None:
        visibility = np.where(np.isin(np.arange(17), joints), visibility, 0)
    scale = torso_scale(target)
    visible, hidden = (visibility == VISIBLE).astype(int), (visibility == HIDDEN).astype(int)
    seen = np.isfinite(found).any((1, 2))
    like = [likeness(points, label) for points, label in zip(found, labels, strict=True)]
    mirrored = [likeness(points[list(COCO17.mirror)], label) for points, label in zip(found, labels, strict=True)]
    return Score(
        people=len(labels),
        found=int(seen.sum()),
        near=pck(found, target, scale, 0.1, visible),
        near_hidden=pck(found, target, scale, 0.1, hidden),
        about=pck(found, target, scale, 0.2, visible),
        about_hidden=pck(found, target, scale, 0.2, hidden),
        oks=_mean_likeness(labels, found, visible + hidden),
        oks_visible=_mean_likeness(labels, found, visible),
        oks_hidden=_mean_likeness(labels, found, hidden),
        exchanged=sum(bool(m > s + _EXCHANGED) for m, s in zip(mirrored, like, strict=True)),
    )

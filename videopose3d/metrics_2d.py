"""Errors of 2D keypoints: OKS and COCO's average precision, PCK, pixels, jitter.

OKS and AP after the COCO keypoint challenge (cocodataset.org/#keypoints-eval), equal to pycocotools.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from videopose3d.errors import InputError
from videopose3d.skeleton import COCO17, MPII16, Skeleton
from videopose3d.types import Array, BoolArray

OKS_THRESHOLDS = np.linspace(0.5, 0.95, 10)
_RECALLS = np.linspace(0, 1, 101)
_AREAS = {"all": (0.0, 1e10), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}  # [px^2]
_MOST_PEOPLE = 20  # per image that count
_SIGMA = {  # spread of annotators per joint, in shares of a person's size
    "nose": 0.026, "eye": 0.025, "ear": 0.035, "shoulder": 0.079, "elbow": 0.072, "wrist": 0.062, "hip": 0.107,
    "knee": 0.087, "ankle": 0.089, "pelvis": 0.107, "spine": 0.107, "thorax": 0.079, "neck": 0.035, "head": 0.035,
}  # fmt: skip
_MPII_SIGMAS = (
    0.089, 0.083, 0.107, 0.107, 0.083, 0.089, 0.026, 0.026, 0.026, 0.026, 0.062, 0.072, 0.179, 0.179, 0.072, 0.062,
)  # fmt: skip


def sigmas(skeleton: Skeleton = COCO17) -> Array:
    """(J,) the constants of OKS: COCO's, MMPose's for MPII-16, by the names of the joints for others."""
    if skeleton.joints == MPII16.joints:
        return np.array(_MPII_SIGMAS)
    parts = [joint.removeprefix("left_").removeprefix("right_") for joint in skeleton.joints]
    missing = [part for part in parts if part not in _SIGMA]
    if missing:
        raise InputError(f"no OKS constant for joint {missing[0]!r}", where=skeleton.name)
    return np.array([_SIGMA[part] for part in parts])


def oks(predicted: Array, target: Array, labelled: Array, area: float, constants: Array | None = None) -> float:
    """Object keypoint similarity 0..1 of one person, the mean over the labelled joints; 0 where none is.

    Args:
        predicted, target: (J, 2) [px].
        labelled: (J,) more than 0 where the joint is labelled.
        area: Of the person [px^2]; COCO takes that of the segment.
        constants: (J,) as `sigmas`.
    """
    seen = np.asarray(labelled) > 0
    if not seen.any():
        return 0.0
    return float(_similarities(((predicted - target) ** 2).sum(-1), area, constants)[seen].mean())


def _similarities(squared: Array, area: float, constants: Array | None) -> Array:
    spread = (2 * (sigmas() if constants is None else constants)) ** 2
    result: Array = np.exp(-squared / spread / (area + np.spacing(1)) / 2)
    return result


@dataclass(frozen=True)
class AveragePrecision:
    """What the COCO keypoint challenge reports, 0..1; -1 where there is nobody to be found.

    Attributes:
        ap, ap50, ap75, ap_medium, ap_large: Average precision over all OKS thresholds, at 0.5, at 0.75, and over all
            for people of medium (32^2 to 96^2 px) and large size.
        ar, ar50, ar75, ar_medium, ar_large: Average recall, alike.
    """

    ap: float
    ap50: float
    ap75: float
    ap_medium: float
    ap_large: float
    ar: float
    ar50: float
    ar75: float
    ar_medium: float
    ar_large: float

    def values(self) -> dict[str, float]:
        """By name, as JSON takes it."""
        return asdict(self)


def average_precision(
    truth: Mapping[str, Any], detections: Sequence[Mapping[str, Any]], constants: Array | None = None
) -> AveragePrecision:
    """COCO's average precision of keypoints.

    Args:
        truth: As a COCO annotation file: ``images`` and ``annotations``.
        detections: As a COCO results file: ``image_id``, ``keypoints`` (3 J numbers) and ``score``.
        constants: (J,) as `sigmas`.

    Raises:
        InputError: Something is missing, or detections are of images that the truth does not have.
    """
    images = _by_image(truth, detections)
    tables = {}
    for name, limits in _AREAS.items():
        matches = [_match(*image, limits, constants) for image in images]
        tables[name] = _curves([match for match in matches if match is not None])

    def mean(name: str, which: int, at: int | None = None) -> float:
        values = tables[name][which] if at is None else tables[name][which][at : at + 1]
        return float(values[values > -1].mean()) if (values > -1).any() else -1.0

    ap, ar = (
        [mean("all", i), mean("all", i, 0), mean("all", i, 5), mean("medium", i), mean("large", i)] for i in (0, 1)
    )
    return AveragePrecision(*ap, *ar)


def oks_table(
    found: Sequence[Mapping[str, Any]], real: Sequence[Mapping[str, Any]], constants: Array | None = None
) -> Array:
    """(detections, annotations) OKS of one image; both as in COCO's files, in the order given.

    An annotation without labelled joints counts the distances to a box of twice its size, as COCO does.
    """
    table = np.zeros((len(found), len(real)))
    for j, person in enumerate(real):
        x, y, v = np.reshape(person["keypoints"], (-1, 3)).T
        left, top, width, height = person["bbox"]
        for i, detection in enumerate(found):
            u, w, _ = np.reshape(detection["keypoints"], (-1, 3)).T
            if (v > 0).any():
                squared = ((u - x) ** 2 + (w - y) ** 2)[v > 0]
                spread = (sigmas() if constants is None else constants)[v > 0]
            else:
                dx = np.maximum(0, left - width - u) + np.maximum(0, u - (left + 2 * width))
                dy = np.maximum(0, top - height - w) + np.maximum(0, w - (top + 2 * height))
                squared, spread = dx**2 + dy**2, constants
            table[i, j] = _similarities(squared, person["area"], spread).mean()
    return table


# --- matching and precision


_Image = tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]


def _by_image(truth: Mapping[str, Any], detections: Sequence[Mapping[str, Any]]) -> list[_Image]:
    """Per image the best detections by falling score, and the annotations."""
    try:
        images: dict[Any, _Image] = {image["id"]: ([], []) for image in truth["images"]}
        for person in truth["annotations"]:
            if person.get("category_id", 1) == 1:
                images[person["image_id"]][1].append(person)
        for detection in detections:
            if detection.get("category_id", 1) == 1:
                images[detection["image_id"]][0].append(detection)
        for found, _ in images.values():
            order = np.argsort([-float(detection["score"]) for detection in found], kind="mergesort")
            found[:] = [found[i] for i in order[:_MOST_PEOPLE]]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"not in COCO's form, or detections of other images ({type(error).__name__}: {error})",
            where="average precision",
        ) from error
    return list(images.values())


@dataclass(frozen=True)
class _Match:
    """One image: scores (D,) of detections, and per threshold (10, D) who found somebody and who does not count."""

    scores: Array
    hit: BoolArray
    ignored: BoolArray
    people: int  # that count


def _match(
    found: list[Mapping[str, Any]], real: list[Mapping[str, Any]], limits: tuple[float, float], constants: Array | None
) -> _Match | None:
    """Detections take annotations, the best first, each the most similar one that is left."""
    if not found and not real:
        return None
    low, high = limits
    skip = np.array([_does_not_count(person) or not low <= person["area"] <= high for person in real], bool)
    order = np.argsort(skip, kind="mergesort")  # those that count come first
    skip, table = skip[order], oks_table(found, [real[i] for i in order], constants)
    crowd = np.array([bool(real[i].get("iscrowd")) for i in order], bool)
    hit = np.zeros((len(OKS_THRESHOLDS), len(found)), bool)
    ignored = np.zeros_like(hit)
    outside = np.array([not low <= _extent(detection) <= high for detection in found], bool)
    for t, threshold in enumerate(OKS_THRESHOLDS):
        free = np.ones(len(real), bool)
        for d in range(len(found)):
            best = _most_similar(table[d], min(threshold, 1 - 1e-10), free | crowd, skip)
            if best is not None:
                free[best], hit[t, d], ignored[t, d] = False, True, skip[best]
        ignored[t] |= ~hit[t] & outside
    scores = np.array([float(detection["score"]) for detection in found])
    return _Match(scores, hit, ignored, int((~skip).sum()))


def _most_similar(row: Array, threshold: float, free: BoolArray, skip: BoolArray) -> int | None:
    """The last of the most similar annotations from the threshold on; one that counts goes before one that does not."""
    for group in (free & ~skip, free & skip):
        candidates = np.flatnonzero(group & (row >= threshold))
        if len(candidates):
            return int(candidates[np.flatnonzero(row[candidates] == row[candidates].max())[-1]])
    return None


def _does_not_count(person: Mapping[str, Any]) -> bool:
    unlabelled = not (np.reshape(person["keypoints"], (-1, 3))[:, 2] > 0).any()
    return bool(person.get("iscrowd") or person.get("ignore") or unlabelled)


def _extent(detection: Mapping[str, Any]) -> float:
    """Area of the box around the joints of a detection [px^2]."""
    points = np.reshape(detection["keypoints"], (-1, 3))[:, :2]
    return float(np.ptp(points, axis=0).prod())


def _curves(matches: list[_Match]) -> tuple[Array, Array]:
    """(10,) average precision and (10,) recall per threshold; -1 where nobody is to be found."""
    thresholds = len(OKS_THRESHOLDS)
    people = sum(match.people for match in matches)
    if not people:
        return np.full(thresholds, -1.0), np.full(thresholds, -1.0)
    order = np.argsort(-np.concatenate([match.scores for match in matches]), kind="mergesort")
    hit, ignored = (
        np.concatenate([getattr(match, name) for match in matches], 1)[:, order] for name in ("hit", "ignored")
    )
    precisions, recalls = np.zeros(thresholds), np.zeros(thresholds)
    for t in range(thresholds):
        right, wrong = np.cumsum(hit[t] & ~ignored[t]), np.cumsum(~hit[t] & ~ignored[t])
        if not len(right):
            continue
        recall = right / people
        precision = right / (right + wrong + np.spacing(1))
        precision = np.maximum.accumulate(precision[::-1])[::-1]  # never rises with recall
        at = np.searchsorted(recall, _RECALLS)
        precisions[t] = np.where(at < len(precision), precision[at.clip(max=len(precision) - 1)], 0).mean()
        recalls[t] = recall[-1]
    return precisions, recalls


# --- distances


def pck(predicted: Array, target: Array, scale: Array, share: float, labelled: Array | None = None) -> float:
    """Share of joints nearer to the truth than ``share`` of a scale, the mean over joints of the share of people.

    With the larger side of the box as scale it is PCK, with 0.6 of the diagonal of the head's box PCKh (see
    `head_scale`), with the torso's length tPCK (see `torso_scale`).

    Args:
        predicted, target: (N, J, 2) [px].
        scale: (N,) [px].
        share: Of the scale, e.g. 0.2.
        labelled: (N, J) more than 0 where a joint counts; all by default. Joints that nobody has are left out.
    """
    seen = np.ones(target.shape[:2], bool) if labelled is None else np.asarray(labelled) > 0
    near = (np.linalg.norm(predicted - target, axis=-1) < share * np.asarray(scale)[:, None]) & seen
    people = seen.sum(0)
    if not people.any():
        return float("nan")
    return float((near.sum(0)[people > 0] / people[people > 0]).mean())


def box_scale(boxes: Array) -> Array:
    """(N,) larger side [px] of boxes (N, 4) x0, y0, x1, y1: the scale of PCK."""
    sides: Array = (boxes[:, 2:4] - boxes[:, :2]).max(1)
    return sides


def head_scale(boxes: Array) -> Array:
    """(N,) 0.6 of the diagonal [px] of heads' boxes (N, 4) x0, y0, x1, y1: the scale of PCKh."""
    scale: Array = 0.6 * np.linalg.norm(boxes[:, 2:4] - boxes[:, :2], axis=1)
    return scale


def torso_scale(points: Array, skeleton: Skeleton = COCO17) -> Array:
    """(N,) distance [px] of the left shoulder from the right hip in (N, J, 2): the scale of tPCK."""
    shoulder, hip = skeleton.indices(["left_shoulder", "right_hip"])
    length: Array = np.linalg.norm(points[:, shoulder] - points[:, hip], axis=1)
    return length


def pixel_error(predicted: Array, target: Array) -> float:
    """Mean distance [px] over the joints (..., J, 2) that both have; NaN where there are none."""
    distances = np.linalg.norm(predicted - target, axis=-1)
    known = np.isfinite(distances)
    return float(distances[known].mean()) if known.any() else float("nan")


def jitter(points: Array) -> float:
    """Mean length [px/frame^2] of the second differences over time of (T, J, 2), where all three frames are there."""
    if len(points) < 3:
        return float("nan")
    return pixel_error(np.diff(points, 2, axis=0), np.zeros(2))

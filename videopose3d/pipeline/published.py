"""Published errors of the original program and which of them an evaluation compares with.

Figures are facts from Pavllo et al., "3D human pose estimation in video with temporal convolutions and
semi-supervised training", CVPR 2019, tables 1 and 2, and from the original program's README.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from videopose3d.pipeline.evaluate import TEST_SUBJECTS
from videopose3d.pipeline.scores import METRICS, SHORT, Scores, grid, reads_wide

Row = tuple[float, ...]


@dataclass(frozen=True)
class Published:
    """Errors somebody published.

    Attributes:
        name: What they are of.
        source: Where they are printed.
        dataset, keypoints, frames, causal: What an evaluation has to share with them.
        averages: Metric -> mean over the actions.
        actions: Metric -> one figure per action, in the order of `SHORT`.
        only: The action groups they are over; empty for all.
    """

    name: str
    source: str
    dataset: str
    keypoints: str
    frames: int
    causal: bool
    averages: Mapping[str, float]
    actions: Mapping[str, Row] = field(default_factory=dict)
    only: tuple[str, ...] = ()


_TABLES = "the paper, tables 1 and 2"
_README = "the original's README"
_CPN = "CPN in the boxes of Mask R-CNN"

PUBLISHED = (
    Published(
        f"243 frames, {_CPN}", _TABLES, "h36m", "cpn_ft_h36m_dbb", 243, False,
        {"mpjpe": 46.8, "p_mpjpe": 36.5, "mpjve": 2.8},
        {
            "mpjpe": (45.2, 46.7, 43.3, 45.6, 48.1, 55.1, 44.6, 44.3, 57.3, 65.8, 47.1, 44.0, 49.0, 32.8, 33.9),
            "p_mpjpe": (34.1, 36.1, 34.4, 37.2, 36.4, 42.2, 34.4, 33.6, 45.0, 52.5, 37.4, 33.8, 37.8, 25.6, 27.3),
            "mpjve": (3.0, 3.1, 2.2, 3.4, 2.3, 2.7, 2.7, 3.1, 2.1, 2.9, 2.3, 2.4, 3.7, 3.1, 2.8),
        },
    ),
    Published(
        f"243 frames, causal, {_CPN}", _TABLES, "h36m", "cpn_ft_h36m_dbb", 243, True,
        {"mpjpe": 49.0, "p_mpjpe": 38.1},
        {
            "mpjpe": (45.9, 48.5, 44.3, 47.8, 51.9, 57.8, 46.2, 45.6, 59.9, 68.5, 50.6, 46.4, 51.0, 34.5, 35.4),
            "p_mpjpe": (35.1, 37.7, 36.1, 38.8, 38.5, 44.7, 35.4, 34.7, 46.7, 53.9, 39.6, 35.4, 39.4, 27.3, 28.6),
        },
    ),
    Published(
        f"single frame, {_CPN}", _TABLES, "h36m", "cpn_ft_h36m_dbb", 1, False,
        {"mpjpe": 51.8, "p_mpjpe": 40.0, "mpjve": 11.6},
        {
            "mpjpe": (47.1, 50.6, 49.0, 51.8, 53.6, 61.4, 49.4, 47.4, 59.3, 67.4, 52.4, 49.5, 55.3, 39.5, 42.7),
            "p_mpjpe": (36.0, 38.7, 38.0, 41.7, 40.1, 45.9, 37.1, 35.4, 46.8, 53.4, 41.4, 36.9, 43.1, 30.3, 34.8),
            "mpjve": (12.8, 12.6, 10.3, 14.5, 10.2, 11.3, 11.8, 11.3, 8.2, 10.2, 10.3, 11.3, 13.1, 13.4, 12.9),
        },
    ),
    Published(
        "81 frames, CPN in ground-truth boxes (other boxes than here)", _README, "h36m", "cpn_ft_h36m_dbb", 81, False,
        {"mpjpe": 47.7, "p_mpjpe": 37.2},
    ),
    Published(
        "27 frames, CPN in ground-truth boxes (other boxes than here)", _README, "h36m", "cpn_ft_h36m_dbb", 27, False,
        {"mpjpe": 48.8, "p_mpjpe": 38.0},
    ),
    Published(
        "243 frames, Mask R-CNN", _README, "h36m", "detectron_ft_h36m", 243, False, {"mpjpe": 51.6, "p_mpjpe": 40.3}
    ),
    Published("243 frames, perfect 2D", _README, "h36m", "gt", 243, False, {"mpjpe": 37.2, "p_mpjpe": 27.2}),
    Published(
        "27 frames, Mask R-CNN, Walking, Jog and Box", _README, "humaneva15", "detectron_pt_coco", 27, False,
        {"mpjpe": 33.0}, only=("Walking", "Jog", "Box"),
    ),
)  # fmt: skip


def find_published(scores: Scores, keypoints: str) -> Published | str:
    """The published errors that an evaluation compares with, or a sentence why there are none.

    Args:
        scores: The evaluation.
        keypoints: The NAME of its 2D keypoints.
    """
    of_set = [p for p in PUBLISHED if p.dataset == scores.dataset]
    if not of_set:
        return f"Nothing published for {scores.dataset}; there is {_names({p.dataset for p in PUBLISHED})}."
    wanted = TEST_SUBJECTS[scores.dataset]
    if set(scores.subjects) != set(wanted) or scores.downsample != 1 or scores.subset < 1:
        return f"Nothing published fits: the paper judges every frame of {', '.join(wanted)}."
    of_points = [p for p in of_set if p.keypoints == keypoints]
    if not of_points:
        return f"Nothing published for the keypoints {keypoints}; there is {_names({p.keypoints for p in of_set})}."
    for p in of_points:
        # A network of one frame has no future to leave out.
        if p.frames == scores.frames and (p.causal == scores.causal or p.frames == 1):
            return p
    kinds = _names({f"{p.frames} frames{' causal' * p.causal}" for p in of_points})
    ours = f"{scores.frames} frames{' causal' * scores.causal}"
    return f"Nothing published for {ours} with the keypoints {keypoints}; there is {kinds}."


def against_paper(scores: Scores, keypoints: str, *, layout: str = "auto", width: int = 120) -> str:
    """The published errors and how much ours are higher, as text; or why there is nothing to compare with.

    Args:
        scores: The evaluation.
        keypoints: The NAME of its 2D keypoints.
        layout, width: As `Scores.table`.
    """
    found = find_published(scores, keypoints)
    if isinstance(found, str):
        return found
    rows = scores.overall.rows
    heads = [SHORT.get(row.action, row.action) for row in rows] + ["Avg."]
    whole = {row.action for row in rows} == set(found.only or SHORT)
    order = list(SHORT)
    lines = []
    for metric, average in found.averages.items():
        name, _ = METRICS[metric]
        column = found.actions.get(metric)
        theirs = [column[order.index(row.action)] if column else None for row in rows] + [average if whole else None]
        ours = [getattr(row, metric) for row in (*rows, scores.average)]
        lines.append((name, ["-" if p is None else f"{p:.1f}" for p in theirs]))
        more = ["-" if p is None else f"{o - p:+.1f}" for o, p in zip(ours, theirs, strict=True)]
        lines.append((" ours", more))
    text = grid(heads, lines, wide=True)
    if not reads_wide(text, layout, width):
        text = grid(heads, lines, wide=False)
    part = "" if whole else "\nNo average: the published one is over other actions."
    part += "" if scores.flip else "\nThe published errors are with flip averaging, ours without."
    return f"Published for {found.name} ({found.source}), and how far ours are above:\n{text}{part}"


def _names(values: set[str]) -> str:
    return ", ".join(sorted(values))

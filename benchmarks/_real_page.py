"""The page of `real_keypoints.py`: tables by detector, clip and joint, and how good the labels are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from textwrap import fill

import numpy as np
from _real_labels import HIDDEN, VISIBLE, Label, Labels, scatter
from _real_scores import score

from videopose3d.skeleton import COCO17
from videopose3d.types import Array

PARTS = ("nose", "eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
Found = Mapping[str, Array]
"""(N, 17, 2) [px] by detector."""
_WIDTH = 118


def page(labels: Labels, found: Found) -> str:
    """The whole page as Markdown."""
    parts = [
        "# 2D keypoints on real frames\n",
        _intro(labels),
        "## By detector\n",
        _by_detector(labels, found),
        "## By clip\n",
        _by_clip(labels, found),
        "## By joint\n",
        _by_joint(labels, found),
        _about_labels(labels),
        _how(found),
    ]
    return "\n".join(parts)


def _intro(labels: Labels) -> str:
    people = labels.people
    count = {v: sum(int((label.visibility == v).sum()) for label in people) for v in (VISIBLE, HIDDEN)}
    text = (
        f"{len(people)} frames of {len(labels.credits)} real clips, one person each, labelled by hand: "
        f"{count[VISIBLE]} visible joints and {count[HIDDEN]} hidden ones. PCK is the share of joints nearer to their "
        "label than 0.1 or 0.2 of the torso (left shoulder to right hip), the mean over the joints. OKS is COCO's, "
        "with 0.53 of the box for the area. First come visible joints, then hidden ones, then all. Who was not found "
        "is wrong in all joints; the second table leaves these people out. Sides are exchanged where the keypoints fit "
        "clearly better with left for right. This page is written by `benchmarks/real_keypoints.py`."
    )
    return fill(text, _WIDTH) + "\n"


_TITLES = (
    *("found", "PCK 0.1", "PCK 0.2", "OKS", "hidden: PCK 0.1", "hidden: PCK 0.2", "hidden: OKS"),
    *("OKS of all joints", "sides exchanged"),
)
_HEAD = "| | " + " | ".join(_TITLES) + " |\n" + "|---" * (len(_TITLES) + 1) + "|"


def _by_detector(labels: Labels, found: Found) -> str:
    everybody = [_row(name, labels.people, points) for name, points in found.items()]
    only = []
    for name, points in found.items():
        rows = np.flatnonzero(np.isfinite(points).any((1, 2)))
        if len(rows):
            only.append(_row(name, [labels.people[n] for n in rows], points[rows]))
    return "\n".join([_HEAD, *everybody, "", "People who were found only:\n", _HEAD, *only, ""])


def _by_clip(labels: Labels, found: Found) -> str:
    lines = [_HEAD]
    for clip in dict.fromkeys(label.clip for label in labels.people):
        rows = [n for n, label in enumerate(labels.people) if label.clip == clip]
        for name, points in found.items():
            title = clip.removesuffix(".mp4") + (f", {name}" if len(found) > 1 else "")
            lines.append(_row(title, [labels.people[n] for n in rows], points[rows]))
    return "\n".join([*lines, ""])


def _row(title: str, people: list[Label] | tuple[Label, ...], points: Array) -> str:
    s = score(people, points)
    shares = (s.near, s.about, s.oks_visible, s.near_hidden, s.about_hidden, s.oks_hidden, s.oks)
    cells = [title, f"{s.found} of {s.people}", *map(_percent, shares), str(s.exchanged)]
    return "| " + " | ".join(cells) + " |"


def _by_joint(labels: Labels, found: Found) -> str:
    """PCK of visible joints, both sides together, of people who were found."""
    lines = [
        "Visible joints of people who were found, PCK 0.1 / 0.2:\n",
        "| | " + " | ".join(PARTS) + " |",
        "|---" * (len(PARTS) + 1) + "|",
    ]
    for name, points in found.items():
        rows = np.flatnonzero(np.isfinite(points).any((1, 2)))
        people, cells = [labels.people[n] for n in rows], []
        for part in PARTS if people else ():
            joints = [j for j, joint in enumerate(COCO17.joints) if joint.endswith(part)]
            s = score(people, points[rows], joints)
            cells.append(f"{_percent(s.near)} / {_percent(s.about)}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _percent(share: float) -> str:
    return "" if math.isnan(share) else f"{100 * share:.1f}"


def _about_labels(labels: Labels) -> str:
    people, joints, pixels, share = scatter(labels)
    text = (
        "`tests/golden/labels/real_frames.json` holds them in COCO's format: the clip and the number of the frame, a "
        "box, 17 joints with COCO's visibility, and a word about the person. No pictures are in it. They were set by "
        "eye in enlarged crops before any detector was run on the frames, drawn over the frame, looked at again and "
        "corrected; three joints of two frames were set anew after a detector had pointed at them. "
        f"{people} frames were labelled a second time from nothing, mirrored so that no number could be "
        f"remembered, and not corrected: the median distance between both over {joints} joints is {pixels:.1f} px, "
        f"{100 * share:.1f} % of the larger side of the box. Differences between detectors below that mean little; "
        "shoulders and hips under clothes are the least certain."
    )
    lines = ["| clip | source | licence |", "|---|---|---|", *(f"| {a} | {b} | {c} |" for a, b, c in labels.credits)]
    return "\n".join(["## The labels\n", fill(text, _WIDTH) + "\n", *lines, ""])


def _how(found: Found) -> str:
    options = "" if list(found) == ["mediapipe"] else "".join(f" --detector {name}" for name in found)
    command = f"python benchmarks/real_keypoints.py CLIPS{options} --out docs/real_keypoints.md"
    return f"## Again\n\n```sh\n{command}\n```\n\nCLIPS is a folder with the five clips.\n"

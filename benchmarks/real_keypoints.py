"""How far the 2D keypoints of detectors are from labels set by hand in 60 frames of five real clips.

    python benchmarks/real_keypoints.py CLIPS [--detector NAME]... [--out docs/real_keypoints.md]

CLIPS is the folder of the clips that tests/golden/labels/real_frames.json names. A NAME is whatever
``videopose3d detect --detector`` takes, and goes the whole way of that command: the clip is watched from its first
frame to its last, people are followed, swaps repaired, gaps filled. ``labels+NETWORK`` is the exception: a keypoint
network (``cpn``, a file, ...) in the labelled boxes, each frame alone, which tells its errors from those of boxes.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from _real_labels import LABELS, Label, Labels, read_labels
from _real_page import page
from _real_scores import NOBODY, person_of

from videopose3d.config import DetectConfig
from videopose3d.detectors import open_keypoints
from videopose3d.errors import InputError, VideoPose3DError
from videopose3d.files import replacing
from videopose3d.pipeline.detect import detect
from videopose3d.skeleton import COCO17
from videopose3d.types import Array, Frame, Person
from videopose3d.video import read_frames

IN_BOXES = "labels+"


def keypoints_of(detector: str, labels: Sequence[Label], clips: Path) -> Array:
    """(N, 17, 2) [px] what a detector says of the labelled people; NaN for whom it did not find."""
    found = np.full((len(labels), *NOBODY.shape), np.nan)
    for clip in dict.fromkeys(label.clip for label in labels):
        rows = [n for n, label in enumerate(labels) if label.clip == clip]
        print(f"{detector}: {clip}", file=sys.stderr)
        chosen = [labels[n] for n in rows]
        if detector.startswith(IN_BOXES):
            found[rows] = _in_boxes(detector.removeprefix(IN_BOXES), chosen, clips / clip)
        else:
            found[rows] = _followed(detector, chosen, clips / clip)
    return found


def _followed(detector: str, labels: Sequence[Label], clip: Path) -> list[Array]:
    keypoints = detect(clip, DetectConfig(detector=detector))
    if keypoints.skeleton.joints != COCO17.joints:
        raise InputError(f"it finds joints of {keypoints.skeleton.name}", where=detector, fix="COCO's are labelled.")
    return [person_of(keypoints, label) for label in labels]


def _in_boxes(network: str, labels: Sequence[Label], clip: Path) -> list[Array]:
    frames = frames_of(clip, [label.frame for label in labels])
    nothing = np.full((17, 2), np.nan, np.float32), np.zeros(17, np.float32)
    with open_keypoints(network) as add:
        pictures = [frames[label.frame] for label in labels]
        seen = add(pictures, [[Person(*nothing, label.box.astype(np.float32))] for label in labels])
    return [people[0].keypoints if people else NOBODY for people in seen]


def frames_of(clip: Path, wanted: Sequence[int]) -> dict[int, Frame]:
    """Some frames of a clip by their numbers."""
    found = {}
    for number, frame in enumerate(read_frames(clip)):
        if number in wanted:
            found[number] = frame
    missing = sorted(set(wanted) - found.keys())
    if missing:
        raise InputError(f"no frame {missing[0]}", where=clip, fix="Take the clip that the labels were made for.")
    return found


def named(detectors: Sequence[str]) -> dict[str, str]:
    """Detectors by names without folders, for the page.

    Raises:
        InputError: Two have the same.
    """
    names = {re.sub(r"[^+=,:]*[/\\]", "", detector): detector for detector in detectors}
    if len(names) < len(detectors):
        raise InputError("two detectors of one name", where="--detector", fix="Rename a file: names tell them apart.")
    return names


def write_page(path: Path, labels: Labels, found: Mapping[str, Array]) -> None:
    with replacing(path) as partial:
        partial.write_text(page(labels, found), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="?", help="folder of the clips")
    parser.add_argument("--detector", action="append", metavar="NAME", help="mediapipe; may be given again")
    parser.add_argument("--labels", type=Path, default=LABELS)
    parser.add_argument("--out", type=Path, metavar="PAGE", help="also write the tables to this Markdown file")
    given = parser.parse_args()
    if given.clips is None:  # `make bench` on a machine without the clips
        print("left out: give the folder of the clips")
        return
    try:
        labels = read_labels(given.labels)
        detectors = named(given.detector or [DetectConfig.detector])
        found = {name: keypoints_of(full, labels.people, given.clips) for name, full in detectors.items()}
    except VideoPose3DError as error:
        sys.exit(str(error))
    print(page(labels, found))
    if given.out:
        write_page(given.out, labels, found)


if __name__ == "__main__":
    main()

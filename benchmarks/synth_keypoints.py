"""Keypoint networks on rendered pictures they have not seen, in the true boxes, beside MediaPipe.

    videopose3d synth mocap/ -o pictures_test --crops 1000 --split test --people 3 --seed 2
    python benchmarks/synth_keypoints.py pictures_test --network runs/cpn_synth/last.safetensors

PCK at 0.1 and 0.2 of the torso (left shoulder to right hip) over seen and over hidden joints, and COCO's average
precision (OKS) with the pixels of a person as area. MediaPipe gets a square around every true box, a quarter larger,
as a single picture; whom it does not find counts as wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from videopose3d.datasets.coco import ANNOTATIONS, LabelledPeople, read_coco
from videopose3d.detectors import open_keypoints
from videopose3d.metrics_2d import average_precision, pck, torso_scale
from videopose3d.pipeline.finetune.samples import read_picture
from videopose3d.skeleton import BLAZEPOSE33, COCO17
from videopose3d.types import Array, Person

HALF = 0.5  # COCO's coordinates count from the middle of the first pixel
LARGER = 1.25


def of_network(name: str, people: LabelledPeople) -> Iterator[tuple[Array, float]]:
    """(17, 2) [px] and a score for everybody, in the true boxes."""
    nothing = np.full((17, 2), np.nan, np.float32), np.zeros(17, np.float32)
    with open_keypoints(name) as add:
        for row in range(len(people)):
            [[found]] = add([read_picture(people, row)], [[Person(*nothing, people.boxes[row] + np.float32(HALF))]])
            yield found.keypoints - HALF, float(found.scores.mean())


def of_mediapipe(people: LabelledPeople) -> Iterator[tuple[Array, float]]:
    """The same of MediaPipe, NaN where it found nobody."""
    import mediapipe

    indices = BLAZEPOSE33.indices(COCO17.joints)
    with mediapipe.solutions.pose.Pose(static_image_mode=True, model_complexity=1) as network:
        for row in range(len(people)):
            picture, (x0, y0, x1, y1) = read_picture(people, row), people.boxes[row]
            half = LARGER * max(x1 - x0, y1 - y0) / 2
            middle = np.array([x0 + x1, y0 + y1]) / 2
            low = np.floor(middle - half).astype(int).clip(0)
            high = np.minimum(np.ceil(middle + half).astype(int), picture.shape[1::-1])
            part = np.ascontiguousarray(picture[low[1] : high[1], low[0] : high[0]])
            found = network.process(part).pose_landmarks
            if not found:
                yield np.full((17, 2), np.nan), 0.0
                continue
            marks = [found.landmark[i] for i in indices]
            points = np.array([(p.x * part.shape[1], p.y * part.shape[0]) for p in marks]) + low - HALF
            yield points, float(np.mean([p.visibility for p in marks]))


def score(people: LabelledPeople, truth: dict[str, Any], found: list[tuple[Array, float]]) -> list[str]:
    points = np.stack([one for one, _ in found])
    far = np.where(np.isfinite(points), points, 1e6)
    scale = torso_scale(people.joints)
    cells = [f"{np.isfinite(points).all((1, 2)).mean():.3f}"]
    for state in (2, 1):
        counts = (people.visibility == state).astype(int)
        cells += [f"{pck(far, people.joints, scale, share, counts):.3f}" for share in (0.1, 0.2)]
    detections = [
        {
            "image_id": annotation["image_id"],
            "category_id": 1,
            "keypoints": np.concatenate([one, np.ones((17, 1))], 1).ravel().tolist(),
            "score": confidence,
        }
        for annotation, one, (_, confidence) in zip(truth["annotations"], far, found, strict=True)
    ]
    result = average_precision(truth, detections)
    return [*cells, f"{result.ap:.3f}", f"{result.ap50:.3f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, help="Folder of `videopose3d synth --crops`.")
    parser.add_argument("--network", action="append", default=[], help="File or name of a keypoint network.")
    parser.add_argument("--most", type=int, default=1000, help="Only so many people.")
    options = parser.parse_args()
    people = read_coco(options.pictures)
    truth = json.loads((options.pictures / ANNOTATIONS).read_text())
    if len(truth["annotations"]) != len(people):
        sys.exit(f"{options.pictures}: somebody without box or keypoints")
    people = people.select(range(min(options.most, len(people))))
    truth["annotations"] = truth["annotations"][: len(people)]
    kept = {annotation["image_id"] for annotation in truth["annotations"]}
    truth["images"] = [image for image in truth["images"] if image["id"] in kept]
    rows = {"MediaPipe": of_mediapipe(people), **{name: of_network(name, people) for name in options.network}}
    print("| | found | seen @0.1 | seen @0.2 | hidden @0.1 | hidden @0.2 | OKS AP | AP50 |\n|" + "---|" * 8)
    for name, found in rows.items():
        print(f"| {Path(name).name} | " + " | ".join(score(people, truth, list(found))) + " |", flush=True)


if __name__ == "__main__":
    main()

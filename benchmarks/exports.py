"""How far the joints of a BVH file are from those of the result: its bones have constant lengths.

    python benchmarks/exports.py [RESULT.npz ...]

Without files: what `infer` makes of the bundled clip. The BVH file is read by our importer of motion capture and
compared, joint by joint, with the positions that every y-up export has (on the ground where it was found).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from videopose3d import load_result
from videopose3d.datasets.mocap.bvh import parse_bvh
from videopose3d.export import export_result, files_of
from videopose3d.export.skeletal import moving, rig
from videopose3d.export.upright import lifted, upright
from videopose3d.pipeline.demo import demo_clip
from videopose3d.pipeline.infer import infer
from videopose3d.types import Result


def distances(result: Result) -> np.ndarray:
    """(N, J) of every person and frame with a pose and a place [mm]."""
    skeleton, points = lifted(result).skeleton, upright(result)
    starts = {bone.at: bone.name for bone in reversed(rig(skeleton))} | {"head": "Head_end"}
    found = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "out.bvh"
        export_result(result, path)
        for person, file in zip(moving(result), files_of(result, path), strict=True):
            motion = parse_bvh(file.read_text())
            read = np.stack([motion.positions[:, motion.index(starts[joint])] for joint in skeleton.joints], 1) / 100
            apart = np.linalg.norm(read - points[person], axis=-1) * 1000
            found.append(apart[np.isfinite(apart).all(-1)])
    return np.concatenate(found)


def results() -> Iterator[tuple[str, Result]]:
    for name in sys.argv[1:]:
        yield Path(name).name, load_result(name)
    if not sys.argv[1:]:
        with demo_clip() as clip:
            yield "bundled clip", infer(clip)


def main() -> None:
    print(f"{'':28} {'poses':>6} {'median':>7} {'95 %':>7} {'largest':>8}  [mm]")
    for name, result in results():
        apart = distances(result)
        middle, high, most = np.percentile(apart, (50, 95, 100))
        print(f"{name:28} {len(apart):6} {middle:7.2f} {high:7.2f} {most:8.2f}")


if __name__ == "__main__":
    main()

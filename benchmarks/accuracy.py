"""How accurate the bundled lifters are: docs/results.md.

    python benchmarks/accuracy.py MOTIONS [--rendered FOLDER] [--out docs/results.md] [--lifter open]... [--single FILE]

MOTIONS is a folder of motion capture sets or a library made from one (docs/lifter.md). Held-out people through
virtual cameras, by set, kind of motion and field of view; how much a wrongly guessed field of view costs; and, with
``--rendered`` (a folder for rendered clips, made where they are missing), the whole way from pixels
(benchmarks/end_to_end.py). ``--single`` is a lifter of one frame, for comparison:

    videopose3d train-mocap MOTIONS -o single.safetensors --filter-widths 1,1,1 --windows 8000000
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from videopose3d.datasets.mocap import Motion, MotionLibrary, read_source
from videopose3d.datasets.mocap.classes import motion_class
from videopose3d.datasets.virtual import CameraConfig, NoiseConfig
from videopose3d.lifter.lift import Lifter
from videopose3d.pipeline.heldout import KINDS, HeldOutRow, predict_held_out

DEFAULT_FOV = 60.0
TRUE_FOVS = (40.0, 60.0, 80.0)
GUESSES = (-20.0, -10.0, 0.0, 10.0, 20.0)
SMOOTHING = 0.4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("motions", type=Path, nargs="?")
    parser.add_argument("--rendered", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--lifter", action="append")
    parser.add_argument("--single")
    given = parser.parse_args()
    if given.motions is None:  # `make bench` on a machine without the data
        print("left out: give the folder of motion capture sets")
        return
    torch.set_num_threads(1)
    library = read_source(given.motions)
    lifters = given.lifter or ["open", "open-causal"]
    parts = [INTRODUCTION, held_out(library, lifters, given.single), budget(library, lifters[0])]
    parts.append(wrong_views(library, lifters[0]))
    if given.rendered:
        import end_to_end

        found = end_to_end.run(given.motions, given.rendered, ["mediapipe"], lifters[0])
        parts.append(END_TO_END.format(name=lifters[0]) + end_to_end.table(found))
    page = "\n".join(parts) + "\n"
    print(page)
    if given.out:
        given.out.write_text(page, encoding="utf-8")


INTRODUCTION = """# Results: how accurate the bundled lifters are

Written by `python benchmarks/accuracy.py MOTIONS --rendered FOLDER --single single.safetensors --out docs/results.md`.
The test split: persons that no training window shows; everybody is scaled to a stature of 1.70 m, poses are relative
to the pelvis. The cameras are those of the training's distribution (1.5 to 12 m away, field of view 30 to 100 degrees,
looking 30 degrees up to 40 degrees down, a fifth of them moving), drawn with a seed that training does not use. "Noisy"
2D has the errors measured on MediaPipe ([detector_noise.md](detector_noise.md)), hidden and lost joints, exchanged
sides, and a focal length that is wrong by 8 % or, in 30 % of the windows, by 30 % (standard deviations). Dancing is
from the validation split: the test people do not dance.
"""


END_TO_END = """
## From pixels: `{name}`

Twelve held-out motions of two seconds, rendered with clothed people who never existed
([synthetic people](synth.md)), each by cameras of 40, 60 and 80 degrees from the same side and as large in the picture
(480x360 pixels). MediaPipe finds the keypoints. "Ours" is `lift` with its defaults (refined, smoothed), which knows
neither the person's height nor, unless told, the field of view. Errors in mm over 12 limb joints about the middle of
the hips (17 joints: about the pelvis); "place" is the mean distance of the pelvis from where it is, in percent of its
distance, "heading" the mean angle between its true and its found way over half a second. "ours, true 2D" has the true
keypoints: what remains is the lifter's share. "2D right" leaves out clips in which MediaPipe's limb joints are off by
more than 5 % of the stature: people seen from behind taken for turned round, and falls. Also alone:
`python benchmarks/end_to_end.py MOTIONS --folder FOLDER`.

"""


def held_out(library: MotionLibrary, lifters: Sequence[str], single: str | None) -> str:
    """Tables of held-out people for every lifter."""
    test = library.select("test")
    dancing = MotionLibrary(tuple(m for m in library.select("validation") if motion_class(m.name) == "dancing"))
    lines = []
    for name in lifters:
        lifter = Lifter.load(name, "cpu")
        found, dances = predict_held_out(lifter, test), predict_held_out(lifter, dancing)
        lines += ["", f"## Held-out people: `{name}`", "", "By data set, raw output of the network:", ""]
        lines += _table(found.table().rows)
        lines += ["", "By kind of motion:", ""]
        kinds = [
            *found.table(lambda motion, _: motion_class(motion.name)).rows[:-1],
            *dances.table(lambda *_: "dancing").rows[:1],
        ]
        lines += _table(sorted(kinds, key=lambda row: row.name))
        lines += ["", "By field of view:", ""]
        lines += _table(sorted(found.table(_by_view).rows[:-1], key=lambda row: row.name))
    lines += ["", "## Steadiness", "", "All test people; smoothed is what `infer` does by default (0.4 s):", ""]
    everyone = []
    for name in [*lifters, *([single] if single else [])]:
        lifter = Lifter.load(name, "cpu")
        label = f"one frame ({lifter.header.channels} channels)" if name == single else name
        for kind, seconds in (("raw", 0.0), ("smoothed", SMOOTHING)):
            row = predict_held_out(lifter, test, smoothing=seconds).table().rows[-1]
            everyone.append(HeldOutRow(f"{label}, {kind}", row.poses, row.errors))
    return "\n".join([*lines, *_table(everyone, KINDS[:2])])


def _by_view(_: Motion, fov: float) -> str:
    low = int(fov // 15 * 15)
    return f"{low:3d} to {low + 15} degrees"


def _table(rows: Sequence[HeldOutRow], kinds: Sequence[str] = KINDS) -> list[str]:
    """A Markdown table, errors in mm, mm/frame, mm/frame^2 and mm."""
    names = ("MPJPE", "P-MPJPE", "N-MPJPE", "MPJVE", "acceleration", "bone variation")
    fields = ("mpjpe", "p_mpjpe", "n_mpjpe", "mpjve", "acceleration", "bone_variation")
    lines = ["| | 2D | poses | " + " | ".join(names) + " |", "|---" * (len(names) + 3) + "|"]
    for row in rows:
        for kind in kinds:
            cells = [f"{getattr(row.errors[kind], name):.1f}" for name in fields]
            lines.append(f"| {row.name} | {kind} | {row.poses} | " + " | ".join(cells) + " |")
    return lines


BUDGET = """
## Where the error comes from: `{name}`

All test people, smoothed. Every row adds to the one above. Up to the last but one the errors are MediaPipe's, which
gives every joint a place and means by its scores what [was measured](detector_noise.md); the last one is "noisy 2D" of
all other tables, for which detectors may also lose joints or whole legs, and mean other things by their scores.

| | MPJPE | P-MPJPE | MPJVE | acceleration |
|---|---|---|---|---|
"""
KNOWN = CameraConfig(focal_error=0.0, focal_guess=0.0)
STEADY = NoiseConfig(
    clean=0.0, steady=0.0, jitter=0.0, outliers=0.0, occluded=0.0, missing=0.0, dropped=0.0, swapped=0.0, blind=0.0,
    alike=1.0,
)  # fmt: skip
MEDIAPIPE = NoiseConfig(clean=0.0, missing=0.0, blind=0.0, alike=1.0)
CAUSES = {
    "joints constantly beside their places": (STEADY, KNOWN),
    "errors that change, hidden limbs, short gaps": (replace(MEDIAPIPE, swapped=0.0), KNOWN),
    "left and right exchanged": (MEDIAPIPE, KNOWN),
    "focal length 8 % wrong": (MEDIAPIPE, CameraConfig(focal_guess=0.0)),
    "focal length guessed in 30 % of the windows": (MEDIAPIPE, CameraConfig()),
    "lost joints, other meanings of scores": (NoiseConfig(clean=0.0), CameraConfig()),
}


def budget(library: MotionLibrary, name: str) -> str:
    """What every kind of error costs."""
    lifter, test = Lifter.load(name, "cpu"), library.select("test")
    rows = {}
    for cause, (noise, camera) in CAUSES.items():
        found = predict_held_out(lifter, test, noise=noise, camera=camera, smoothing=SMOOTHING).table().rows[-1]
        rows.setdefault("perfect 2D, camera known", found.errors[KINDS[0]])
        rows[f"+ {cause}"] = found.errors[KINDS[1]]
    cells = {label: (e.mpjpe, e.p_mpjpe, e.mpjve, e.acceleration) for label, e in rows.items()}
    lines = [f"| {label} | " + " | ".join(f"{x:.1f}" for x in row) + " |" for label, row in cells.items()]
    return BUDGET.format(name=name) + "\n".join(lines)


WRONG_VIEWS = """
## A wrongly guessed field of view: `{name}`

MPJPE / P-MPJPE in mm with perfect 2D and with noisy 2D (whose focal length is wrong by the guess alone). Rows: the
camera's true field of view; columns: how far off the guess is. Every third motion of the test split.
"""


def wrong_views(library: MotionLibrary, name: str) -> str:
    """What a wrongly guessed field of view costs."""
    lifter, test = Lifter.load(name, "cpu"), MotionLibrary(library.select("test").motions[::3])
    columns = " | ".join(f"{guess:+.0f} degrees" if guess else "right" for guess in GUESSES)
    lines = [WRONG_VIEWS.format(name=name), f"| true | 2D | {columns} |", "|---" * (len(GUESSES) + 2) + "|"]
    for fov in TRUE_FOVS:
        camera = CameraConfig(fov=(fov, fov), focal_error=0.0, focal_guess=0.0)
        rows = [_at_guess(lifter, test, camera, fov, fov + guess) for guess in GUESSES]
        for kind in KINDS[:2]:
            cells = (f"{row.errors[kind].mpjpe:.1f} / {row.errors[kind].p_mpjpe:.1f}" for row in rows)
            lines.append(f"| {fov:.0f} | {kind} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _at_guess(lifter: Lifter, test: MotionLibrary, camera: CameraConfig, true: float, guess: float) -> HeldOutRow:
    tangent: Callable[[float], float] = lambda degrees: math.tan(math.radians(degrees / 2))  # noqa: E731
    factor = tangent(true) / tangent(guess)  # of the assumed focal length over the true one
    noise = NoiseConfig(clean=0.0)
    return predict_held_out(lifter, test, camera=camera, noise=noise, focal_factor=factor).table().rows[-1]


if __name__ == "__main__":
    main()

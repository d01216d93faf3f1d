"""From 2D keypoints to motion in the world: lift, find the ground, refine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from videopose3d.config import LiftConfig
from videopose3d.lens import ideal_camera, lens_of, straightened
from videopose3d.pipeline.detect import Progress
from videopose3d.types import Keypoints2D, Result


def lift_keypoints(
    keypoints: Keypoints2D, config: LiftConfig | None = None, progress: Progress | None = None
) -> Result:
    """The 3D stage alone: poses, path, and both on the ground.

    Raises:
        SkeletonMismatchError: The lifter takes other joints.
        WeightsError: The lifter's weights are missing or damaged.
        DeviceError: The device is not on this machine.
        InputError: The calibration file is missing, or of other pictures.
        FileFormatError: It is no calibration file.
    """
    from videopose3d.lifter.lift import lift
    from videopose3d.weights.store import find_lifter, read_header
    from videopose3d.world.place import find_world, scaled
    from videopose3d.world.quality import quality
    from videopose3d.world.refine import refine

    config = config or LiftConfig()
    total = int(keypoints.placed.sum())

    def report(stage: str) -> Callable[[int], None] | None:
        return (lambda done: progress(stage, done, total)) if progress else None

    if progress:
        progress("lift", 0, total)
    stature = read_header(find_lifter(config.lifter)).stature
    size = config.height / stature if stature else 1.0  # everything up to here is for people of one size
    lens = lens_of(keypoints, config)
    camera, seen = ideal_camera(lens, keypoints.size), straightened(keypoints, lens)
    ideal = replace(config, focal=camera.focal, fov=None, calib=None, calib_camera=None)
    poses = lift(seen, replace(ideal, height=stature or config.height), report("lift"))
    world, refinement = find_world(poses, keypoints.fps), None
    if config.refine:
        before, _ = scaled(poses, world, size)
        poses, world = refine(poses, seen, camera, world, progress=report("refine"))
    after, world = scaled(poses, world, size)
    if config.refine:
        of_both = (quality(motion, seen, camera, world.contacts) for motion in (before, after))
        refinement = next(of_both), next(of_both)
    height = config.height if stature else None
    return Result(keypoints, after, focal=camera.focal, height=height, world=world, refinement=refinement, lens=lens)

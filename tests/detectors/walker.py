"""A walker made of pendulums, filmed by a pinhole camera: 2D tracks whose sides are known."""

from __future__ import annotations

import numpy as np

from videopose3d.skeleton import COCO17

TO_THE_RIGHT, TO_THE_CAMERA, AWAY = 0.0, -np.pi / 2, np.pi / 2


def walker(heading: float | np.ndarray, frames: int = 150, fps: float = 25, *, strides=0.95, swing=0.45) -> np.ndarray:
    """(frames, 17, 2) [px] COCO keypoints of somebody walking on the spot.

    Args:
        heading: Direction, for all frames or each [rad]: see the names above.
        frames: Length.
        fps: Frame rate [1/s].
        strides: Double steps per second.
        swing: Angle of the thighs, forward and back [rad].
    """
    phase = 2 * np.pi * strides * np.arange(frames) / fps
    body = np.zeros((frames, 17, 3))  # forward, up, to the person's left [m]

    def put(joint: str, forward, up, left) -> None:
        body[:, COCO17.index(joint)] = np.stack(np.broadcast_arrays(forward, up, left), -1)

    put("nose", 0.12, 1.6, 0)
    for side, left in (("left", 1), ("right", -1)):
        turn = phase if left > 0 else phase + np.pi
        thigh, knee, arm = swing * np.sin(turn), 0.5 * np.cos(turn).clip(0), -0.4 * np.sin(turn)
        put(f"{side}_eye", 0.1, 1.65, 0.03 * left)
        put(f"{side}_ear", 0, 1.63, 0.08 * left)
        put(f"{side}_shoulder", 0, 1.42, 0.18 * left)
        elbow = 0.28 * np.sin(arm), 1.42 - 0.28 * np.cos(arm)
        put(f"{side}_elbow", *elbow, 0.2 * left)
        put(f"{side}_wrist", elbow[0] + 0.25 * np.sin(arm + 0.3), elbow[1] - 0.25 * np.cos(arm + 0.3), 0.2 * left)
        put(f"{side}_hip", 0, 0.9, 0.1 * left)
        bent = 0.45 * np.sin(thigh), 0.9 - 0.45 * np.cos(thigh)
        put(f"{side}_knee", *bent, 0.1 * left)
        shank = thigh - knee
        put(f"{side}_ankle", bent[0] + 0.43 * np.sin(shank), bent[1] - 0.43 * np.cos(shank), 0.1 * left)
    heading = np.broadcast_to(heading, frames)[:, None]
    cosine, sine = np.cos(heading), np.sin(heading)
    forward, up, left = np.moveaxis(body, -1, 0)
    x, y, z = forward * cosine - left * sine, 0.9 - up, 4 + forward * sine + left * cosine
    return np.stack([x / z * 800 + 640, y / z * 800 + 360], -1)

"""Training windows of people who never existed, seen by cameras that were never there.

Motion capture gives short windows of 3D joints; bodies are varied, parts of different clips mixed, a camera
is placed anywhere around the person, and the 2D joints get the errors of a detector. Everything is drawn
from one ``torch.Generator``, so that a seed gives the same windows on the same machine.

Letters: N windows, F frames in a window, and 34 joints: Human3.6M-17 first, then COCO-17.
"""

from videopose3d.datasets.virtual.bodies import CANONICAL_SIZE, BodyConfig, body_size
from videopose3d.datasets.virtual.cameras import CameraConfig, Windows, film
from videopose3d.datasets.virtual.noise import NoiseConfig, detect
from videopose3d.datasets.virtual.source import WindowSource
from videopose3d.datasets.virtual.world import VirtualConfig

__all__ = [
    "CANONICAL_SIZE",
    "BodyConfig",
    "CameraConfig",
    "NoiseConfig",
    "VirtualConfig",
    "WindowSource",
    "Windows",
    "body_size",
    "detect",
    "film",
]

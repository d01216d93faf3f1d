"""The settings of everything virtual together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from videopose3d.datasets.virtual.bodies import BodyConfig
from videopose3d.datasets.virtual.cameras import CameraConfig
from videopose3d.datasets.virtual.noise import NoiseConfig

SHARES = {"ui-prmd": 0.3, "papagina": 0.18, "cyun9601": 0.18, "kseniia": 0.07, "chaneyddtt": 0.12, "jump": 0.15}
"""How much of a batch comes from each set: by variety, not by length."""


@dataclass(frozen=True)
class VirtualConfig:
    """Bodies, cameras and detectors that training windows are made with.

    Attributes:
        body: How bodies and motions are varied.
        camera: Where cameras stand.
        noise: The errors of the detector.
        shares: How much of a batch comes from each set.
        views: Cameras and draws of detector errors that look at every window: drawing the motion costs the most.
    """

    body: BodyConfig = field(default_factory=BodyConfig)
    camera: CameraConfig = field(default_factory=CameraConfig)
    noise: NoiseConfig = field(default_factory=NoiseConfig)
    shares: Mapping[str, float] = field(default_factory=lambda: SHARES)
    views: int = 4

    def shares_of(self, datasets: Sequence[str]) -> dict[str, float]:
        """The shares of these sets, those without one at the mean of the others."""
        return {name: self.shares.get(name, sum(self.shares.values()) / len(self.shares)) for name in datasets}

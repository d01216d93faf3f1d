"""People who walk through a picture, and what a detector makes of them: noise, misses, doubt, people half hidden."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from walker import walker

from videopose3d.types import Person

HIDDEN = 0.55
"""Share of a person behind another from which on it is seldom detected."""


@dataclass
class Detector:
    """How well the people are seen.

    Attributes:
        noise: Of boxes and joints, in shares of the person's height.
        misses: Share of frames in which somebody is not seen at all.
        dips: Share of sightings with a low score.
        joints: Whether there are keypoints.
        blind: Whether people hidden behind another are never seen, otherwise with a low score.
    """

    noise: float = 0.01
    misses: float = 0.05
    dips: float = 0.1
    joints: bool = True
    blind: bool = True
    seed: int = 0

    def see(self, *people: np.ndarray) -> tuple[list[list[Person]], list[list[int]]]:
        """Sightings of every frame and who each is. People (T, 17, 2) [px], the nearest to the camera first."""
        rng = np.random.default_rng(self.seed)
        frames: list[list[Person]] = []
        truth: list[list[int]] = []
        for t in range(len(people[0])):
            seen = []
            for k, person in enumerate(people):
                if np.isfinite(person[t]).all() and rng.random() >= self.misses:
                    hidden = max((covered(person[t], other[t]) for other in people[:k]), default=0.0)
                    if hidden < HIDDEN or not self.blind:
                        score = rng.uniform(0.15, 0.4) if hidden >= HIDDEN or rng.random() < self.dips else 0.9
                        seen.append((k, self.person(person[t], score, rng)))
            rng.shuffle(seen)  # type: ignore[arg-type]
            frames.append([person for _, person in seen])
            truth.append([k for k, _ in seen])
        return frames, truth

    def person(self, points: np.ndarray, score: float, rng: np.random.Generator) -> Person:
        noise = self.noise * np.ptp(points[:, 1])
        box = np.concatenate([points.min(0), points.max(0)]) + rng.normal(0, noise, 4)
        joints = points + rng.normal(0, noise, points.shape)
        if not self.joints:
            joints = np.full_like(points, np.nan)
        scores = np.full(len(points), score if self.joints else 0, np.float32)
        return Person(joints.astype(np.float32), scores, box.astype(np.float32), float(score))


def covered(person: np.ndarray, other: np.ndarray) -> float:
    """Share of a person's box behind another's."""
    low, high = np.maximum(person.min(0), other.min(0)), np.minimum(person.max(0), other.max(0))
    return float(np.clip(high - low, 0, None).prod() / np.ptp(person, axis=0).prod())


def passer(start: float, stop: float, *, frames: int = 150, fps: float = 25, depth: float = 1.0) -> np.ndarray:
    """(frames, 17, 2) somebody walking from one x [px] to another; size 1 / depth."""
    body = walker(0.0 if stop > start else np.pi, frames, fps)
    body = (body - [640, 360]) / depth
    return body + np.stack([np.linspace(start, stop, frames), np.full(frames, 360.0)], 1)[:, None]

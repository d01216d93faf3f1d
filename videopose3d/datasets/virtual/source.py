"""Windows of motion capture, drawn by set."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Generator, Tensor

from videopose3d.datasets.mocap import MotionLibrary
from videopose3d.datasets.virtual.bodies import BodyConfig, normalise_size, vary_bodies
from videopose3d.datasets.virtual.rotations import uniform


class WindowSource:
    """Draws windows from a motion library.

    Args:
        library: Motion capture clips.
        shares: How much of a batch comes from each data set; sets not named are left out, and within a set
            every frame is as likely. None takes every frame as it comes.
        body: How bodies and motions are varied; None plays the clips as they are, at 30 frames/s.
    """

    def __init__(
        self, library: MotionLibrary, shares: Mapping[str, float] | None = None, body: BodyConfig | None = None
    ) -> None:
        motions = list(library)
        self.body = body
        self.joints = torch.cat(
            [torch.cat([torch.from_numpy(m.joints_h36m), torch.from_numpy(m.joints_coco)], 1) for m in motions]
        )
        lengths = torch.tensor([len(m.joints_h36m) for m in motions])
        self.clip_end = lengths.cumsum(0)
        self.clip_start = self.clip_end - lengths
        self.clip_fps = torch.tensor([float(m.fps) for m in motions])
        seconds = lengths / self.clip_fps
        per_set: dict[str, float] = {}
        for m, s in zip(motions, seconds.tolist(), strict=True):
            per_set[m.dataset] = per_set.get(m.dataset, 0.0) + s
        share = [1.0 if shares is None else shares.get(m.dataset, 0.0) / per_set[m.dataset] for m in motions]
        self.clip_weight = seconds * torch.tensor(share)

    def draw(self, count: int, frames: int, gen: Generator) -> Tensor:
        """(count, frames, 34, 3) windows, z up, pelvis of the middle frame at the origin."""
        clip = torch.multinomial(self.clip_weight, count, replacement=True, generator=gen)
        at = torch.rand(count, generator=gen)
        step = torch.full((count,), 1 / 30)
        if self.body is not None:
            step = uniform(count, self.body.speed, gen) / uniform(count, self.body.rates, gen)
        windows = self._play(clip, at, step, frames)
        if self.body is not None:
            windows = vary_bodies(windows, self.body, gen)
        return normalise_size(windows - windows[:, frames // 2, None, None, 0])

    def every(self, seconds: float, frames: int) -> tuple[Tensor, Tensor]:
        """Windows around moments ``seconds`` apart in every clip, unvaried, at 30 frames/s.

        Returns:
            (N, frames, 34, 3) as `draw`, and (N,) the index of the clip of each.
        """
        clips, shares = [], []
        for index, fps in enumerate(self.clip_fps.tolist()):
            length = int(self.clip_end[index] - self.clip_start[index])
            moments = torch.arange(seconds * fps / 2, max(length, seconds * fps / 2 + 1), seconds * fps)
            clips.append(torch.full((len(moments),), index))
            shares.append((moments / max(length - 1, 1)).clamp(max=1))
        clip = torch.cat(clips)
        windows = self._play(clip, torch.cat(shares), torch.full((len(clip),), 1 / 30), frames)
        return normalise_size(windows - windows[:, frames // 2, None, None, 0]), clip

    def _play(self, clip: Tensor, at: Tensor, step: Tensor, frames: int) -> Tensor:
        """Windows of clips centred at the shares ``at``, with ``step`` seconds between frames."""
        start = self.clip_start[clip, None]
        last = self.clip_end[clip, None] - 1 - start
        middle = at * last[:, 0]
        offsets = torch.arange(frames) - frames // 2
        when = middle[:, None] + offsets * (step * self.clip_fps[clip])[:, None]
        when = torch.minimum(when.clamp(min=0), last.float())
        low = when.floor().long()
        high = torch.minimum(low + 1, last)
        return torch.lerp(self.joints[start + low], self.joints[start + high], (when - low)[..., None, None])

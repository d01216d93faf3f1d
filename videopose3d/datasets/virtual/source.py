"""Windows of motion capture, drawn by set and by how rare their poses are."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Generator, Tensor

from videopose3d.datasets.mocap import MotionLibrary
from videopose3d.datasets.virtual.bodies import BodyConfig, normalise_size, vary_bodies
from videopose3d.datasets.virtual.rarity import distances_to_others
from videopose3d.datasets.virtual.rotations import rand, uniform

MOMENT = 0.1
"""Clips are drawn from in moments of about this length [s]."""


class WindowSource:
    """Draws windows from a motion library.

    Args:
        library: Motion capture clips.
        shares: How much of a batch comes from each data set; sets not named are left out. None takes every
            moment as it comes.
        body: How bodies and motions are varied, and how much rare poses are preferred; None plays the clips as
            they are, at 30 frames/s.
        device: Where windows are made; the generators of `draw` have to be of it.
    """

    def __init__(
        self,
        library: MotionLibrary,
        shares: Mapping[str, float] | None = None,
        body: BodyConfig | None = None,
        device: str = "cpu",
    ) -> None:
        motions = list(library)
        self.body = body
        self.joints = torch.cat(
            [torch.cat([torch.from_numpy(m.joints_h36m), torch.from_numpy(m.joints_coco)], 1) for m in motions]
        ).to(device)
        lengths = torch.tensor([len(m.joints_h36m) for m in motions], device=device)
        self.clip_end = lengths.cumsum(0)
        self.clip_start = self.clip_end - lengths
        self.clip_fps = torch.tensor([float(m.fps) for m in motions], device=device)
        pieces = (lengths / (self.clip_fps * MOMENT)).round().long().clamp(min=1)
        self.moment_clip = torch.arange(len(motions), device=device).repeat_interleave(pieces)
        first = pieces.cumsum(0) - pieces
        place = torch.arange(len(self.moment_clip), device=device) - first[self.moment_clip]
        self.moment_length = (lengths / pieces)[self.moment_clip]
        self.moment_start = self.clip_start[self.moment_clip] + place * self.moment_length
        weight = self._moment_weights([m.dataset for m in motions], shares)
        self.moment_until = (weight.double().cumsum(0) / weight.double().sum()).float()

    def _moment_weights(self, datasets: list[str], shares: Mapping[str, float] | None) -> Tensor:
        """(moments,) how often each is drawn: by set, and within a set by rarity."""
        names = sorted(set(datasets))
        of_set = torch.tensor([names.index(d) for d in datasets], device=self.joints.device)[self.moment_clip]
        weight = self.moment_length / self.clip_fps[self.moment_clip]
        if self.body is not None and self.body.rarity:
            middle = (self.moment_start + self.moment_length / 2).long()
            weight = weight * distances_to_others(self.joints[middle, :17]) ** self.body.rarity
        if shares is None:
            return weight
        total = torch.zeros(len(names), device=weight.device).index_add(0, of_set, weight)
        return weight * torch.tensor([shares.get(n, 0.0) for n in names], device=weight.device)[of_set] / total[of_set]

    def draw(self, count: int, frames: int, gen: Generator) -> Tensor:
        """(count, frames, 34, 3) windows, z up, pelvis of the middle frame at the origin."""
        moment = torch.searchsorted(self.moment_until, rand(count, gen=gen)).clamp(max=len(self.moment_until) - 1)
        middle = self.moment_start[moment] + rand(count, gen=gen) * self.moment_length[moment]
        step = torch.full((count,), 1 / 30, device=gen.device)
        if self.body is not None:
            step = uniform(count, self.body.speed, gen) / uniform(count, self.body.rates, gen)
        windows = self._play(self.moment_clip[moment], middle, step, frames)
        if self.body is not None:
            windows = vary_bodies(windows, self.body, gen)
        return normalise_size(windows - windows[:, frames // 2, None, None, 0])

    def every(self, seconds: float, frames: int) -> tuple[Tensor, Tensor, Tensor]:
        """Windows around moments ``seconds`` apart in every clip, unvaried, at 30 frames/s.

        Returns:
            (N, frames, 34, 3) as `draw`; (N,) the index of the clip of each; and (N, frames) which frames lie in the
            clip: those before and after are copies of its ends.
        """
        clips, middles = [], []
        for index, fps in enumerate(self.clip_fps.tolist()):
            length = int(self.clip_end[index] - self.clip_start[index])
            moments = torch.arange(seconds * fps / 2, max(length, seconds * fps / 2 + 1), seconds * fps)
            clips.append(torch.full((len(moments),), index))
            middles.append(self.clip_start[index].cpu() + moments.clamp(max=length - 1))
        clip = torch.cat(clips).to(self.joints.device)
        step = torch.full((len(clip),), 1 / 30, device=self.joints.device)
        middle = torch.cat(middles).to(self.joints.device)
        windows = self._play(clip, middle, step, frames)
        when = self._when(clip, middle, step, frames)
        known = (when >= 0) & (when <= (self.clip_end - 1 - self.clip_start)[clip, None])
        return normalise_size(windows - windows[:, frames // 2, None, None, 0]), clip, known

    def _play(self, clip: Tensor, middle: Tensor, step: Tensor, frames: int) -> Tensor:
        """Windows centred at the places ``middle`` among all frames, with ``step`` seconds between frames."""
        start, last = self.clip_start[clip, None], self.clip_end[clip, None] - 1
        when = torch.minimum(self._when(clip, middle, step, frames).clamp(min=0), (last - start).float())
        low = when.floor().long()
        high = torch.minimum(low + 1, last - start)
        return torch.lerp(self.joints[start + low], self.joints[start + high], (when - low)[..., None, None])

    def _when(self, clip: Tensor, middle: Tensor, step: Tensor, frames: int) -> Tensor:
        """(N, frames) where in the clip the frames of windows lie, counted in the clip's own frames."""
        offsets = torch.arange(frames, device=clip.device) - frames // 2
        return (middle - self.clip_start[clip])[:, None] + offsets * (step * self.clip_fps[clip])[:, None]

"""Clothes, hair and shoes of synthetic people, cut from the helper shells of MakeHuman's base mesh."""

from __future__ import annotations

from typing import Any

import numpy as np

from videopose3d.datasets.mocap.body import unit
from videopose3d.datasets.synth.body import SKIN_COUNT, SOLE, Body
from videopose3d.datasets.synth.figure import EYE, HAIR, SHIRT, SHOE, SKIN, TROUSERS, Figure, Outfit
from videopose3d.datasets.synth.retarget import smooth
from videopose3d.datasets.synth.things import Array
from videopose3d.datasets.synth.zbuffer import vertex_normals

# Vertex numbers of MakeHuman's base mesh (groups of `basemesh_vertex_groups.json`): first and past the last.
_BODY, _EYES, _TIGHTS, _SKIRT, _LONG_HAIR = (
    (0, SKIN_COUNT),
    (14598, 14742),
    (15328, 18002),
    (18002, 18722),
    (18722, 19150),
)
_LOWER_TEETH, _UPPER_TEETH = (14992, 15060), (15060, 15128)
_ARM = ("Arm", "ForeArm", "Hand", "FingerBase", "HandFinger1")
_FOREARM = ("ForeArm", "Hand", "FingerBase", "HandFinger1")
_STATURE = 1.75
"""Cuts are made on a body scaled to this [m]."""


def dress(body: Body, outfit: Outfit, palette: Array, prints: Array) -> Figure:
    """A person in shirt, trousers or skirt, and shoes; palette and prints as in `Figure`."""
    groups = _Groups(body, outfit)
    surfaces = [groups.skin(), groups.eyes(), groups.shirt(), groups.trousers()]
    surfaces += [groups.skirt()] if outfit.skirt else []
    surfaces += [groups.hair()] if outfit.hair else []
    surfaces += [groups.long_hair()] if outfit.hair > 1 else []
    parts = [(*part[:4], groups.weight[part[4]]) for part in surfaces]
    parts += [groups.shoe("Left"), groups.shoe("Right")]
    starts = np.cumsum([0, *(len(part[0]) for part in parts)])
    points, triangles, kinds, fields, weights = zip(*parts, strict=True)
    numbered = [part + start for part, start in zip(triangles, starts[:-1], strict=True)]
    painted = [np.full(len(t), kind, np.int32) for t, kind in zip(triangles, kinds, strict=True)]
    canvas = np.concatenate(points)
    return Figure(
        rest=canvas * groups.scale,
        canvas=canvas,
        faces=np.concatenate(numbered).astype(np.int32),
        material=np.concatenate(painted),
        keep=np.concatenate(fields),
        face=groups.face_points(),
        weights=np.concatenate(weights),
        palette=palette,
        prints=prints,
    )


_Part = tuple[Array, Any, int, Array, Any]


class _Groups:
    """The surfaces of a dressed figure; each method gives points, triangles, material, hem field, source vertices."""

    def __init__(self, body: Body, outfit: Outfit) -> None:
        self.body, self.outfit, self.scale = body, outfit, body.stature / _STATURE
        self.rest = body.rest / self.scale
        self.weight = body.skin_weights()
        self.floor = float(self.rest[:SKIN_COUNT, 2].min())
        keypoints = body.keypoints(self.rest[None])[0]
        self.points = dict(zip(body.keypoint_names, keypoints, strict=True))

    def bone(self, name: str) -> Array:
        where: Array = self.body.heads[self.body.index[name]] / self.scale
        return where

    def part_weight(self, *names: str) -> Array:
        return sum((self.weight[:, self.body.index[name]] for name in names), np.zeros(len(self.rest)))

    def arm_weight(self, *sides: str) -> Array:
        return self.part_weight(*(f"{s[0]}Thumb" for s in sides), *(s + name for s in sides for name in _ARM))

    def face_points(self) -> Array:
        lower, upper = (self.rest[slice(*teeth)].mean(0) for teeth in (_LOWER_TEETH, _UPPER_TEETH))
        mouth = 0.75 * lower + 0.25 * upper
        names = ("nose", "left_ear", "right_ear")
        eyes = [self.rest[14598:14670].mean(0), self.rest[14670:14742].mean(0)]
        extra = np.array([self.points["nose"][2] - mouth[2], self.floor + 0.014, self.bone("LeftFoot")[1] - 0.035])
        return np.stack([*eyes, *(self.points[name] for name in names), extra])

    def pick(self, low: int, high: int, chosen: Any = None) -> tuple[Any, Any]:
        """Source vertices and triangles (numbered anew) of a range, or of the chosen vertices in it."""
        mask = np.zeros(len(self.rest), bool)
        mask[low:high] = True if chosen is None else chosen[low:high]
        triangles = self.body.faces[mask[self.body.faces].all(1)]
        index, flat = np.unique(triangles, return_inverse=True)
        return index, flat.reshape(-1, 3)

    # Fields in metres: positive where the garment is.

    def sleeve_field(self, side: str, p: Array, index: Any) -> Array:
        shoulder, elbow, wrist = (self.bone(side + name) for name in ("Arm", "ForeArm", "Hand"))
        upper, lower = float(np.linalg.norm(elbow - shoulder)), float(np.linalg.norm(wrist - elbow))
        low = self.part_weight(f"{side[0]}Thumb", *(side + name for name in _FOREARM))[index] > 0.5
        along = np.where(
            low, upper + (p - elbow) @ (wrist - elbow) / lower, (p - shoulder) @ (elbow - shoulder) / upper
        )
        sleeve = self.outfit.sleeve
        return min(sleeve, 1.0) * upper + max(sleeve - 1.0, 0.0) * lower - along

    def shirt_field(self, p: Array, index: Any, collar_scale: float = 1.0) -> Array:
        field = p[:, 2] - (self.bone("LeftUpLeg")[2] - 0.030)
        for side in ("Left", "Right"):
            arm = self.arm_weight(side)[index] > 0.5
            field = np.where(arm, np.minimum(field, self.sleeve_field(side, p, index)), field)
        neck = self.bone("Neck") + np.array([0, -0.012, -0.035])
        collar = np.linalg.norm((p - neck) * np.array([1.0, 1.0, 1.15]), axis=1) - 0.082
        collar = np.minimum(collar, neck[2] + 0.03 - p[:, 2])
        found: Array = np.minimum(field, collar_scale * collar)
        return found

    def trousers_field(self, p: Array, index: Any) -> Array:
        arm = self.arm_weight("Left", "Right")[index]
        hip = self.bone("LeftUpLeg")[2]
        legs = min(self.outfit.legs, 0.25) if self.outfit.skirt else self.outfit.legs
        end = hip - 0.06 - legs * (hip - 0.06 - self.floor - 0.062)
        field = np.minimum(hip + 0.085 - p[:, 2], p[:, 2] - end)
        return np.where(arm > 0.3, -1.0, field)

    def shoe_field(self, p: Array) -> Array:
        return self.floor + 0.105 - p[:, 2]

    def hair_field(self, p: Array) -> Array:
        left, right = (self.face_points()[k] for k in (3, 4))
        ear = (left + right) / 2
        ahead, up, out = -(p[:, 1] - ear[1]), p[:, 2] - ear[2], np.abs(p[:, 0])
        line = np.interp(ahead, [-0.12, -0.06, -0.028, -0.016, 0.0, 0.030, 0.042, 0.060, 0.085, 0.12],
                         [-0.060, -0.060, -0.048, 0.010, 0.030, 0.022, 0.046, 0.068, 0.082, 0.086])  # fmt: skip
        wave = 0.004 * np.sin(61 * p[:, 0] + 40 * ahead) + 0.003 * np.sin(173 * p[:, 0] + 1.0)
        ears = (out > left[0] - 0.006) & (np.abs(ahead + 0.004) < 0.024) & (up < 0.032)
        return np.where(ears, -0.05, up - line + wave)

    def skin(self) -> _Part:
        index, triangles = self.pick(*_BODY)
        p = self.rest[index]
        # Near the collar the skin ends soon under the cloth: there a raised arm would push it through.
        covered = np.maximum(self.shirt_field(p, index, collar_scale=4.0), self.trousers_field(p, index))
        covered = np.maximum(covered, self.shoe_field(p))
        return p, triangles, SKIN, np.where(covered > 0.05, -1.0, 1.0), index

    def eyes(self) -> _Part:
        index, triangles = self.pick(*_EYES)
        return self.rest[index], triangles, EYE, np.ones(len(index)), index

    def shirt(self) -> _Part:
        index, triangles = self.pick(*_TIGHTS)
        p = self.rest[index]
        loose = _smoothed(p, triangles, 14)
        normals = vertex_normals(p, triangles)
        flare = 0.010 + 0.012 * self.outfit.loose * np.clip((self.bone("Spine")[2] - p[:, 2]) / 0.25, 0, 1)
        shoulder, elbow = self.bone("LeftArm"), self.bone("LeftForeArm")
        along = (np.abs(p[:, 0]) - shoulder[0]) / (elbow[0] - shoulder[0]) * min(1.0, self.outfit.sleeve / 0.62)
        arm = np.clip(self.part_weight("LeftArm", "RightArm")[index], 0, 1)
        flare = flare * (1 - arm) + arm * (0.004 + 0.018 * self.outfit.loose * np.clip(along, 0, 1))
        moved = _outside(p, loose + flare[:, None] * normals, normals, 0.007)
        return moved, triangles, SHIRT, self.shirt_field(moved, index), index

    def trousers(self) -> _Part:
        index, triangles = self.pick(*_TIGHTS)
        p = self.rest[index]
        loose = _smoothed(p, triangles, 10)
        normals = vertex_normals(p, triangles)
        knee, ankle = self.bone("LeftLeg")[2], self.bone("LeftFoot")[2]
        wide = 0.006 + 0.016 * self.outfit.loose * np.clip((knee + 0.1 - p[:, 2]) / (knee + 0.1 - ankle), 0, 1)
        moved = _outside(p, loose + wide[:, None] * normals, normals, 0.005)
        return moved, triangles, TROUSERS, self.trousers_field(moved, index), index

    def shoe(self, side: str, sections: int = 30, around: int = 32) -> _Part:
        """A shoe as a tube of rounded sections about the bare foot; the foot and toe bones move it."""
        low = side.lower()
        heel = self.points[f"{low}_heel"] * np.array([1.0, 1.0, 0.0])
        ahead = (self.points[f"{low}_big_toe"] + self.points[f"{low}_small_toe"]) / 2 * np.array([1.0, 1.0, 0.0]) - heel
        ahead = unit(ahead)
        across = np.array([-ahead[1], ahead[0], 0.0])
        foot = self.rest[:SKIN_COUNT]
        foot = foot[(foot[:, 2] < self.floor + 0.10) & (foot[:, 0] * heel[0] > 0)]
        f, s, h = (foot - heel) @ ahead, (foot - heel) @ across, foot[:, 2] - self.floor
        start, length = f.min() - 0.008, np.ptp(f) + 0.020
        at = start + length * (np.arange(sections) + 0.5) / sections
        low_s, high_s, top = np.array([_extent(f, s, h, position) for position in at]).T
        half = smooth((high_s - low_s) / 2, 2) + 0.005
        middle = smooth((high_s + low_s) / 2, 2)
        top = np.minimum(smooth(top, 2) + 0.007, 0.088)
        u = (np.arange(sections) + 0.5) / sections
        close = np.sqrt(1 - np.clip(1 - u / 0.13, 0, 1) ** 2) * np.sqrt(1 - np.clip(1 - (1 - u) / 0.20, 0, 1) ** 2)
        lift = 0.008 * np.clip((u - 0.8) / 0.2, 0, 1) ** 2
        angle = 2 * np.pi * np.arange(around) / around
        wide = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.75
        tall = np.where(np.sin(angle) < 0, -(np.abs(np.sin(angle)) ** 0.30), np.sin(angle))
        height = (top + SOLE) * (0.62 + 0.38 * close)
        z = self.floor - SOLE + lift[:, None] + height[:, None] * (0.5 + 0.5 * tall)
        # Lower half of a section is flat and broad like a sole, the upper half leans inwards.
        lean = 1 - 0.22 * np.clip(tall, 0, 1) ** 2
        offset = middle[:, None] + (half * close)[:, None] * wide * lean
        tube = heel * [1, 1, 0] + at[:, None, None] * ahead + offset[..., None] * across
        tube[..., 2] = z
        ends = tube[[0, -1]].mean(1)
        mesh = np.concatenate([tube.reshape(-1, 3), ends])
        ball = float((self.bone(f"{side}ToeBase") - heel) @ ahead)
        toe = np.clip(((mesh - heel) @ ahead - ball) / 0.03 + 0.5, 0, 1)
        weights = np.zeros((len(mesh), len(self.body.bones)))
        weights[:, self.body.index[f"{side}Foot"]], weights[:, self.body.index[f"{side}ToeBase"]] = 1 - toe, toe
        return mesh, _tube_faces(sections, around), SHOE, np.ones(len(mesh)), weights

    def skirt(self) -> _Part:
        index, triangles = self.pick(*_SKIRT)
        p = self.rest[index]
        hip, knee = self.bone("LeftUpLeg")[2], self.bone("LeftLeg")[2]
        end = hip - self.outfit.legs * 1.3 * (hip - knee)
        return p, triangles, TROUSERS, np.minimum(p[:, 2] - end, hip + 0.09 - p[:, 2]), index

    def long_hair(self) -> _Part:
        index, triangles = self.pick(*_LONG_HAIR)
        return self.rest[index], triangles, HAIR, np.ones(len(index)), index

    def hair(self) -> _Part:
        index, triangles = self.pick(*_BODY, chosen=self.hair_field(self.rest) > -0.02)
        p = self.rest[index]
        field = self.hair_field(p)
        normals = vertex_normals(_smoothed(p, triangles, 3), triangles)
        crown = np.clip((p[:, 2] - self.face_points()[3, 2]) / 0.12, 0, 1)
        thick = 0.002 + (0.008 + 0.014 * crown) * np.clip(field / 0.03, 0, 1) ** 0.7
        return p + thick[:, None] * normals, triangles, HAIR, field, index


def _extent(f: Array, s: Array, h: Array, position: float) -> tuple[float, float, float]:
    """Left, right and top of the bare foot around one place along it [m]."""
    near = np.abs(f - position) < 0.012
    if not near.any():
        near = np.abs(f - position) == np.abs(f - position).min()
    return float(s[near].min()), float(s[near].max()), float(h[near].max())


def _tube_faces(sections: int, around: int) -> Any:
    """(F, 3) triangles of a closed tube whose two end points come last."""
    i, j = np.meshgrid(np.arange(sections - 1), np.arange(around), indexing="ij")
    a, b = i * around + j, i * around + (j + 1) % around
    sides = np.concatenate([np.stack([a, b, b + around], -1), np.stack([a, b + around, a + around], -1)])
    ring, last = np.arange(around), (sections - 1) * around
    first = np.stack([np.full(around, sections * around), (ring + 1) % around, ring], -1)
    end = np.stack([np.full(around, sections * around + 1), last + ring, last + (ring + 1) % around], -1)
    return np.concatenate([sides.reshape(-1, 3), first, end])


def _smoothed(p: Array, triangles: Any, rounds: int) -> Array:
    """Points moved towards the mean of their neighbours, again and again."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges = np.unique(np.sort(edges, 1), axis=0)
    count = np.bincount(edges.ravel(), minlength=len(p))[:, None]
    out = p.copy()
    for _ in range(rounds):
        total = np.zeros_like(out)
        np.add.at(total, edges[:, 0], out[edges[:, 1]])
        np.add.at(total, edges[:, 1], out[edges[:, 0]])
        out = 0.5 * out + 0.5 * total / np.maximum(count, 1)
    return out


def _outside(p: Array, moved: Array, normals: Array, least: float) -> Array:
    """Moved points that lie at least so far outside the points they come from."""
    out = np.sum((moved - p) * normals, 1, keepdims=True)
    pushed: Array = moved + np.maximum(least - out, 0) * normals
    return pushed

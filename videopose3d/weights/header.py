"""What a lifter's weight file says about itself: everything needed to use it, and where it comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from math import prod
from typing import Any

from videopose3d.errors import WeightsError
from videopose3d.skeleton import SKELETONS, Skeleton

METADATA_KEY = "videopose3d"

ANY_RATE = (1.0, 1000.0)
"""The `LifterHeader.fps_range` of lifters that take every frame as it is, as the original does."""


@dataclass(frozen=True)
class LifterHeader:
    """Architecture, input, output and origin of lifter weights.

    Attributes:
        name: Name of the weights.
        filter_widths: Kernel widths; their product is the receptive field.
        channels: Width of the hidden layers.
        features: Numbers per 2D joint.
        causal: Poses see the past only.
        dense: Ordinary convolutions of the same extent instead of dilated ones.
        trajectory: The file also holds a network for the trajectory of the root.
        skeleton_in, skeleton_out: Names of the joint sets.
        skeletons: Definitions of joint sets that are not built in, by name.
        normalisation: ``rays`` (lifter/canonical.py) or ``screen`` (x in [-1, 1], as the paper).
        fps: Frame rate of the training data [1/s]; None where it varied or is not known.
        fps_range: Frame rates seen in training; other rates are resampled into it [1/s].
        stature: Body height the output is scaled to [m]; None where the output has the true scale.
        training: Data, command, seed and hours, as text.
        licence: Of the weights.
        metrics: Measured figures by name.
    """

    name: str
    filter_widths: tuple[int, ...]
    channels: int
    features: int
    causal: bool = False
    dense: bool = False
    trajectory: bool = False
    skeleton_in: str = "coco17"
    skeleton_out: str = "h36m17"
    skeletons: Mapping[str, Skeleton] = field(default_factory=dict)
    normalisation: str = "rays"
    fps: float | None = None
    fps_range: tuple[float, float] = (20.0, 60.0)
    stature: float | None = None
    training: str = ""
    licence: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def input_skeleton(self) -> Skeleton:
        """Joints the lifter takes."""
        return {**SKELETONS, **self.skeletons}[self.skeleton_in]

    @property
    def output_skeleton(self) -> Skeleton:
        """Joints the lifter gives."""
        return {**SKELETONS, **self.skeletons}[self.skeleton_out]

    @property
    def receptive_field(self) -> int:
        """F, the input frames that one output frame sees."""
        return prod(self.filter_widths)

    def no_trajectory(self) -> WeightsError:
        """The error of asking for a trajectory that no network of these weights gives."""
        fix = "Use --trajectory solve, or weights that have one."
        return WeightsError("no trajectory network in these weights", where=self.name, fix=fix)

    def to_metadata(self) -> dict[str, str]:
        """The header as safetensors metadata."""
        return {METADATA_KEY: json.dumps(asdict(self), sort_keys=True)}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str] | None, where: object = None) -> LifterHeader:
        """Read the header back.

        Raises:
            WeightsError: It is missing, damaged, or names joints or an input this version does not know.
        """
        text = (metadata or {}).get(METADATA_KEY)
        if text is None:
            raise WeightsError("no videopose3d header in this file", where=where, fix="Give weights made by train.")
        try:
            known = {f.name for f in fields(cls)}
            values: dict[str, Any] = {k: v for k, v in json.loads(text).items() if k in known}
            values["filter_widths"] = tuple(int(w) for w in values["filter_widths"])
            values["fps_range"] = tuple(float(rate) for rate in values["fps_range"])
            values["channels"], values["features"] = int(values["channels"]), int(values["features"])
            values["skeletons"] = {
                name: Skeleton(name, tuple(s["joints"]), tuple((a, b) for a, b in s["bones"]))
                for name, s in values.get("skeletons", {}).items()
            }
            header = cls(**values)
            header._check(where)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise WeightsError(f"its header cannot be read ({error})", where=where) from error
        return header

    def _check(self, where: object) -> None:
        """Refuse what no lifter of this version can be."""
        widths = self.filter_widths
        if not widths or any(width < 1 or width % 2 == 0 for width in widths) or min(self.channels, self.features) < 1:
            raise WeightsError(
                f"no network has filters {widths}, {self.channels} channels and {self.features} features", where=where
            )
        for name, skeleton in self.skeletons.items():
            if strangers := {joint for bone in skeleton.bones for joint in bone} - set(skeleton.joints):
                raise WeightsError(f"joint set {name!r} has bones of unknown joints {sorted(strangers)}", where=where)
        for name in (self.skeleton_in, self.skeleton_out):
            if name not in SKELETONS and name not in self.skeletons:
                raise WeightsError(f"unknown joint set {name!r}", where=where, fix=f"Known: {', '.join(SKELETONS)}.")
        if self.normalisation not in ("rays", "screen"):
            raise WeightsError(f"unknown input normalisation {self.normalisation!r}", where=where)

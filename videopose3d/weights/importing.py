"""A foreign checkpoint becomes a lifter of ours: what its tensors do not tell is known, given or assumed."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from videopose3d.errors import WeightsError
from videopose3d.skeleton import SKELETONS
from videopose3d.weights.counts import Architecture
from videopose3d.weights.header import ANY_RATE, LifterHeader
from videopose3d.weights.manifest import Published, recognise
from videopose3d.weights.store import file_hash

if TYPE_CHECKING:
    from videopose3d.weights.convert import ForeignCheckpoint

LICENCE = {
    "videopose3d": "not stated in the file; the published weights of the original program are CC BY-NC 4.0",
    "mmpose": "not stated in the file; MMPose is Apache-2.0, its published weights learned from Human3.6M, which is "
    "for non-commercial research",
}
_USUAL = {17: "h36m17", 15: "humaneva15", 16: "mpii16"}  # number of joints: the set that it mostly means
_PROGRAMS = {"videopose3d": "the original program", "mmpose": "MMPose"}
_FRAME_RATES = {"h36m17": 50.0, "humaneva15": 60.0}  # [1/s] of the data sets that such weights are trained on


@dataclass(frozen=True)
class Told:
    """What the user says of a checkpoint; None where they leave it to us.

    Attributes:
        causal: The network sees the past only.
        dense: It has ordinary instead of dilated convolutions.
        skeleton_in, skeleton_out: Names of the joint sets.
        features: Numbers per 2D joint.
        name, licence: For the header.
    """

    causal: bool | None = None
    dense: bool | None = None
    skeleton_in: str | None = None
    skeleton_out: str | None = None
    features: int | None = None
    name: str | None = None
    licence: str | None = None


@dataclass(frozen=True)
class Imported:
    """What came of an import: where it is, what it says of itself, and what had to be assumed."""

    path: Path
    header: LifterHeader
    source: ForeignCheckpoint
    architecture: Architecture
    published: Published | None
    remarks: tuple[str, ...]


def import_checkpoint(
    source: str | os.PathLike[str], output: str | os.PathLike[str], told: Told | None = None
) -> Imported:
    """Write a checkpoint of the original program or MMPose as weights of ours.

    The header says what a checkpoint leaves out: as the user told, else as published, else the usual, with a
    remark on each assumption.

    Raises:
        WeightsError: The checkpoint cannot be used, or what was told does not fit it.
    """
    from videopose3d.weights.convert import read_checkpoint, write_converted

    source = Path(source)
    found = read_checkpoint(source)
    described = describe_checkpoint(source, found, told or Told())
    write_converted(found, described.header, output)
    return Imported(
        Path(output), described.header, found, described.architecture, described.published, tuple(described.remarks)
    )


@dataclass
class Description:
    """A header for a foreign checkpoint and how it came about."""

    header: LifterHeader
    architecture: Architecture
    published: Published | None
    remarks: list[str] = field(default_factory=list)


def describe_checkpoint(source: Path, found: ForeignCheckpoint, told: Told) -> Description:
    """The header that a checkpoint gets; errors as `import_checkpoint`."""
    from videopose3d.weights.convert import architecture_of

    remarks: list[str] = []
    try:
        net = architecture_of(found.pose, dense=told.dense)
        digest = file_hash(source)
        known = _known(source, digest, net, remarks)
        joints_in, features = _input_joints(net.inputs, told, known)
        skeleton_in = _joint_set("in", joints_in, told.skeleton_in, known, remarks)
        skeleton_out = _joint_set("out", net.joints_out, told.skeleton_out, known, remarks)
    except WeightsError as error:
        raise WeightsError(error.what, where=source, fix=error.fix) from error
    if told.causal is None and known is None:
        remarks.append("taken as symmetric, which the tensors do not tell; give --causal if it sees the past only")
    header = LifterHeader(
        name=told.name or (known.name if known else source.stem),
        filter_widths=net.filter_widths,
        channels=net.channels,
        features=features,
        causal=bool(known and known.causal) if told.causal is None else told.causal,
        dense=net.dense,
        trajectory=found.trajectory is not None,
        skeleton_in=skeleton_in,
        skeleton_out=skeleton_out,
        normalisation="screen",
        fps=_FRAME_RATES.get(skeleton_out),
        fps_range=ANY_RATE,
        training=_origin(found, source, digest),
        licence=told.licence or (known.licence if known else LICENCE[found.kind]),
    )
    return Description(header, net, known, remarks)


def joints_of(inputs: int, skeleton: str | None = None, features: int | None = None) -> tuple[int, int]:
    """Joints and numbers per joint of an input of so many numbers: 34 is 17 x 2, 51 is 17 x 3.

    Raises:
        WeightsError: What was given does not divide the inputs, or nothing given and no usual division fits.
    """
    sizes = [len(SKELETONS[skeleton])] if skeleton else [17, 15, 16, *sorted({len(s) for s in SKELETONS.values()})]
    for joints in sizes:
        for numbers in [features] if features else ([inputs // joints] if skeleton else [2, 3]):
            if numbers and joints * numbers == inputs:
                return joints, numbers
    if features and not skeleton and inputs % features == 0:
        return inputs // features, features
    raise WeightsError(
        f"{inputs} inputs per frame do not fit {skeleton or 'any known joints'}"
        + (f" with {features} numbers each" if features else ""),
        fix="Give --skeleton-in and --features.",
    )


def _known(source: Path, digest: str, net: Architecture, remarks: list[str]) -> Published | None:
    known = recognise(source.name, digest)
    if known and known.filter_widths != net.filter_widths:
        remarks.append(f"the name is that of a published lifter, but the network is another than {known.name}")
        return None
    return known


def _input_joints(inputs: int, told: Told, known: Published | None) -> tuple[int, int]:
    skeleton = told.skeleton_in or (known.skeleton_in if known else None)
    if skeleton and not told.skeleton_in and inputs % len(SKELETONS[skeleton]):
        skeleton = None
    return joints_of(inputs, skeleton, told.features)


def _joint_set(which: str, count: int, told: str | None, known: Published | None, remarks: list[str]) -> str:
    """The joint set going in or out: as told, as published, or the usual one of so many joints."""
    as_published = (known.skeleton_in if which == "in" else known.skeleton_out) if known else None
    for name in (told, as_published):
        if name and len(SKELETONS[name]) == count:
            return name
        if name and name == told:
            raise WeightsError(
                f"{name} has {len(SKELETONS[name])} joints and this network {count}",
                fix=f"Give another --skeleton-{which}.",
            )
    usual = _USUAL.get(count) or next((s.name for s in SKELETONS.values() if len(s) == count), None)
    if usual is None:
        raise WeightsError(f"no known joint set has {count} joints", fix=f"Known: {', '.join(SKELETONS)}.")
    if which == "in" or count != 17:
        others = ", ".join(s.name for s in SKELETONS.values() if len(s) == count and s.name != usual)
        remarks.append(
            f"joints {which} taken as {usual}, the usual {count}; another set: --skeleton-{which}"
            + (f" ({others})" if others else "")
        )
    return usual


def _origin(found: ForeignCheckpoint, source: Path, digest: str) -> str:
    epochs = f", {found.epoch} epochs" if found.epoch is not None else ""
    return f"Imported from {source.name} of {_PROGRAMS[found.kind]}{epochs}; sha256 {digest}."

"""What there is to know about weights: of ours, of other programs, or of an architecture alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from videopose3d.errors import WeightsError
from videopose3d.skeleton import SKELETONS
from videopose3d.weights.counts import Architecture, flops_per_frame, parameters
from videopose3d.weights.header import LifterHeader
from videopose3d.weights.manifest import Published, published, recognise
from videopose3d.weights.store import (
    SUFFIX,
    bundled_lifters,
    cached_lifters,
    file_hash,
    find_lifter,
    installed_lifters,
    read_header,
)

PUBLISHED_CHANNELS = 1024


@dataclass(frozen=True)
class Listed:
    """A lifter that is here (its file and header are known) or could be pulled.

    Attributes:
        name: Of the lifter.
        status: ``bundled``, ``pulled`` or ``to pull``.
        values: Header or manifest entry, as JSON takes it.
        path: Its file; None where it is not here.
        error: Why its file cannot be read.
    """

    name: str
    status: str
    values: dict[str, Any]
    path: Path | None = None
    error: str | None = None


def listed() -> list[Listed]:
    """Every lifter: bundled, pulled, and published ones that are not here."""
    found: dict[str, Listed] = {}
    for status, files in (("bundled", bundled_lifters()), ("pulled", cached_lifters())):
        for name, path in files.items():
            if name not in found:
                found[name] = _listed(name, status, path)
    for name, lifter in published().items():
        found.setdefault(name, Listed(name, "to pull", lifter.values()))
    return list(found.values())


def _listed(name: str, status: str, path: Path) -> Listed:
    try:
        return Listed(name, status, header_values(read_header(path)), path)
    except WeightsError as error:
        return Listed(name, status, {}, path, error.what)


def describe(name: str) -> dict[str, Any]:
    """Everything about bundled, pulled or published weights, a weight file, or a checkpoint of another program.

    Raises:
        WeightsError: There are none, or they cannot be read.
    """
    if name in published() and name not in installed_lifters():
        return _describe_published(published()[name])
    path = find_lifter(name)
    file = {"file": str(path), "size": path.stat().st_size, "sha256": file_hash(path)}
    if path.suffix.lower() == SUFFIX:
        header = read_header(path)
        return header_values(header) | cost(Architecture.of(header), header.fps, header.trajectory) | file
    return _describe_foreign(path, file)


def _describe_published(lifter: Published) -> dict[str, Any]:
    inputs = len(SKELETONS[lifter.skeleton_in]) * (lifter.features or 0)
    net = Architecture(lifter.filter_widths, PUBLISHED_CHANNELS, inputs, len(SKELETONS[lifter.skeleton_out]))
    return lifter.values() | {"status": "to pull"} | (cost(net) if inputs else {})


def _describe_foreign(path: Path, file: dict[str, Any]) -> dict[str, Any]:
    from videopose3d.weights.convert import read_checkpoint
    from videopose3d.weights.importing import Told, describe_checkpoint

    found = read_checkpoint(path)
    made = describe_checkpoint(path, found, Told())
    known = recognise(path.name, file["sha256"])
    return (
        {
            "kind": found.kind,
            "container": found.container,
            "layout": found.layout,
            "epoch": found.epoch,
            "lr": found.lr,
            "optimizer": found.optimizer is not None,
            "random_state": found.random_state is not None,
            "published_as": known.name if known else None,
            "assumed": made.remarks,
        }
        | header_values(made.header)
        | cost(made.architecture, made.header.fps, made.header.trajectory)
        | file
    )


def header_values(header: LifterHeader) -> dict[str, Any]:
    """A header as JSON takes it; joint sets that are not built in keep their definition."""
    return asdict(header)


def cost(net: Architecture, fps: float | None = None, trajectory: bool = False) -> dict[str, Any]:
    """Parameters, floating-point operations per frame (paper, table 5) and receptive field of an architecture."""
    values: dict[str, Any] = {
        "parameters": parameters(net),
        "flops_per_frame": flops_per_frame(net),
        "receptive_field": net.receptive_field,
        "receptive_field_seconds": round(net.receptive_field / fps, 3) if fps else None,
    }
    if trajectory:
        values["trajectory_parameters"] = parameters(
            Architecture(net.filter_widths, net.channels, net.inputs, 1, net.dense)
        )
    return values

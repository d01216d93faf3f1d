"""Lifters that others have published: where they are, what they take and give, and what they should reach."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from videopose3d.errors import WeightsError

_FILE = Path(__file__).with_name("manifest.json")


@dataclass(frozen=True)
class Published:
    """A lifter that its authors offer for download.

    Attributes:
        name: For ``weights pull``.
        url: Of the file; its last part is the name of the file.
        licence: Of the weights, with the terms of the data they learned from.
        filter_widths: Kernel widths.
        causal: Poses see the past only.
        skeleton_in, skeleton_out: Names of the joint sets.
        features: Numbers per 2D joint; None where only the file tells.
        sha256: First hexadecimal digits of the hash; empty where none is published.
        size: [bytes]; None where it is not known.
        mpjpe, p_mpjpe: Published errors [mm]; None where none is.
        protocol: On what they were measured.
        keypoints: Source of the 2D keypoints it learned from.
        note: What else is good to know.
    """

    name: str
    url: str
    licence: str
    filter_widths: tuple[int, ...]
    causal: bool
    skeleton_in: str
    skeleton_out: str
    features: int | None
    sha256: str
    size: int | None
    mpjpe: float | None
    p_mpjpe: float | None
    protocol: str
    keypoints: str
    note: str

    @property
    def file(self) -> str:
        """Name of the file."""
        return self.url.rpartition("/")[2]

    def values(self) -> dict[str, Any]:
        """Everything, as JSON takes it."""
        return asdict(self) | {"file": self.file}


@cache
def _manifest() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return content


@cache
def published() -> Mapping[str, Published]:
    """Every published lifter by name."""
    content = _manifest()
    entries = [
        content["sources"][entry["source"]] | {key: value for key, value in entry.items() if key != "source"}
        for entry in content["lifters"]
    ]
    lifters = [Published(**entry | {"filter_widths": tuple(entry["filter_widths"])}) for entry in entries]
    return {lifter.name: lifter for lifter in lifters}


def bundled_hashes() -> Mapping[str, str]:
    """SHA-256 of every bundled lifter by name."""
    hashes: dict[str, str] = _manifest()["bundled"]
    return hashes


def find_published(name: str) -> Published:
    """A published lifter by its name or the name of its file.

    Raises:
        WeightsError: Nobody published one of that name.
    """
    for lifter in published().values():
        if name in (lifter.name, lifter.file):
            return lifter
    raise WeightsError("no published lifter of this name", where=name, fix="videopose3d weights list shows them.")


def recognise(file: str, digest: str) -> Published | None:
    """The published lifter that a file is, by its hash where one is published, else by the name of the file."""
    for lifter in published().values():
        if digest.startswith(lifter.sha256) if lifter.sha256 else file == lifter.file:
            return lifter
    return None

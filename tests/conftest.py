"""Shared by all tests."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import pytest
from clips import Clip, MakeVideo, make_clip


@pytest.fixture(scope="session")
def make_video(tmp_path_factory: pytest.TempPathFactory) -> MakeVideo:
    """A function that makes a clip from the fields of ``Clip`` and gives its path. Do not change it."""
    made: dict[tuple[object, ...], Path] = {}

    def make(**fields: object) -> Path:
        clip = Clip(**fields)  # type: ignore[arg-type]
        key = astuple(clip)
        if key not in made:
            made[key] = tmp_path_factory.mktemp("video") / clip.name
            make_clip(clip, made[key])
        return made[key]

    return make

"""The header of a weight file: round trips, and headers that nobody can have meant."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videopose3d.errors import WeightsError
from videopose3d.lifter.weights import build_model, load_lifter, save_lifter
from videopose3d.skeleton import SKELETONS, Skeleton
from videopose3d.weights.header import METADATA_KEY, LifterHeader

words = st.text(st.characters(codec="utf-8"), max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False)
rates = st.floats(1, 1000)


@st.composite
def skeletons(draw: st.DrawFn) -> Skeleton:
    joints = draw(st.lists(words.filter(bool), min_size=1, max_size=6, unique=True))
    bones = draw(st.lists(st.tuples(st.sampled_from(joints), st.sampled_from(joints)), max_size=6))
    return Skeleton(draw(words), tuple(joints), tuple(bones))


@st.composite
def headers(draw: st.DrawFn) -> LifterHeader:
    own = {skeleton.name: skeleton for skeleton in draw(st.lists(skeletons(), max_size=3))}
    name = st.sampled_from([*SKELETONS, *own])
    return LifterHeader(
        name=draw(words),
        filter_widths=tuple(draw(st.lists(st.sampled_from([1, 3, 5, 7, 9]), min_size=1, max_size=5))),
        channels=draw(st.integers(1, 4096)),
        features=draw(st.integers(1, 9)),
        causal=draw(st.booleans()),
        dense=draw(st.booleans()),
        trajectory=draw(st.booleans()),
        skeleton_in=draw(name),
        skeleton_out=draw(name),
        skeletons=own,
        normalisation=draw(st.sampled_from(["rays", "screen"])),
        fps=draw(st.none() | rates),
        fps_range=draw(st.tuples(rates, rates)),
        stature=draw(st.none() | st.floats(0.1, 3)),
        training=draw(words),
        licence=draw(words),
        metrics=draw(st.dictionaries(words, numbers, max_size=3)),
    )


@given(headers())
def test_a_header_comes_back_as_it_was(header: LifterHeader) -> None:
    metadata = header.to_metadata()
    assert all(isinstance(value, str) for value in metadata.values())
    again = LifterHeader.from_metadata(metadata)
    assert again == header
    assert again.input_skeleton == {**SKELETONS, **header.skeletons}[header.skeleton_in]
    assert again.to_metadata() == metadata


def test_the_strategy_fills_every_field() -> None:
    given_fields = set(asdict(LifterHeader("x", (3,), 1, 1)))
    assert given_fields == {
        *("name", "filter_widths", "channels", "features", "causal", "dense", "trajectory", "skeleton_in"),
        *(
            "skeleton_out",
            "skeletons",
            "normalisation",
            "fps",
            "fps_range",
            "stature",
            "training",
            "licence",
            "metrics",
        ),
    }


def test_a_file_of_own_joints_comes_back_as_it_was(tmp_path: Path) -> None:
    dog = Skeleton("dog", ("spine", "left_paw", "right_paw", "tail"), (("spine", "tail"), ("spine", "left_paw")))
    header = LifterHeader("dogs", (3, 3), 8, 2, skeleton_in="dog", skeleton_out="dog", skeletons={"dog": dog})
    save_lifter(build_model(header), header, tmp_path / "a.safetensors")
    model, again = load_lifter(tmp_path / "a.safetensors")
    assert again == header
    assert (model.joints_in, model.joints_out) == (4, 4)


def damaged(**changes: Any) -> dict[str, str]:
    values = asdict(LifterHeader("x", (3, 3), 8, 2))
    return {METADATA_KEY: json.dumps({key: v for key, v in (values | changes).items() if v != "gone"})}


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        (None, "no videopose3d header"),
        ({}, "no videopose3d header"),
        ({METADATA_KEY: "{"}, "cannot be read"),
        ({METADATA_KEY: "[]"}, "cannot be read"),
        ({METADATA_KEY: "[" * 100_000}, "cannot be read"),
        (damaged(channels="gone"), "cannot be read"),
        (damaged(channels="many"), "cannot be read"),
        (damaged(filter_widths=3), "cannot be read"),
        (damaged(fps_range="ab"), "cannot be read"),
        (damaged(skeletons={"a": {}}), "cannot be read"),
        (damaged(skeleton_in=["coco17"]), "cannot be read"),
        (damaged(skeleton_in="octopus"), "unknown joint set 'octopus'"),
        (damaged(skeletons={"a": {"joints": ["b"], "bones": [["b", "c"]]}}), "unknown joints"),
        (damaged(normalisation="none"), "unknown input normalisation"),
        (damaged(filter_widths=[3, 4]), "no network has filters"),
        (damaged(filter_widths=[]), "no network has filters"),
        (damaged(channels=0), "no network has filters"),
        (damaged(features=-1), "no network has filters"),
    ],
)
def test_a_damaged_header_is_refused_in_one_line(metadata: dict[str, str] | None, says: str) -> None:
    with pytest.raises(WeightsError, match=says) as caught:
        LifterHeader.from_metadata(metadata, where="a.safetensors")
    assert str(caught.value).startswith("a.safetensors")
    assert "\n" not in str(caught.value)


def test_a_header_of_a_newer_version_is_read() -> None:
    assert LifterHeader.from_metadata(damaged(colour="green")) == LifterHeader("x", (3, 3), 8, 2)

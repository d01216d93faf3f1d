from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from videopose3d.render.layout import plan
from videopose3d.render.theme import DARK, LIGHT, THEMES, tag_size, text_size

# Simulation of full protanopia, deuteranopia and tritanopia on linear RGB: Machado, Oliveira and Fernandes,
# "A Physiologically-based Model for Simulation of Color Vision Deficiency", 2009, table of severity 1.0.
SEEN = {
    "all": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(colour) -> np.ndarray:
    c = np.asarray(colour) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(one, other) -> float:
    """WCAG 2.1."""
    light, dark = sorted((float(linear(c) @ (0.2126, 0.7152, 0.0722)) for c in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB of linear RGB."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb
    x, y, z = np.cbrt(xyz / (0.9505, 1.0, 1.089))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_words_and_limbs_stand_out_from_the_ground(theme):
    for ground in (theme.background, theme.floor):
        assert contrast(theme.text, ground) >= 7
        assert contrast(theme.dim_text, ground) >= 4.5
        assert min(contrast(c, ground) for c in (theme.left, theme.right, theme.middle)) >= 3
    assert 1.1 < contrast(theme.grid, theme.floor) < 2.5


@pytest.mark.parametrize("eyes", SEEN)
@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_left_right_and_middle_differ_to_all_eyes(theme, eyes):
    colours = [lab(np.clip(SEEN[eyes] @ linear(c), 0, 1)) for c in (theme.left, theme.right, theme.middle)]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.linalg.norm(colours[one] - colours[other]) > 20


def test_themes_are_different_and_named():
    assert set(THEMES) == {"dark", "light"}
    assert sum(DARK.background) < 100
    assert sum(LIGHT.background) > 700
    assert all(a != b for a, b in zip(astuple(DARK), astuple(LIGHT), strict=True))


@pytest.mark.parametrize("layout", ["side", "stack", "scene", "overlay"])
@pytest.mark.parametrize("size", [(1280, 720), (640, 480), (720, 720), (1080, 1920)])
def test_letters_are_legible_when_the_picture_is_480_px_wide(size, layout):
    found = plan(size, 720, layout)
    letters = text_size(found.size)
    zoom = min(1, 480 / found.size[0])
    assert letters * zoom >= 8
    assert tag_size(letters) * zoom >= 6.5


def test_a_veil_brings_a_picture_near_the_ground():
    for theme in THEMES.values():
        area = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
        theme.veil(area)
        assert np.abs(area.astype(int) - theme.background).max() <= 86

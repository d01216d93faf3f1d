from __future__ import annotations

import numpy as np
import pytest
from golden_files import golden

from videopose3d.errors import SkeletonMismatchError
from videopose3d.remap import coco_to_h36m
from videopose3d.skeleton import COCO17, H36M17, LIMB_JOINTS

both_rules = pytest.mark.parametrize("rule", ["gast", "mm"])


def upright() -> np.ndarray:
    """A person worked out by hand: shoulders at y 270, hips at y 460, nose (500, 200)."""
    points = np.zeros((17, 2))
    places = {
        "nose": (500, 200),
        "left_eye": (505, 190),
        "right_eye": (495, 190),
        "left_ear": (510, 196),
        "right_ear": (490, 196),
        "left_shoulder": (550, 270),
        "right_shoulder": (450, 270),
        "left_hip": (530, 460),
        "right_hip": (470, 460),
    }
    for joint, place in places.items():
        points[COCO17.index(joint)] = place
    return points


@pytest.mark.parametrize(("rule", "name"), [("mm", "rule_a"), ("gast", "rule_b")])
def test_the_rules_are_the_published_ones(rule, name):
    arrays = golden("remap")
    points, _ = coco_to_h36m(arrays["coco"], arrays["coco_scores"], rule)
    np.testing.assert_allclose(points, arrays[name], atol=1e-3)
    assert points.dtype == arrays["coco"].dtype


@pytest.mark.parametrize(
    ("rule", "spine", "thorax", "neck", "head"),
    [
        ("mm", (500, 365), (500, 270), (500, 200), (500, 190)),
        ("gast", (500, 365), (500, 253 + 1 / 3), (500, 217.5), (500, 180)),
    ],
)
def test_a_person_by_hand(rule, spine, thorax, neck, head):
    points, _ = coco_to_h36m(upright(), np.ones(17), rule)
    expected = {"pelvis": (500, 460), "spine": spine, "thorax": thorax, "neck": neck, "head": head}
    for joint, place in expected.items():
        np.testing.assert_allclose(points[H36M17.index(joint)], place, err_msg=joint)


def test_gast_is_the_default_rule():
    points, scores = upright(), np.ones(17)
    np.testing.assert_array_equal(coco_to_h36m(points, scores)[0], coco_to_h36m(points, scores, "gast")[0])


@both_rules
def test_limbs_are_copied(rule):
    arrays = golden("remap")
    points, scores = coco_to_h36m(arrays["coco"], arrays["coco_scores"], rule)
    into, out_of = H36M17.indices(LIMB_JOINTS), COCO17.indices(LIMB_JOINTS)
    np.testing.assert_array_equal(points[:, into], arrays["coco"][:, out_of])
    np.testing.assert_array_equal(scores[:, into], arrays["coco_scores"][:, out_of])


@both_rules
def test_a_joint_made_of_several_has_the_lowest_of_their_scores(rule):
    scores = np.linspace(0.9, 0.1, 17)  # falling along the COCO order
    _, out = coco_to_h36m(upright(), scores, rule)
    lowest = {"pelvis": "right_hip", "spine": "right_hip", "thorax": "right_shoulder", "neck": "nose"}
    for joint, source in (lowest | {"head": "right_eye"}).items():
        assert out[H36M17.index(joint)] == scores[COCO17.index(source)], joint


@both_rules
def test_exchanging_sides_before_or_after_is_the_same(rule):
    arrays = golden("remap")
    points, scores = arrays["coco"], arrays["coco_scores"]
    before = coco_to_h36m(points[:, list(COCO17.mirror)], scores[:, list(COCO17.mirror)], rule)
    after = coco_to_h36m(points, scores, rule)
    for a, b in zip(before, after, strict=True):
        np.testing.assert_allclose(a, b[:, list(H36M17.mirror)], atol=1e-3)


@pytest.mark.parametrize(("rule", "turns"), [("mm", True), ("gast", False)])
def test_only_rule_mm_turns_with_the_image(rule, turns):
    points, scores = upright(), np.ones(17)
    turn = np.array([[0.0, 1], [-1, 0]])
    same = np.allclose(coco_to_h36m(points @ turn, scores, rule)[0], coco_to_h36m(points, scores, rule)[0] @ turn)
    assert same is turns


@both_rules
def test_a_missing_nose_does_not_take_the_body_along(rule):
    points = upright()
    points[COCO17.index("nose")] = np.nan
    out, _ = coco_to_h36m(points, np.ones(17), rule)
    missing = {H36M17.joints[i] for i in np.flatnonzero(np.isnan(out).any(-1))}
    assert "neck" in missing
    assert missing <= {"spine", "thorax", "neck", "head"}


def test_the_input_is_left_alone():
    points, scores = upright(), np.ones(17)
    coco_to_h36m(points, scores)
    np.testing.assert_array_equal(points, upright())


@pytest.mark.parametrize("shape", [(16, 2), (5, 17, 3), (2, 17)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(SkeletonMismatchError) as error:
        coco_to_h36m(np.zeros(shape), np.zeros(shape[:-1]))
    assert f"expected (..., 17, 2) COCO keypoints, got {shape}" in str(error.value)

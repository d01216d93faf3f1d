"""Boxes to keypoints, with a network that sees coloured dots."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from dots import dots_network, dots_picture, somebody

from videopose3d.detectors.decoding import DECODERS, merge_flip
from videopose3d.detectors.published import JHMDB15
from videopose3d.detectors.topdown import TopDown
from videopose3d.errors import InputError, VideoPose3DError
from videopose3d.skeleton import COCO17, H36M17, LIMB_JOINTS, MPII16, Skeleton
from videopose3d.types import Person

HALF = 0.5  # the stand-in sees where dots are; a real network has learned the numbers of their pixels, half a px less


def errors(person: Person, joints: np.ndarray) -> np.ndarray:
    """(J, 2) [px]."""
    return person.keypoints - HALF - joints


def check(person: Person, joints: np.ndarray, shift: float = 0.0) -> None:
    """Joints are found, and on average at the right place to a small part of a cell, which is some 9 px."""
    off = errors(person, joints) - shift
    assert np.abs(off).max() < 2
    assert np.abs(off.mean(0)).max() < 0.3


@pytest.mark.parametrize(("family", "size"), [("cpn", (256, 192)), ("cpn", (384, 288)), ("hourglass", (256, 256))])
def test_joints_are_found_where_they_are(family: str, size: tuple[int, int]) -> None:
    joints, box = somebody(150, 60)
    look = TopDown(dots_network(family, size), flip=False, precision="float32")
    [[person]] = look([dots_picture(420, 500, [joints])], [box[None]])
    check(person, joints)
    assert person.scores.min() > 0.3
    assert person.scores.max() <= 1
    assert person.score == 1
    np.testing.assert_allclose(person.box, box, rtol=1e-6)


@pytest.mark.parametrize("decoder", ["classic", *DECODERS])
def test_every_decoder_can_be_asked_for(decoder: str) -> None:
    joints, box = somebody(150, 60)
    frame = dots_picture(420, 500, [joints], 5)
    [[person]] = TopDown(dots_network(), decoder, flip=False, precision="float32")([frame], [box[None]])
    assert np.median(np.abs(errors(person, joints))) < 3


def test_cpm_means_corners_of_cells() -> None:
    """Its cell c is input pixel 8 c; the stand-in's averages lie half a cell later."""
    joints, box = somebody(150, 60)
    look = TopDown(dots_network("cpm"), flip=False, precision="float32")
    [[person]] = look([dots_picture(420, 500, [joints])], [box[None]])
    off = errors(person, joints)
    cell = (box[3] - box[1]) * 1.25 / 32
    np.testing.assert_allclose(off.mean(0), -cell / 2, atol=0.5)
    assert np.abs(off + cell / 2).max() < cell / 2


def test_people_and_frames_keep_their_places_in_every_batch() -> None:
    people = [[somebody(30, 40, 30)], [], [somebody(200, 20, 25), somebody(60, 150, 28), somebody(330, 170, 22)]]
    frames = [dots_picture(320, 460, [joints for joints, _ in part], 5) for part in people]
    boxes = [np.array([np.append(box, 0.9 - i / 10) for i, (_, box) in enumerate(part)]) for part in people]
    network = dots_network()
    for batch in (1, 2, 8):
        look = TopDown(network, batch=batch, flip=False, precision="float32")
        found = look(frames, boxes)
        assert [len(part) for part in found] == [1, 0, 3]
        for part, expected in zip(found, people, strict=True):
            for i, (person, (joints, _)) in enumerate(zip(part, expected, strict=True)):
                check(person, joints)
                assert person.score == pytest.approx(0.9 - i / 10)
        flowing = list(look.over(iter(frames), iter(boxes)))
        for part, same in zip(flowing, found, strict=True):
            for person, twin in zip(part, same, strict=True):
                np.testing.assert_allclose(person.keypoints, twin.keypoints, atol=1e-3)


@pytest.mark.parametrize("family", ["cpn", "cpm"])
def test_the_mirror_image_is_averaged_with_sides_swapped(family: str) -> None:
    joints, _ = somebody(10, 10)
    look = TopDown(dots_network(family), precision="float32")
    picture = dots_picture(256, 192, [joints * 0.6], 5)
    x = torch.from_numpy(np.stack([picture, picture[:, ::-1]])).permute(0, 3, 1, 2) / 255
    with torch.inference_mode():
        straight, mirrored = look.network.model.maps(x).chunk(2)
    expected = merge_flip(straight, mirrored, COCO17.mirror, 1 if family == "cpm" else 0)
    np.testing.assert_allclose(look.maps([picture, picture])[1:], expected, atol=1e-3)
    assert not torch.allclose(expected, straight, atol=0.01)


def test_joints_in_the_middle_are_found_with_the_mirror_image() -> None:
    middle = Skeleton("middle", tuple("abcdefghijklmnopq"), ())
    joints, box = somebody(150, 60)
    look = TopDown(dots_network(skeleton=middle), precision="float32", skeleton=middle)
    [[person]] = look([dots_picture(420, 500, [joints])], [box[None]])
    check(person, joints)


@pytest.mark.parametrize("skeleton", [MPII16, JHMDB15])
def test_other_joints_become_coco_by_name(skeleton) -> None:
    joints, box = somebody(150, 60, joints=len(skeleton))
    look = TopDown(dots_network(skeleton=skeleton), flip=False, precision="float32")
    [[person]] = look([dots_picture(420, 500, [joints])], [box[None]])
    limbs = COCO17.indices(LIMB_JOINTS)
    expected = joints[skeleton.indices(LIMB_JOINTS)]
    assert np.abs(person.keypoints[limbs] - HALF - expected).max() < 2
    head = [COCO17.index(name) for name in COCO17.joints if name not in LIMB_JOINTS]
    assert np.isnan(person.keypoints[head]).all()
    assert person.scores[head].tolist() == [0] * len(head)


def test_joints_of_human36m_stay_when_asked_for() -> None:
    joints, box = somebody(150, 60)
    look = TopDown(dots_network(skeleton=H36M17), flip=False, precision="float32", skeleton=H36M17)
    [[person]] = look([dots_picture(420, 500, [joints])], [box[None]])
    check(person, joints)


@pytest.mark.parametrize(
    "box",
    [
        [np.nan, 0, 10, 10],
        [10, 10, 10, 40],
        [40, 10, 10, 40],
        [500, 10, 600, 40],
        [-50, 10, 0, 40],
        [0, -np.inf, 10, 10],
    ],
)
def test_a_box_without_area_in_the_image_is_nobody(box: list[float]) -> None:
    [[person]] = TopDown(dots_network())([np.zeros((100, 100, 3), np.uint8)], [np.array([box])])
    assert np.isnan(person.keypoints).all()
    assert person.scores.max() == 0


def test_wrong_arguments_are_named() -> None:
    look, frame = TopDown(dots_network()), np.zeros((50, 50, 3), np.uint8)
    with pytest.raises(InputError, match="2 frames and boxes for 1"):
        look([frame, frame], [np.zeros((0, 4))])
    with pytest.raises(InputError, match=r"shape \(1, 3\)"):
        look([frame], [np.zeros((1, 3))])
    with pytest.raises(VideoPose3DError, match="no decoder 'dark'.*classic.*window"):
        TopDown(dots_network(), "dark")
    with pytest.raises(VideoPose3DError, match="batch is 0"):
        TopDown(dots_network(), batch=0)
    assert look([], []) == []
    assert look([frame], [[]]) == [[]]

from __future__ import annotations

import cv2
import numpy as np
import pytest

from videopose3d.detectors.several import COVER, SEARCH_EVERY, Crowd, without
from videopose3d.types import Person

WHITE = 255
SHARES = np.random.default_rng(0).uniform(0, 1, (17, 2)).astype(np.float32)
SHARES[:2] = [[0, 0], [1, 1]]


class Blobs:
    """Takes white blobs for people: follows the one nearest to the last, finds the largest."""

    made = 0

    def __init__(self):
        Blobs.made += 1
        self.last, self.forgot, self.pictures = None, 0, []

    def see(self, frame):
        self.pictures.append(frame)
        _, _, stats, _ = cv2.connectedComponentsWithStats((frame[..., 0] == WHITE).astype(np.uint8))
        boxes = [np.array([x, y, x + w, y + h], np.float32) for x, y, w, h, _ in stats[1:]]
        if self.last is None:
            found = max(boxes, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]), default=None)
        else:
            found = min(boxes, key=lambda box: np.abs(box - self.last).sum(), default=None)
        self.last = found
        if found is None:
            return None
        joints = found[:2] + SHARES * (found[2:] - found[:2])
        return Person(joints, np.ones(17, np.float32), found)

    def forget(self):
        self.last = None
        self.forgot += 1


@pytest.fixture(autouse=True)
def anew():
    Blobs.made = 0


def picture(*people):
    """A frame with people (x, y, width, height)."""
    frame = np.zeros((200, 400, 3), np.uint8)
    for x, y, w, h in people:
        frame[y : y + h, x : x + w] = WHITE
    return frame


def places(found):
    return [tuple(int(v) for v in (*one.box[:2], *(one.box[2:] - one.box[:2]))) for one in found]


ONE, OTHER, THIRD = (20, 20, 60, 150), (150, 40, 50, 120), (300, 50, 40, 100)


def test_people_are_found_one_per_frame_and_followed():
    crowd = Crowd(Blobs, 4)
    frames = [picture(*((x + 2 * t, y, w, h) for x, y, w, h in (ONE, OTHER, THIRD))) for t in range(6)]
    found = [places(crowd.see(frame, t / 30)) for t, frame in enumerate(frames)]
    assert [len(people) for people in found] == [2, 3, 3, 3, 3, 3]
    assert found[-1] == [(x + 10, y, w, h) for x, y, w, h in (ONE, OTHER, THIRD)]


def test_with_one_person_the_first_network_sees_what_it_sees_alone():
    crowd = Crowd(Blobs, 4)
    frames = [picture(ONE) for _ in range(40)]
    assert all(places(crowd.see(frame, t / 30)) == [ONE] for t, frame in enumerate(frames))
    assert all(given is frame for given, frame in zip(crowd._first.network.pictures, frames, strict=True))
    assert Blobs.made == 2
    assert len(crowd._idle[0].network.pictures) == 1 + int(39 / 30 / SEARCH_EVERY)


def test_one_is_enough_if_no_more_are_asked_for():
    crowd = Crowd(Blobs, 1)
    assert places(crowd.see(picture(ONE, OTHER), 0)) == [ONE]
    assert Blobs.made == 1


def test_no_more_than_asked_for():
    crowd = Crowd(Blobs, 2)
    assert [len(crowd.see(picture(ONE, OTHER, THIRD), t / 30)) for t in range(3)] == [2, 2, 2]


def test_somebody_who_comes_is_found_within_the_time_between_two_searches():
    crowd = Crowd(Blobs, 4)
    counts = [len(crowd.see(picture(ONE, *[OTHER] * (t >= 3)), t / 30)) for t in range(3 + 15 + 1)]
    assert counts[:3] == [1, 1, 1]
    assert counts[-1] == 2


def test_who_leaves_is_let_go_and_the_network_used_again():
    crowd = Crowd(Blobs, 2)
    crowd.see(picture(ONE, OTHER), 0.0)
    assert places(crowd.see(picture(ONE), 0.04)) == [ONE]
    made = Blobs.made
    found = [places(crowd.see(picture(ONE, THIRD), 1 + t / 30)) for t in range(2)]
    assert found[-1] == [ONE, THIRD]
    assert Blobs.made == made


def test_two_networks_on_one_person_give_one_person():
    crowd = Crowd(Blobs, 4)
    for t in range(3):
        crowd.see(picture(ONE, (100, 20, 60, 150)), t / 30)
    assert len(crowd.see(picture((60, 20, 60, 150)), 0.1)) == 1  # both follow whoever is nearest


def test_who_jumps_is_somebody_else():
    crowd = Crowd(Blobs, 2)
    crowd.see(picture(ONE, OTHER), 0.0)
    network = crowd._others[0].network
    crowd.see(picture(ONE, (x := OTHER[0] + 10, *OTHER[1:])), 0.03)
    assert network.forgot == 0
    assert places(crowd.see(picture(ONE, (x + 100, *OTHER[1:])), 0.06))[0] == ONE
    assert network.forgot == 1


def test_phantoms_are_not_looked_for_in_every_frame():
    """Somebody who is seen only in the picture of the search costs a search twice a second."""

    class Haunted(Blobs):
        def see(self, frame):
            return super().see(picture(OTHER) if (frame == COVER).any() else frame)

    crowd = Crowd(Haunted, 4)
    for t in range(45):
        crowd.see(picture(ONE), t / 30)
    assert sum(len(one.network.pictures) for one in (*crowd._idle, *crowd._others)) <= 12


def test_nobody_is_looked_for_beside_nobody():
    crowd = Crowd(Blobs, 4)
    assert crowd.see(picture(), 0.0) == []
    assert Blobs.made == 1


def test_known_people_are_covered_with_a_margin():
    frame = picture(ONE, OTHER)
    covered = without(frame, [Person(np.zeros((17, 2)), np.ones(17), np.array([20, 20, 80, 170], np.float32))])
    assert (covered[3:187, 3:97] == COVER).all()
    assert (covered[40:160, 150:200] == WHITE).all()
    assert (frame[20:170, 20:80] == WHITE).all()

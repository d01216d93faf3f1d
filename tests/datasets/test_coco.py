"""COCO annotations: what is written comes back, and what does not count is left out."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from videopose3d.datasets.coco import ANNOTATIONS, read_coco, writing_coco
from videopose3d.errors import InputError
from videopose3d.skeleton import COCO17, H36M17


def write(folder: Path, count: int = 3, skeleton=H36M17, dataset: str = "") -> np.ndarray:
    random = np.random.default_rng(0)
    joints = random.uniform(0, 40, (count, len(skeleton), 2))
    (folder / "images").mkdir(parents=True)
    with writing_coco(folder / ANNOTATIONS, skeleton, dataset) as add:
        for i in range(count):
            cv2.imwrite(str(folder / "images" / f"{i}.png"), np.zeros((48, 64, 3), np.uint8))
            add(f"{i}.png", (64, 48), np.array([1.5, 2, 40, 44]), joints[i])
    return joints


@pytest.mark.parametrize("skeleton", [H36M17, COCO17])
def test_round_trip(skeleton, tmp_path: Path) -> None:
    joints = write(tmp_path, skeleton=skeleton, dataset="h36m")
    people = read_coco(tmp_path)
    assert (people.skeleton, people.dataset, people.files) == (skeleton, "h36m", ("0.png", "1.png", "2.png"))
    np.testing.assert_allclose(people.joints, joints, atol=0.006)
    np.testing.assert_array_equal(people.boxes, [[1.5, 2, 40, 44]] * 3)
    assert people.sizes.tolist() == [[64, 48]] * 3
    assert (people.visibility == 2).all()


def test_several_people_in_a_picture(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    boxes, joints = np.array([[1.0, 2, 30, 40], [20, 4, 60, 44]]), random.uniform(1, 40, (2, 17, 2))
    visibility = np.full((2, 17), 2)
    visibility[0, 3], visibility[1, :2] = 1, 0
    (tmp_path / "images").mkdir()
    with writing_coco(tmp_path / ANNOTATIONS, COCO17) as add:
        for i in range(2):
            cv2.imwrite(str(tmp_path / "images" / f"{i}.png"), np.zeros((48, 64, 3), np.uint8))
            add(f"{i}.png", (64, 48), boxes, joints, visibility, np.array([500.0, 7.0]))
    people = read_coco(tmp_path)
    assert people.files == ("0.png", "0.png", "1.png", "1.png")
    assert people.visibility[:2].tolist() == visibility.tolist()
    np.testing.assert_array_equal(people.boxes, np.tile(boxes, (2, 1)))
    np.testing.assert_allclose(people.joints[0], joints[0], atol=0.006)
    annotations = json.loads((tmp_path / ANNOTATIONS).read_text())["annotations"]
    assert [a["id"] for a in annotations] == [1, 2, 3, 4]
    assert [(a["area"], a["num_keypoints"]) for a in annotations[2:]] == [(500, 17), (7, 15)]
    assert annotations[1]["keypoints"][:6] == [0] * 6


def test_other_programs_can_read_it(tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    joints = write(tmp_path)
    found = coco.COCO(tmp_path / ANNOTATIONS)
    [one] = found.loadAnns(found.getAnnIds(imgIds=[2]))
    assert found.loadImgs([2])[0]["file_name"] == "1.png"
    np.testing.assert_allclose(np.reshape(one["keypoints"], (17, 3))[:, :2], joints[1], atol=0.006)


def test_crowds_and_people_without_labels_or_box_do_not_count(tmp_path: Path) -> None:
    write(tmp_path, 5)
    path = tmp_path / ANNOTATIONS
    content = json.loads(path.read_text())
    a = content["annotations"]
    a[0]["iscrowd"] = 1
    a[1]["keypoints"] = [0] * 51
    a[2]["bbox"] = [3, 3, 0, 5]
    a[3]["keypoints"][2::3] = [0, 1, 2] * 5 + [2, 3]
    path.write_text(json.dumps(content))
    people = read_coco(path)
    assert people.files == ("3.png", "4.png")
    assert people.visibility[0].tolist() == [0, 1, 2] * 5 + [2, 2]


def test_joints_of_ones_own(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / ANNOTATIONS
    content = json.loads(path.read_text())
    names = content["categories"][0]["keypoints"]
    names[0], names[1], names[4] = "Tail-Base", "Right Paw", "Left Paw"
    path.write_text(json.dumps(content))
    skeleton = read_coco(tmp_path).skeleton
    assert skeleton.joints[:2] == ("tail_base", "right_paw")
    assert skeleton.mirror[1] == 4
    assert skeleton.bones[0] == ("tail_base", "right_paw")


def test_pictures_beside_the_annotations_or_nowhere(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "images").rename(tmp_path / "train")
    with pytest.raises(InputError, match=r"0\.png and 2 more"):
        read_coco(tmp_path)
    assert read_coco(tmp_path, tmp_path / "train").folder == tmp_path / "train"
    for picture in (tmp_path / "train").iterdir():
        picture.rename(tmp_path / picture.name)
    assert read_coco(tmp_path).folder == tmp_path


def test_names_begin_with_whole_words(tmp_path: Path) -> None:
    with writing_coco(tmp_path / ANNOTATIONS, H36M17) as add:
        for name in ("S1/a.png", "S11/a.png", "S11/b.png"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
            add(name, (64, 48), np.array([1, 2, 40, 44]), np.ones((17, 2)))
    people = read_coco(tmp_path)
    assert people.named(["S1"]).files == ("S1/a.png",)
    assert people.named(["S11/b", "S1"]).files == ("S1/a.png", "S11/b.png")
    with pytest.raises(InputError, match="There are S1, S11"):
        people.named(["S9"])


def test_nothing_is_left_of_a_file_that_was_not_finished(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too many values"), writing_coco(tmp_path / ANNOTATIONS, H36M17) as add:
        add("a.png", (1, 1), np.zeros(4), np.zeros((17, 3)))
    assert list(tmp_path.iterdir()) == []

"""Pictures of people with their keypoints, as a COCO annotation file and a folder of images.

{"images":      [{"id", "file_name", "width", "height"}],
 "categories":  [{"id", "name", "keypoints": [names], "skeleton": [[i, j]]}],   counted from 1
 "annotations": [{"image_id", "category_id", "bbox": [x, y, width, height], "keypoints": [x, y, v, ...], "iscrowd"}]}

Coordinates are COCO's: pixel i is the number i. In the rest of this package pixel i is the interval [i, i + 1).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from videopose3d.errors import FileFormatError, InputError, SkeletonMismatchError
from videopose3d.files import replacing
from videopose3d.skeleton import SKELETONS, Skeleton, side
from videopose3d.types import Array, FloatArray

ANNOTATIONS, IMAGES = "annotations.json", "images"
"""What our own folders of pictures consist of."""
VISIBLE = 2
_FIELDS = "docs/finetuning.md says what has to be in it."


@dataclass(frozen=True)
class LabelledPeople:
    """People in pictures.

    Attributes:
        skeleton: Their joints.
        files: The picture of every person, below ``folder``.
        sizes: (N, 2) width and height of the pictures [px].
        boxes: (N, 4) x0, y0, x1, y1 [px].
        joints: (N, J, 2) [px].
        visibility: (N, J) 0 not labelled, 1 hidden, 2 visible.
        folder: Of the pictures.
        source: For messages.
        dataset: Name of the data set, where the file says it.
    """

    skeleton: Skeleton
    files: tuple[str, ...] = field(repr=False)
    sizes: NDArray[np.int64] = field(repr=False)
    boxes: FloatArray = field(repr=False)
    joints: FloatArray = field(repr=False)
    visibility: NDArray[np.uint8] = field(repr=False)
    folder: Path
    source: Path
    dataset: str = ""

    def __len__(self) -> int:
        return len(self.files)

    def select(self, rows: Sequence[int] | NDArray[np.int64]) -> LabelledPeople:
        """Some of the people."""
        rows = np.asarray(rows, np.int64)
        names = ("sizes", "boxes", "joints", "visibility")
        return replace(self, files=tuple(self.files[i] for i in rows), **{n: getattr(self, n)[rows] for n in names})

    def named(self, prefixes: Sequence[str]) -> LabelledPeople:
        """The people in pictures whose names begin with one of these; ``S1`` is not the beginning of ``S11/...``.

        Raises:
            InputError: A prefix that no picture has.
        """
        groups = [[i for i, file in enumerate(self.files) if _begins(file, prefix)] for prefix in prefixes]
        for prefix, rows in zip(prefixes, groups, strict=True):
            if not rows:
                first = ", ".join(list(dict.fromkeys(file.partition("/")[0] for file in self.files))[:8])
                raise InputError(f"no picture begins with {prefix!r}", where=self.source, fix=f"There are {first}.")
        return self.select(sorted(set().union(*groups)))


def _begins(file: str, prefix: str) -> bool:
    rest = file.removeprefix(prefix)
    return file.startswith(prefix) and not (rest[:1].isalnum() and prefix[-1:].isalnum())


# --- reading


def read_coco(source: str | os.PathLike[str], images: str | os.PathLike[str] | None = None) -> LabelledPeople:
    """Everybody with keypoints in a COCO data set; crowds and people without a labelled joint or box are left out.

    Args:
        source: The annotation file, or a folder with ``annotations.json``.
        images: Folder of the pictures; by default ``images`` beside the annotations, else the folder of these.

    Raises:
        InputError: A file is not there, or nobody in it has keypoints.
        FileFormatError: The annotations are damaged or incomplete.
    """
    path = Path(source)
    path = path / ANNOTATIONS if path.is_dir() else path
    if not path.is_file():
        raise InputError(
            "no such file", where=path, fix=f"Give a COCO annotation file, or a folder with {ANNOTATIONS}."
        )
    folder = Path(images) if images is not None else path.parent / IMAGES
    folder = folder if images is not None or folder.is_dir() else path.parent
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        fix = "It may be damaged: get or make it again."
        raise FileFormatError("not a readable JSON file", where=path, fix=fix) from error
    try:
        people = _people(content, folder, path)
    except KeyError as error:
        raise FileFormatError(f"no {error} where it is needed", where=path, fix=_FIELDS) from error
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise FileFormatError(f"not COCO's annotations ({error})", where=path, fix=_FIELDS) from error
    missing = [file for file in dict.fromkeys(people.files) if not (folder / file).is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(f"no picture {missing[0]}{more}", where=folder, fix="Name the folder with --images.")
    return people


def _people(content: Mapping[str, Any], folder: Path, path: Path) -> LabelledPeople:
    category = _category(content, path)
    joints = len(category["keypoints"])
    images = {
        image["id"]: (str(image["file_name"]), int(image["width"]), int(image["height"])) for image in content["images"]
    }
    kept = [a for a in content["annotations"] if a["category_id"] == category["id"] and not a.get("iscrowd")]
    for a in kept:
        if len(a["keypoints"]) != 3 * joints or len(a["bbox"]) != 4:
            raise ValueError(f"annotation {a.get('id')} has not {joints} keypoints and a box")
    table = np.array([a["keypoints"] for a in kept], np.float32).reshape(-1, joints, 3)
    boxes = np.array([a["bbox"] for a in kept], np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    labelled = (table[..., 2] > 0).any(1) & (boxes[:, 2:] > boxes[:, :2]).all(1)
    rows = np.flatnonzero(labelled & np.isfinite(boxes).all(1) & np.isfinite(table).all((1, 2)))
    if not len(rows):
        raise InputError("nobody with keypoints and a box in it", where=path)
    records = [images[kept[i]["image_id"]] for i in rows]
    info = content.get("info")
    return LabelledPeople(
        skeleton=_skeleton(category, path),
        files=tuple(record[0] for record in records),
        sizes=np.array([record[1:] for record in records], np.int64),
        boxes=boxes[rows],
        joints=np.ascontiguousarray(table[rows, :, :2]),
        visibility=table[rows, :, 2].clip(0, 2).astype(np.uint8),
        folder=folder,
        source=path,
        dataset=str(info.get("dataset", "")) if isinstance(info, dict) else "",
    )


def _category(content: Any, path: Path) -> Mapping[str, Any]:
    found = [c for c in content["categories"] if c.get("keypoints")] if isinstance(content, dict) else None
    if found is None:
        raise ValueError("it is a list")
    if len(found) != 1:
        raise FileFormatError(f"{len(found)} categories with keypoints instead of one", where=path, fix=_FIELDS)
    category: Mapping[str, Any] = found[0]
    return category


def _skeleton(category: Mapping[str, Any], path: Path) -> Skeleton:
    """Joints known here where they are the same, else new ones of the file's names."""
    joints = tuple(str(name).strip().lower().replace(" ", "_").replace("-", "_") for name in category["keypoints"])
    known = next((skeleton for skeleton in SKELETONS.values() if skeleton.joints == joints), None)
    if known:
        return known
    strange = [name for name in joints if side(name) == "middle" and {"left", "right", "l", "r"} & set(name.split("_"))]
    bones = tuple((joints[int(i) - 1], joints[int(j) - 1]) for i, j in category.get("skeleton", ()))
    skeleton = Skeleton(str(category.get("name", "custom")), joints, bones)
    try:
        _ = skeleton.mirror
    except SkeletonMismatchError as error:
        strange = strange or [error.what]
    if strange or len(set(joints)) != len(joints):
        what = f"joint {strange[0]!r} has no clear side" if strange else "two joints of one name"
        raise FileFormatError(what, where=path, fix="Name them left_* and right_*, in pairs: pictures are mirrored.")
    return skeleton


# --- writing


class Add(Protocol):
    """Adds one picture to a data set."""

    def __call__(
        self,
        name: str,
        size: tuple[int, int],
        boxes: Array,
        joints: Array,
        visibility: NDArray[np.integer[Any]] | None = None,
        areas: Array | None = None,
    ) -> None:
        """Note a picture and who is in it.

        Args:
            name: File below the folder of pictures.
            size: Width and height [px].
            boxes: (N, 4), or (4,) of one person: x0, y0, x1, y1 [px].
            joints: (N, J, 2), or (J, 2) of one person [px].
            visibility: (N, J) 0 not labelled, 1 hidden, 2 visible; all are visible by default.
            areas: (N,) of the people [px^2]; those of the boxes by default.
        """


@contextmanager
def writing_coco(path: str | os.PathLike[str], skeleton: Skeleton, dataset: str = "") -> Iterator[Add]:
    """A function that adds one picture with its people; memory stays flat.

    Args:
        path: The file, there when the block ends well.
        skeleton: The joints.
        dataset: Its name, for readers.

    Raises:
        OutputError: The place cannot be written.
    """
    bones = [[i + 1, j + 1] for i, j in skeleton.bone_indices]
    category = {"id": 1, "name": "person", "supercategory": "person", "keypoints": skeleton.joints, "skeleton": bones}
    head = json.dumps({"info": {"dataset": dataset}, "categories": [category]})[:-1]
    count = people = 0
    with replacing(path) as partial, partial.open("wb") as file, TemporaryFile() as images:

        def add(
            name: str,
            size: tuple[int, int],
            boxes: Array,
            joints: Array,
            visibility: NDArray[np.integer[Any]] | None = None,
            areas: Array | None = None,
        ) -> None:
            nonlocal count, people
            image = {"id": count + 1, "file_name": name, "width": size[0], "height": size[1]}
            images.write((b",\n" if count else b"\n") + json.dumps(image).encode())
            count += 1
            boxes, points = np.atleast_2d(boxes), np.reshape(joints, (-1, *np.shape(joints)[-2:]))
            seen = np.full(points.shape[:2], VISIBLE) if visibility is None else np.atleast_2d(visibility)
            sizes = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) if areas is None else np.atleast_1d(areas)
            for box, place, state, area in zip(boxes, points, seen, sizes, strict=True):
                annotation = _annotation(box, place, state, float(area))
                numbers = {"id": people + 1, "image_id": count, "category_id": 1}
                file.write((b",\n" if people else b"\n") + json.dumps({**numbers, **annotation}).encode())
                people += 1

        file.write(head.encode() + b', "annotations": [')
        yield add
        file.write(b'],\n"images": [')
        images.seek(0)
        shutil.copyfileobj(images, file)
        file.write(b"]}\n")


def _annotation(box: Array, joints: Array, visibility: NDArray[np.integer[Any]], area: float) -> dict[str, Any]:
    x, y, width, height = (round(float(v), 2) for v in (*box[:2], *(box[2:] - box[:2])))
    keypoints: list[float] = []
    for (u, v), state in zip(joints, visibility.tolist(), strict=True):
        keypoints += [round(float(u), 2), round(float(v), 2), state] if state else [0, 0, 0]
    return {
        "bbox": [x, y, width, height],
        "area": round(area, 2),
        "iscrowd": 0,
        "num_keypoints": int((visibility > 0).sum()),
        "keypoints": keypoints,
    }

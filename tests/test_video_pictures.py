from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from videopose3d.errors import OutputError
from videopose3d.video import check_pictures, kind_of, open_pictures


def read(path) -> np.ndarray:
    with Image.open(path) as picture:
        assert picture.format == ("PNG" if path.suffix == ".png" else "JPEG")
        return np.asarray(picture).astype(int)


def grey(value: int) -> np.ndarray:
    picture = np.full((6, 8, 3), value, np.uint8)
    picture[:, :2] = (200, 30, 10)
    return picture


def write(path, *values: int) -> None:
    with open_pictures(path) as writer:
        for value in values:
            writer.write(grey(value))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.mp4", "video"),
        ("a.WEBM", "video"),
        ("a.gif", "gif"),
        ("a.png", "still"),
        ("x/a.JPG", "still"),
        ("frames", "frames"),
        ("x/%05d.png", "frames"),
        ("walk_%d.jpeg", "frames"),
        ("50%.png", "still"),
    ],
)
def test_kinds_of_names(name, kind):
    assert kind_of(name) == kind


def test_other_names_are_refused():
    with pytest.raises(OutputError, match=r"\.png.*frames/%05d\.png"):
        kind_of("a.txt")


def test_one_picture_is_exact_as_png_and_near_as_jpg(tmp_path):
    write(tmp_path / "a.png", 90)
    np.testing.assert_array_equal(read(tmp_path / "a.png"), grey(90))
    write(tmp_path / "a.jpg", 90)
    assert np.abs(read(tmp_path / "a.jpg") - grey(90))[:, 4:].max() < 8


def test_a_second_picture_needs_numbers(tmp_path):
    with pytest.raises(OutputError, match="Number them"):
        write(tmp_path / "a.png", 1, 2)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("frames", ["frames/00000.png", "frames/00001.png"]),
        ("f/walk_%03d.png", ["f/walk_000.png", "f/walk_001.png"]),
        ("f/%d.jpg", ["f/0.jpg", "f/1.jpg"]),
    ],
)
def test_numbered_pictures_are_numbered_from_nought(tmp_path, name, files):
    write(tmp_path / name, 10, 20)
    found = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert [str(path.relative_to(tmp_path)) for path in found] == files
    assert read(found[1])[3, 5].mean() == pytest.approx(20, abs=2)


def test_nothing_appears_when_it_fails(tmp_path):
    write(tmp_path / "f", 1, 2, 3)

    def fail() -> None:
        with open_pictures(tmp_path / "f") as writer:
            writer.write(grey(9))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    files = sorted((tmp_path / "f").iterdir())
    assert [file.name for file in files] == ["00000.png", "00001.png", "00002.png"]
    assert read(files[0])[3, 5, 0] == 1


def test_older_numbered_pictures_go_and_other_files_stay(tmp_path):
    write(tmp_path / "f", 1, 2, 3)
    (tmp_path / "f/notes.txt").write_text("mine")
    (tmp_path / "f/cover.png").write_text("mine, too")
    write(tmp_path / "f", 7)
    assert sorted(path.name for path in (tmp_path / "f").iterdir()) == ["00000.png", "cover.png", "notes.txt"]


def test_what_is_there_is_replaced_only_when_asked(tmp_path):
    (tmp_path / "f").mkdir()
    (tmp_path / "f/notes.txt").write_text("mine")
    check_pictures(tmp_path / "f", overwrite=False)
    write(tmp_path / "f", 1)
    for name in ("f", "f/%05d.png", "f/00000.png"):
        with pytest.raises(OutputError, match="exists already"):
            check_pictures(tmp_path / name, overwrite=False)
        check_pictures(tmp_path / name, overwrite=True)
    check_pictures(tmp_path / "f/other_%05d.png", overwrite=False)
    check_pictures(tmp_path / "g", overwrite=False)


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "f").write_text("a file")
    with pytest.raises(OutputError, match="cannot write in this folder"):
        write(tmp_path / "f", 1)

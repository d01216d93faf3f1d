from __future__ import annotations

from pathlib import Path

import pytest

from videopose3d.errors import OutputError
from videopose3d.files import check_overwrite, replacing


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("old", [None, "old"])
def test_the_file_appears_when_the_block_ends(tmp_path, old):
    path = tmp_path / "out.txt"
    if old:
        path.write_text(old)
    with replacing(path) as partial:
        partial.write_text("new")
        assert partial.parent == tmp_path  # a move within one file system is atomic
        assert (path.read_text() if path.exists() else None) == old
    assert path.read_text() == "new"
    assert names(tmp_path) == ["out.txt"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("old", [None, "old"])
def test_a_block_that_fails_leaves_nothing_and_keeps_the_old_file(tmp_path, failure, old):
    path = tmp_path / "out.txt"
    if old:
        path.write_text(old)

    def write():
        with replacing(path) as partial:
            partial.write_text("half")
            raise failure

    with pytest.raises(failure):
        write()
    assert names(tmp_path) == (["out.txt"] if old else [])
    assert not old or path.read_text() == old


@pytest.mark.parametrize("name", ["clip.mp4", "clip.tar.gz", "my clip ü.JSON", "日本語" * 27 + ".mp4"])
def test_the_temporary_name_keeps_the_suffix(tmp_path, name):
    with replacing(str(tmp_path / name)) as partial:
        assert partial.suffix == Path(name).suffix
        assert partial.name != name
        assert partial.name.startswith(".")
    assert names(tmp_path) == [name]


def test_a_name_without_suffix_is_fine(tmp_path):
    with replacing(tmp_path / "clip"):
        pass
    assert names(tmp_path) == ["clip"]


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    with replacing(tmp_path / "a.txt") as one, replacing(tmp_path / "a.txt") as two:
        assert one != two


def test_missing_folders_are_made(tmp_path):
    with replacing(tmp_path / "a" / "b" / "out.txt") as partial:
        partial.write_text("new")
    assert (tmp_path / "a" / "b" / "out.txt").read_text() == "new"


def unwritable(tmp_path, monkeypatch):
    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "touch", refuse)  # the tests may run as root, whom no folder refuses
    return tmp_path / "out.txt", "Permission denied"


def below_a_file(tmp_path, _monkeypatch):
    (tmp_path / "file").write_text("mine")
    return tmp_path / "file" / "out.txt", "cannot write here"


def a_folder(tmp_path, _monkeypatch):
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder", "a folder"


@pytest.mark.parametrize("obstacle", [unwritable, below_a_file, a_folder])
def test_where_nothing_can_be_written_the_block_does_not_start(tmp_path, monkeypatch, obstacle):
    path, why = obstacle(tmp_path, monkeypatch)
    before = names(tmp_path)
    with pytest.raises(OutputError) as error, replacing(path):
        pytest.fail("the block ran")
    assert why in str(error.value)
    assert error.value.where == path
    assert error.value.fix
    assert names(tmp_path) == before


def test_the_writer_s_own_error_comes_through(tmp_path):
    with pytest.raises(OSError, match="disk is full"), replacing(tmp_path / "out.txt"):
        raise OSError("disk is full")
    assert names(tmp_path) == []


def test_overwriting_is_asked_for(tmp_path):
    path = tmp_path / "out.txt"
    check_overwrite(path, overwrite=False)
    path.write_text("mine")
    check_overwrite(path, overwrite=True)
    with pytest.raises(OutputError, match="exists already.*--overwrite"):
        check_overwrite(path, overwrite=False)

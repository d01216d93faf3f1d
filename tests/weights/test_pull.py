"""Downloading into the cache, from a server in this process."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from file_server import Shelf, serving
from golden_files import FOLDER
from hostile import WRITERS, attacks

from videopose3d.errors import OutputError, WeightsError
from videopose3d.weights import pull as pulling
from videopose3d.weights.manifest import Published, published
from videopose3d.weights.pull import pull
from videopose3d.weights.store import check_lifter, find_lifter, hash_file, read_header

CONTENT = (FOLDER / "ckpt_semi_legacy.bin").read_bytes()
FILE = "net.bin"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("VIDEOPOSE3D_CACHE", str(folder))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(pulling, "_TIMEOUT", 5.0)
    monkeypatch.setattr(pulling, "_BLOCK", 10_000)
    return folder


@pytest.fixture
def shelf(cache: Path) -> Iterator[Shelf]:
    with serving() as made:
        made.files[f"/{FILE}"] = CONTENT
        yield made


def offered(shelf: Shelf, digest: str | None = None) -> Published:
    return replace(
        published()["pretrained_h36m_cpn"],
        name="net",
        url=f"{shelf.url}/{FILE}",
        sha256=sha256(CONTENT).hexdigest()[:8] if digest is None else digest,
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_fresh_download_becomes_a_lifter_that_its_name_finds(shelf: Shelf, cache: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    done = pull(offered(shelf), progress=lambda done, total: seen.append((done, total)))
    assert shelf.asked == [(f"/{FILE}", None)]
    assert names(cache) == [FILE, "net.safetensors", "net.safetensors.sha256"]
    assert (cache / FILE).read_bytes() == CONTENT
    assert find_lifter("net") == done.path == cache / "net.safetensors"
    assert read_header(done.path).trajectory
    check_lifter(done.path)
    assert hash_file(done.path).read_text().endswith("  net.safetensors\n")
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert len(seen) > 10
    assert [bytes_ for bytes_, _ in seen] == sorted(bytes_ for bytes_, _ in seen)


def test_what_is_there_is_not_downloaded_again(shelf: Shelf, cache: Path) -> None:
    pull(offered(shelf))
    shelf.asked.clear()
    assert pull(offered(shelf)).imported is None
    assert pull(offered(shelf), again=True).imported is not None
    assert shelf.asked == []


def test_a_broken_download_goes_on_where_it_stopped(shelf: Shelf, cache: Path) -> None:
    shelf.breaks_after = 50_000
    with pytest.raises(WeightsError, match="ended after 50000 of 136623 bytes"):
        pull(offered(shelf))
    assert names(cache) == [f"{FILE}.part"]
    pull(offered(shelf))
    assert shelf.asked[-1] == (f"/{FILE}", "bytes=50000-")
    assert (cache / FILE).read_bytes() == CONTENT
    assert find_lifter("net")


def test_a_server_that_cannot_continue_starts_again(shelf: Shelf, cache: Path) -> None:
    cache.mkdir()
    (cache / f"{FILE}.part").write_bytes(b"something else entirely" * 9)
    shelf.ranges = False
    pull(offered(shelf))
    assert (cache / FILE).read_bytes() == CONTENT


@pytest.mark.parametrize("part", [CONTENT, CONTENT + b"more"])
def test_a_whole_or_overlong_part_ends_well(part: bytes, shelf: Shelf, cache: Path) -> None:
    cache.mkdir()
    (cache / f"{FILE}.part").write_bytes(part)
    pull(offered(shelf))
    assert (cache / FILE).read_bytes() == CONTENT


def test_a_wrong_hash_leaves_nothing(shelf: Shelf, cache: Path) -> None:
    with pytest.raises(WeightsError, match="hash starts with .* instead of 00000000"):
        pull(offered(shelf, "00000000"))
    assert names(cache) == []


def test_a_damaged_download_without_a_known_hash_leaves_nothing(shelf: Shelf, cache: Path) -> None:
    shelf.files[f"/{FILE}"] = CONTENT[:-9]
    with pytest.raises(WeightsError, match="cut short"):
        pull(offered(shelf, ""))
    assert names(cache) == []


@pytest.mark.parametrize("writer", ["zip", "legacy"])
def test_a_hostile_download_is_refused(writer: str, shelf: Shelf, cache: Path, tmp_path: Path) -> None:
    WRITERS[writer](attacks(tmp_path / "run")["os.system"], tmp_path / "a.bin")
    shelf.files[f"/{FILE}"] = (tmp_path / "a.bin").read_bytes()
    with pytest.raises(WeightsError, match="nothing of it was run"):
        pull(offered(shelf, ""))
    assert names(cache) == []
    assert not (tmp_path / "run").exists()


def test_a_missing_file_names_the_place_for_it(shelf: Shelf, cache: Path) -> None:
    shelf.files.clear()
    with pytest.raises(WeightsError, match="404") as caught:
        pull(offered(shelf))
    assert f"{shelf.url}/{FILE}" in str(caught.value)
    assert str(cache / FILE) in str(caught.value)
    assert names(cache) == []


def test_a_web_page_is_no_download(shelf: Shelf, cache: Path) -> None:
    shelf.page = b"<html>please log in</html>"
    with pytest.raises(WeightsError, match="web page"):
        pull(offered(shelf, ""))
    assert names(cache) == []


def test_no_network_is_one_line_with_the_address_and_the_place(cache: Path) -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/{FILE}"
        lifter = replace(published()["d-pt-243"], url=url)
        with pytest.raises(WeightsError, match="cannot be downloaded") as caught:
            pull(lifter)
    assert url in str(caught.value)
    assert str(cache / FILE) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert names(cache) == []


def test_a_file_put_there_by_hand_needs_no_network(cache: Path) -> None:
    cache.mkdir()
    shutil.copy(FOLDER / "ckpt_semi_legacy.bin", cache / FILE)
    lifter = replace(published()["pretrained_h36m_cpn"], name="net", url=f"http://127.0.0.1:1/{FILE}")
    assert pull(lifter).imported
    assert find_lifter("net")


@pytest.mark.parametrize("content", [b"", b"<html>"])
def test_a_wrong_file_put_there_by_hand_stays(content: bytes, cache: Path) -> None:
    cache.mkdir()
    (cache / FILE).write_bytes(content)
    for digest in ("", "00000000"):
        lifter = replace(published()["d-pt-243"], url=f"http://127.0.0.1:1/{FILE}", sha256=digest)
        with pytest.raises(WeightsError):
            pull(lifter)
        assert names(cache) == [FILE]


def test_a_named_output_is_written_and_not_overwritten(shelf: Shelf, cache: Path, tmp_path: Path) -> None:
    output = tmp_path / "mine.safetensors"
    assert pull(offered(shelf), output).path == output
    assert names(cache) == [FILE]
    assert names(tmp_path) == ["cache", "mine.safetensors"]
    with pytest.raises(OutputError, match="--overwrite"):
        pull(offered(shelf), output)
    pull(offered(shelf), output, again=True)


def test_a_cache_that_cannot_be_written_is_one_line(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("VIDEOPOSE3D_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="VIDEOPOSE3D_CACHE"):
        pull(offered(shelf))

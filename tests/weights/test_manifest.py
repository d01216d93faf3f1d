"""The list of published lifters, the places of weights, and their check."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from videopose3d.errors import WeightsError
from videopose3d.lifter.weights import build_model, save_lifter
from videopose3d.skeleton import SKELETONS
from videopose3d.weights.counts import Architecture, parameters
from videopose3d.weights.header import LifterHeader
from videopose3d.weights.info import describe, listed
from videopose3d.weights.manifest import bundled_hashes, find_published, published, recognise
from videopose3d.weights.store import (
    bundled_lifters,
    cache_folder,
    check_lifter,
    file_hash,
    find_lifter,
    hash_file,
    read_header,
)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("VIDEOPOSE3D_CACHE", str(folder))
    return folder


def lifter_file(path: Path, **fields: object) -> Path:
    header = LifterHeader(path.stem, (3, 3), 8, 2, **fields)  # type: ignore[arg-type]
    extra = build_model(header, trajectory=True) if header.trajectory else None
    save_lifter(build_model(header), header, path, trajectory=extra)
    return path


# --- the manifest


def test_every_published_lifter_is_told_in_full() -> None:
    assert len(published()) == 6 + 7
    for name, lifter in published().items():
        assert lifter.name == name
        assert lifter.url.startswith(
            ("https://dl.fbaipublicfiles.com/video-pose-3d/", "https://download.openmmlab.com/")
        )
        assert lifter.file.endswith((".bin", ".pth"))
        assert lifter.licence
        assert lifter.keypoints
        assert {lifter.skeleton_in, lifter.skeleton_out} <= SKELETONS.keys()
        assert all(width % 2 for width in lifter.filter_widths)
        assert (lifter.mpjpe is None) or lifter.protocol
        assert set(lifter.sha256) <= set("0123456789abcdef")
    assert len({lifter.url for lifter in published().values()}) == len(published())


def test_hashes_are_those_in_the_names_of_the_files() -> None:
    for lifter in published().values():
        if lifter.file.endswith(".pth"):
            assert f"-{lifter.sha256}_" in lifter.file
            assert len(lifter.sha256) == 8
        else:
            assert not lifter.sha256


def test_the_main_model_of_the_paper() -> None:
    lifter = find_published("pretrained_h36m_cpn")
    assert (lifter.mpjpe, lifter.p_mpjpe, lifter.causal) == (46.8, 36.5, False)
    assert parameters(Architecture(lifter.filter_widths, 1024, 34, 17)) == 16_952_371
    assert lifter.size is not None
    assert 4 * 16_952_371 < lifter.size < 4.01 * 16_952_371  # as large as its numbers


def test_a_published_lifter_is_found_by_name_and_by_file() -> None:
    assert find_published("cpn-ft-243-dbb-causal.bin").causal
    with pytest.raises(WeightsError, match="weights list"):
        find_published("nothing")


def test_a_file_is_recognised_by_its_hash_or_else_by_its_name() -> None:
    name = "videopose_h36m_27frames_fullconv_supervised"
    lifter = published()[name]
    assert recognise("renamed.pth", lifter.sha256 + "0" * 56) == lifter
    assert recognise(lifter.file, "0" * 64) is None
    assert recognise("d-pt-243.bin", "0" * 64) == published()["d-pt-243"]
    assert recognise("mine.bin", "0" * 64) is None


# --- places


def test_the_cache_is_where_this_system_keeps_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache_folder({}) == tmp_path / ".cache" / "videopose3d"
    assert cache_folder({"XDG_CACHE_HOME": "/x"}) == Path("/x/videopose3d")
    assert cache_folder({"XDG_CACHE_HOME": "/x", "VIDEOPOSE3D_CACHE": "/y"}) == Path("/y")
    monkeypatch.setattr(sys, "platform", "win32")
    assert cache_folder({"LOCALAPPDATA": "/l"}) == Path("/l/videopose3d/cache")
    assert cache_folder({}) == tmp_path / "AppData" / "Local" / "videopose3d" / "cache"


def test_a_lifter_is_found_bundled_then_cached_then_by_path(cache: Path, tmp_path: Path) -> None:
    mine = lifter_file(cache / "mine.safetensors")
    lifter_file(cache / "open.safetensors")
    assert find_lifter("open") == bundled_lifters()["open"]
    assert find_lifter("mine") == mine
    elsewhere = lifter_file(tmp_path / "other.safetensors")
    assert find_lifter(str(elsewhere)) == elsewhere
    with pytest.raises(WeightsError, match="one of: mine, open"):
        find_lifter("nothing")
    with pytest.raises(WeightsError, match="weights pull d-pt-243"):
        find_lifter("d-pt-243")


def test_the_list_has_everything_once(cache: Path) -> None:
    lifter_file(cache / "d-pt-243.safetensors")
    (cache / "broken.safetensors").write_bytes(b"x")
    found = {one.name: one for one in listed()}
    assert len(found) == len(listed()) == len(bundled_lifters()) + 1 + len(published())
    assert (found["open"].status, found["d-pt-243"].status, found["cpn-pt-243"].status) == (
        "bundled",
        "pulled",
        "to pull",
    )
    assert found["broken"].error
    assert found["cpn-pt-243"].path is None


def test_published_lifters_are_described_before_they_are_here(cache: Path) -> None:
    values = describe("pretrained_h36m_cpn")
    assert (values["status"], values["parameters"]) == ("to pull", 16_952_371)
    lifter_file(cache / "pretrained_h36m_cpn.safetensors")
    assert describe("pretrained_h36m_cpn")["receptive_field"] == 9


# --- the check


def test_bundled_lifters_are_whole_and_as_noted() -> None:
    assert bundled_hashes().keys() == bundled_lifters().keys()
    for name, path in bundled_lifters().items():
        assert check_lifter(path) == bundled_hashes()[name]


@pytest.mark.parametrize("trajectory", [False, True])
def test_a_sound_file_passes_and_its_noted_hash_counts(trajectory: bool, tmp_path: Path) -> None:
    path = lifter_file(tmp_path / "a.safetensors", trajectory=trajectory)
    assert check_lifter(path) == file_hash(path)
    hash_file(path).write_text(f"{file_hash(path)}  a.safetensors\n")
    check_lifter(path)
    hash_file(path).write_text(f"{'0' * 64}  a.safetensors\n")
    with pytest.raises(WeightsError, match="hash"):
        check_lifter(path)


def rewritten(path: Path, **changes: np.ndarray | None) -> None:
    with safe_open(path, framework="numpy") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    save_file({key: value for key, value in (tensors | changes).items() if value is not None}, path, metadata)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"shrink.bias": None}, "missing"),
        ({"shrink.bias": np.zeros(3, np.float32)}, "shape"),
        ({"shrink.bias": np.full(51, np.nan, np.float32)}, "no numbers"),
        ({"trajectory.shrink.bias": np.zeros(3, np.float32)}, "missing"),
        ({"attention": np.zeros(3, np.float32)}, "another network"),
    ],
)
def test_a_damaged_file_is_found(changes: dict[str, np.ndarray | None], says: str, tmp_path: Path) -> None:
    path = lifter_file(tmp_path / "a.safetensors")
    rewritten(path, **changes)
    with pytest.raises(WeightsError, match=says):
        check_lifter(path)


def test_a_cut_or_foreign_file_says_how_to_import(tmp_path: Path) -> None:
    path = lifter_file(tmp_path / "a.safetensors")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WeightsError, match="not a readable safetensors file"):
        check_lifter(path)
    (tmp_path / "a.bin").write_bytes(b"\x80\x02")
    with pytest.raises(WeightsError, match="weights import"):
        read_header(tmp_path / "a.bin")

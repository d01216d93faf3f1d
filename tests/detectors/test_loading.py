"""Keypoint networks from files: the published layouts, whole or refused with the reason."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from golden_nets import fill_rule_d

from videopose3d.detectors import loading
from videopose3d.detectors.loading import KeypointNetwork, load_keypoint_network, save_keypoint_network
from videopose3d.detectors.networks.cpm import CPM
from videopose3d.detectors.networks.cpn import CPN
from videopose3d.detectors.networks.hourglass import Hourglass
from videopose3d.detectors.published import JHMDB15, PUBLISHED, RECIPES
from videopose3d.errors import SkeletonMismatchError, WeightsError
from videopose3d.skeleton import COCO17, H36M17, MPII16
from videopose3d.weights.store import CACHE_VARIABLE


@pytest.fixture(scope="module")
def small_cpn() -> CPN:
    """A CPN with one block per stage."""
    network = fill_rule_d(CPN((1, 1, 1, 1)))
    assert isinstance(network, CPN)
    return network


def saved(path: Path, state: dict[str, torch.Tensor], prefix: str = "", **more: Any) -> Path:
    half = {prefix + k: t.half() if t.is_floating_point() and t.ndim > 1 else t for k, t in state.items()}
    torch.save({"state_dict": half, **more}, path)
    return path


def equal(network: KeypointNetwork, state: dict[str, torch.Tensor]) -> bool:
    mine = network.model.state_dict()
    same = [torch.allclose(mine[k].float(), t.float(), atol=1e-3) for k, t in state.items()]
    return mine.keys() == state.keys() and all(same)


def test_a_cpn_as_its_program_saves_it(small_cpn: CPN, tmp_path: Path) -> None:
    optimizer = torch.optim.Adam([small_cpn.refine_net.final_predict[1].weight])
    path = saved(
        tmp_path / "CPN_256x192.pth.tar", small_cpn.state_dict(), "module.", epoch=32, optimizer=optimizer.state_dict()
    )
    network = load_keypoint_network(path)
    assert equal(network, small_cpn.state_dict())
    assert network.recipe is RECIPES["cpn"]
    assert (network.input_size, network.skeleton, network.name) == ((256, 192), COCO17, "CPN_256x192")
    assert not network.model.training
    with torch.inference_mode():
        assert network.model.maps(torch.zeros(1, 3, 64, 64)).shape == (1, 17, 16, 16)


def test_old_containers_without_counters_are_read(small_cpn: CPN, tmp_path: Path) -> None:
    state = {k: t for k, t in small_cpn.state_dict().items() if not k.endswith("num_batches_tracked")}
    torch.save({"state_dict": state}, tmp_path / "cpn.pth", _use_new_zipfile_serialization=False)
    network = load_keypoint_network(tmp_path / "cpn.pth", input_size=(384, 288))
    assert network.input_size == (384, 288)
    assert network.model.resnet.bn1.num_batches_tracked == 0
    assert equal(network, small_cpn.state_dict())


def test_a_cpm_as_mmpose_saves_it(tmp_path: Path) -> None:
    model = fill_rule_d(CPM(16))
    path = saved(tmp_path / "cpm.pth", model.state_dict(), "backbone.", meta={"epoch": 210})
    network = load_keypoint_network(path)
    assert equal(network, model.state_dict())
    assert (network.recipe.family, network.input_size, network.skeleton) == ("cpm", (368, 368), MPII16)


def test_an_hourglass_as_its_program_saves_it(tmp_path: Path) -> None:
    model = fill_rule_d(Hourglass(1))
    network = load_keypoint_network(saved(tmp_path / "hg.pth.tar", model.state_dict(), "module.", best_acc=0.88))
    assert equal(network, model.state_dict())
    assert (network.recipe.family, network.input_size, network.skeleton) == ("hourglass", (256, 256), MPII16)


def test_what_we_save_says_its_joints_and_size(small_cpn: CPN, tmp_path: Path) -> None:
    network = KeypointNetwork(small_cpn, RECIPES["cpn"], (128, 96), H36M17, "tuned")
    path = tmp_path / "tuned.safetensors"
    save_keypoint_network(network, path)
    again = load_keypoint_network(path)
    assert (again.input_size, again.skeleton, again.name) == ((128, 96), H36M17, "tuned")
    assert equal(again, small_cpn.state_dict())
    assert [file.name for file in tmp_path.iterdir()] == ["tuned.safetensors"]
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(WeightsError, match="not a readable safetensors file"):
        load_keypoint_network(path)


# --- refused


@pytest.mark.parametrize("level", [0, 2])
def test_a_cpn_with_the_wrong_mean_is_recognised(level: int, tmp_path: Path) -> None:
    state = {
        "refine_net.final_predict.1.weight": torch.zeros(17, 256, 3, 3),
        f"global_net.upsamples.{level}.1.bias": torch.zeros(256),
    }
    with pytest.raises(WeightsError, match=r"before September 2018.*mean.*drive\.google\.com"):
        load_keypoint_network(saved(tmp_path / "old_256x192.pth.tar", state, "module."))


def test_a_cpn_with_reversed_bottlenecks_is_recognised(tmp_path: Path) -> None:
    state = {
        "refine_net.final_predict.1.weight": torch.zeros(17, 256, 3, 3),
        "refine_net.cascade.3.0.conv1.weight": torch.zeros(128, 256, 1, 1),
    }
    with pytest.raises(WeightsError, match="before July 2018.*reversed"):
        load_keypoint_network(saved(tmp_path / "old_256x192.pth.tar", state, "module."))


@pytest.fixture(scope="module")
def small_state() -> dict[str, torch.Tensor]:
    return Hourglass(1).state_dict()


def test_a_network_is_whole_or_refused(small_state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    def load(change: dict[str, torch.Tensor | None]) -> None:
        state = {k: t for k, t in {**small_state, **change}.items() if t is not None}
        load_keypoint_network(saved(tmp_path / "hg.pth", state))

    load({})
    with pytest.raises(WeightsError, match=r"hg\.pth: not a whole Hourglass: fc\.0\.1\.bias is missing"):
        load({"fc.0.1.bias": None})
    with pytest.raises(WeightsError, match="extra.weight is too much"):
        load({"extra.weight": torch.zeros(1)})
    with pytest.raises(WeightsError, match=r"fc\.0\.1\.bias is \(3,\) instead of \(256,\)"):
        load({"fc.0.1.bias": torch.zeros(3)})
    with pytest.raises(WeightsError, match=r"fc\.0\.1\.bias holds values that are no numbers"):
        load({"fc.0.1.bias": torch.full((256,), torch.nan)})


def test_other_files_are_refused(small_state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    for content, reason in [
        ({"state_dict": {"layer.weight": torch.zeros(2)}}, "neither CPN, CPM nor hourglass.*layer.weight"),
        ({"state_dict": {}}, "no keypoint network"),
        ([1, 2], "no keypoint network"),
        ({"state_dict": {"layer.weight": "text"}}, "'layer.weight' is no tensor"),
    ]:
        torch.save(content, tmp_path / "other.pth")
        with pytest.raises(WeightsError, match=reason):
            load_keypoint_network(tmp_path / "other.pth")
    (tmp_path / "page.pth").write_text("<html></html>")
    with pytest.raises(WeightsError, match="web page"):
        load_keypoint_network(tmp_path / "page.pth")
    with pytest.raises(WeightsError, match="no such keypoint network.*cpn50_384x288"):
        load_keypoint_network(tmp_path / "nothing.pth")


class Hostile:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("new", [True, False])
def test_nothing_in_a_file_is_run(new: bool, tmp_path: Path) -> None:
    marker = tmp_path / "was_here"
    torch.save({"state_dict": {}, "x": Hostile(marker)}, tmp_path / "bad.pth", _use_new_zipfile_serialization=new)
    (tmp_path / "bare.pkl").write_bytes(pickle.dumps(Hostile(marker)))
    for name in ("bad.pth", "bare.pkl"):
        with pytest.raises(WeightsError, match="mkdir|not a PyTorch checkpoint"):
            load_keypoint_network(tmp_path / name)
    assert not marker.exists()


def test_the_input_size_has_to_be_known_and_possible(small_cpn: CPN, tmp_path: Path) -> None:
    path = saved(tmp_path / "cpn.pth", small_cpn.state_dict())
    with pytest.raises(WeightsError, match=r"size of the network's input.*input_size"):
        load_keypoint_network(path)
    with pytest.raises(WeightsError, match=r"cpn\.pth: an input of 250x192 px.*multiples of 32"):
        load_keypoint_network(path, input_size=(250, 192))


def test_joints_have_to_fit(small_state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = saved(tmp_path / "hg.pth", small_state)
    with pytest.raises(SkeletonMismatchError, match=r"hg\.pth: 17 joints, but the network has 16"):
        load_keypoint_network(path, skeleton=COCO17)
    five = Hourglass(1, 5).state_dict()
    with pytest.raises(SkeletonMismatchError, match="unknown joints, 5 of them"):
        load_keypoint_network(saved(tmp_path / "five.pth", five))


# --- published ones


def test_a_published_network_is_found_in_the_cache_by_name(
    small_state: dict[str, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    with pytest.raises(WeightsError, match=r"CPN50_256x192\.pth\.tar: no such.*Download https://drive"):
        load_keypoint_network("cpn50_256x192")
    saved(tmp_path / "CPN50_256x192.pth.tar", small_state)  # another network, but found
    network = load_keypoint_network("cpn50_256x192", skeleton=MPII16)
    assert (network.name, network.input_size) == ("cpn50_256x192", (256, 192))


def test_a_wrong_hash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / PUBLISHED["cpm_coco_256x192"].file
    path.write_bytes(b"something else")
    with pytest.raises(WeightsError, match=r"hash starts with [0-9a-f]{8} instead of aa4ba095"):
        load_keypoint_network(path)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    with pytest.raises(WeightsError, match="instead of aa4ba095"):
        load_keypoint_network("cpm_coco_256x192")


def test_the_table_of_published_networks() -> None:
    digests = {name: network.sha256 for name, network in PUBLISHED.items() if network.family == "cpm"}
    assert digests == {
        "cpm_coco_256x192": "aa4ba095",
        "cpm_coco_384x288": "80feb4bc",
        "cpm_coco_256x192_v1": "0e978875",
        "cpm_coco_384x288_v1": "165487b8",
        "cpm_mpii_368x368": "116e62b8",
        "cpm_jhmdb_sub1_368x368": "2d2585c9",
        "cpm_jhmdb_sub2_368x368": "fc742f1f",
        "cpm_jhmdb_sub3_368x368": "49337155",
    }
    for name, network in PUBLISHED.items():
        assert network.name == name
        assert network.family in RECIPES
        assert network.url.startswith("https://")
        assert f"{network.input_size[0]}x{network.input_size[1]}" in name
    assert len(JHMDB15) == 15
    assert JHMDB15.mirror == (0, 1, 2, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13)
    assert np.isfinite([r.height for r in RECIPES.values()]).all()
    assert loading._USUAL[17] is COCO17

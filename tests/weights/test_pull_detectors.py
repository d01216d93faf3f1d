"""Downloading what detectors need, from a server in this process."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from hashlib import md5, sha256
from pathlib import Path

import pytest
from click.testing import CliRunner
from file_server import Shelf, serving

from videopose3d.cli import main
from videopose3d.detectors import published as networks
from videopose3d.detectors import pulling
from videopose3d.detectors.models import MODELS, Model, find_model, weights_file
from videopose3d.detectors.pulling import find_offers, pull_offer
from videopose3d.errors import WeightsError
from videopose3d.weights import pull as downloading

CONTENT = bytes(range(256)) * 300


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIDEOPOSE3D_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(downloading, "_TIMEOUT", 5.0)
    monkeypatch.setattr(downloading, "_BLOCK", 10_000)
    return tmp_path / "cache"


@pytest.fixture
def shelf(cache: Path) -> Iterator[Shelf]:
    with serving() as made:
        yield made


def offered(shelf: Shelf, library: str, name: str, content: bytes, finds: str = "") -> Model:
    """A published model, whose file of this content is on the shelf."""
    model = find_model(library, name, finds)
    assert model
    path = f"/{model.url.rpartition('/')[2]}"
    shelf.files[path] = content
    kind = model.check.partition(":")[0]
    digest = {"sha256": sha256, "md5": md5}[kind](content).hexdigest()[:6] if kind else ""
    return replace(model, url=f"{shelf.url}{path}", check=f"{kind}:{digest}" if kind else "")


def archive(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as files:
        for name in names:
            files.writestr(name, CONTENT)
    return made.getvalue()


NETWORKS = [
    ("torchvision", "keypointrcnn_resnet50_fpn"),
    ("detectron2", "COCO-Keypoints/keypoint_rcnn_R_101_FPN_3x"),
]


@pytest.mark.parametrize(("library", "name"), NETWORKS)
def test_a_download_is_found_by_its_name(library: str, name: str, shelf: Shelf, cache: Path) -> None:
    model = offered(shelf, library, name, CONTENT)
    path = pull_offer(model)
    assert path == weights_file(model) == cache / model.file
    assert path.read_bytes() == CONTENT
    pull_offer(model)
    assert len(shelf.asked) == 1  # it is here


@pytest.mark.parametrize(("library", "name"), NETWORKS)
def test_a_wrong_hash_is_refused_and_nothing_stays(library: str, name: str, shelf: Shelf, cache: Path) -> None:
    model = replace(offered(shelf, library, name, CONTENT), url=f"{shelf.url}/other/model.pth")
    shelf.files["/other/model.pth"] = CONTENT[::-1]
    with pytest.raises(WeightsError, match="another file"):
        pull_offer(model)
    assert list(cache.iterdir()) == []


def test_a_download_that_broke_goes_on(shelf: Shelf) -> None:
    model = offered(shelf, *NETWORKS[0], CONTENT)
    shelf.breaks_after = 30_000
    with pytest.raises(WeightsError, match="Try again"):
        pull_offer(model)
    assert pull_offer(model).read_bytes() == CONTENT
    assert shelf.asked[1][1] == "bytes=30000-"


def test_the_model_is_taken_out_of_its_archive(shelf: Shelf, cache: Path) -> None:
    packed = archive("a/deploy.json", "a/b/end2end.onnx")
    path = pull_offer(offered(shelf, "rtmpose", "balanced", packed, "keypoints"))
    assert path.name == "rtmpose-m_simcc-body7_pt-body7_420e-256x192-e48f03d0_20230504.onnx"
    assert path.read_bytes() == CONTENT
    assert [p.name for p in cache.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "content", [archive("readme.txt"), archive("a/end2end.onnx", "b/end2end.onnx"), CONTENT], ids=["0", "2", "no zip"]
)
def test_an_archive_without_one_model_is_refused(content: bytes, shelf: Shelf, cache: Path) -> None:
    with pytest.raises(WeightsError, match="no end2end.onnx"):
        pull_offer(offered(shelf, "rtmpose", "balanced", content, "boxes"))
    assert list(cache.iterdir()) == []


def test_names_lead_to_the_files_they_need() -> None:
    assert [getattr(model, "finds", "") for model in find_offers("rtmpose:balanced")] == ["boxes", "keypoints"]
    for name in ("keypointrcnn_resnet50_fpn", "torchvision:keypointrcnn_resnet50_fpn"):
        assert find_offers(name) == [MODELS[0]]
    assert find_offers("cpn") == find_offers("CPN50_384x288") == [networks.PUBLISHED["cpn50_384x288"]]
    assert find_offers("squid") == []


def test_weights_pull_takes_the_names_of_detectors(shelf: Shelf, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = archive("end2end.onnx")
    both = [offered(shelf, "rtmpose", "lightweight", packed, kind) for kind in ("boxes", "keypoints")]
    monkeypatch.setattr(pulling, "MODELS", both)
    done = CliRunner().invoke(main, ["weights", "pull", "rtmpose:lightweight", "-q"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert done.stdout.split() == [str(cache / model.file) for model in both]
    done = CliRunner().invoke(main, ["weights", "pull", "rtmpose:lightweight", "-o", "a.safetensors"])
    assert done.exit_code == 2
    assert "no lifter" in done.stderr

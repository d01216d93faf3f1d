"""Published models of other libraries: the table, and finding and checking their files."""

from __future__ import annotations

import re
from dataclasses import replace
from hashlib import md5, sha256

import pytest

from videopose3d.detectors.models import (
    BOTH,
    BOXES,
    KEYPOINTS,
    MODELS,
    find_model,
    installed,
    is_published,
    weights_file,
)
from videopose3d.detectors.names import SHORT
from videopose3d.errors import WeightsError

MODEL = MODELS[0]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDEOPOSE3D_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "torch" / "hub" / "checkpoints").mkdir(parents=True)
    return tmp_path / "cache"


def offer(content, kind="sha256"):
    digest = {"sha256": sha256, "md5": md5}[kind](content).hexdigest()[:8]
    return replace(MODEL, check=f"{kind}:{digest}")


def test_the_table_is_whole():
    assert len({(m.library, m.name, m.finds) for m in MODELS}) == len(MODELS)
    assert len({m.file for m in MODELS}) == len(MODELS)
    for model in MODELS:
        assert model.url.startswith(
            (
                "https://download.pytorch.org/",
                "https://dl.fbaipublicfiles.com/",
                "https://download.openmmlab.com/",
                "https://storage.googleapis.com/mediapipe-models/",
            )
        )
        assert model.finds in (BOXES, KEYPOINTS, BOTH)
        if model.library == "mediapipe":  # nobody publishes a figure or a hash
            assert (model.finds, model.keypoint_ap, model.check) == (BOTH, None, "")
            continue
        assert (model.keypoint_ap is not None) == (model.finds == BOTH)
        if model.library != "rtmpose":
            assert re.fullmatch(r"(sha256:[0-9a-f]{8}|md5:[0-9a-f]{6})", model.check)
            assert model.check.partition(":")[2] in model.file
    for models in SHORT.values():
        assert all(find_model(library, name) for library, name in models.items())


@pytest.mark.parametrize(
    ("name", "box_ap", "keypoint_ap", "file"),
    [
        ("torchvision:keypointrcnn_resnet50_fpn", 54.6, 65.0, "keypointrcnn_resnet50_fpn_coco-fc266e95.pth"),
        ("detectron2:COCO-Keypoints/keypoint_rcnn_R_101_FPN_3x", 56.4, 66.1, "model_final_997cc7.pkl"),
        ("detectron2:COCO-InstanceSegmentation/mask_rcnn_R_101_FPN_3x", 42.9, None, "model_final_a3ec72.pkl"),
    ],
)
def test_figures_and_files_are_the_published_ones(name, box_ap, keypoint_ap, file):
    model = find_model(*name.split(":"))
    assert (model.label, model.box_ap, model.keypoint_ap, model.file) == (name, box_ap, keypoint_ap, file)


def test_what_is_not_there_is_not_there():
    assert find_model("torchvision", "squid") is None
    assert find_model("rtmpose", "balanced", BOTH) is None
    assert installed(MODEL) is None
    with pytest.raises(WeightsError, match=f"videopose3d weights pull {MODEL.label}"):
        weights_file(MODEL)


def test_the_cache_of_the_library_will_do_and_ours_comes_first(cache):
    model = offer(b"weights")
    theirs = cache.parent / "torch" / "hub" / "checkpoints" / model.file
    theirs.write_bytes(b"weights")
    assert weights_file(model) == theirs
    (cache / model.file).write_bytes(b"weights")
    assert weights_file(model) == cache / model.file


@pytest.mark.parametrize("kind", ["sha256", "md5"])
def test_a_wrong_hash_is_refused(kind, cache):
    model = offer(b"weights", kind)
    (cache / model.file).write_bytes(b"weights")
    assert weights_file(model) == cache / model.file
    (cache / model.file).write_bytes(b"others")
    with pytest.raises(WeightsError, match="its hash does not start with"):
        weights_file(model)


def test_without_a_published_hash_any_file_is_taken(cache):
    (cache / "a").write_bytes(b"")
    assert is_published(replace(MODEL, check=""), cache / "a")
    with pytest.raises(WeightsError, match="cannot be read"):
        is_published(MODEL, cache / "none")

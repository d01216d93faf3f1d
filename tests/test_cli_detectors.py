"""The ``detectors`` command."""

from __future__ import annotations

import json
import sys

import pytest
from click.testing import CliRunner

from videopose3d.cli import main
from videopose3d.detectors.models import MODELS, find_model
from videopose3d.detectors.published import PUBLISHED


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """Nothing is pulled, and of the libraries only torchvision is here."""
    from types import ModuleType

    monkeypatch.setenv("VIDEOPOSE3D_CACHE", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    for library in ("detectron2", "rtmlib", "mediapipe"):
        monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    return tmp_path


def run(*args):
    done = CliRunner().invoke(main, ["detectors", *args], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_json_has_every_detector_with_what_it_needs(machine):
    (machine / PUBLISHED["cpn50_256x192"].file).write_bytes(b"weights")
    model = find_model("torchvision", "keypointrcnn_resnet50_fpn")
    (machine / model.file).write_bytes(b"weights")
    found = {one["name"]: one for one in json.loads(run("--json"))}
    assert len(found) == 1 + len({model.label for model in MODELS}) + len(PUBLISHED)
    assert set(found["mediapipe"]) == {"group", "name", "finds", "usable", "needs", "file", "licence", "accuracy"}
    assert {name for name, one in found.items() if one["usable"]} == {model.label, "cpn50_256x192"}
    assert found[model.label]["file"] == str(machine / model.file)
    assert found[model.label]["accuracy"] == "AP 54.6, boxes of people; AP 65.0, keypoints"
    assert "pip install 'videopose3d[mediapipe]'" in found["mediapipe"]["needs"]
    mask = found["torchvision:maskrcnn_resnet50_fpn_v2"]
    assert (mask["needs"], mask["finds"]) == (f"Run: videopose3d weights pull {mask['name']}", "boxes")
    config = found["detectron2:COCO-InstanceSegmentation/mask_rcnn_R_101_FPN_3x"]
    assert "--no-build-isolation" in config["needs"]
    assert config["licence"] == "Apache-2.0; weights CC BY-SA 3.0"
    assert found["cpn101_384x288"]["needs"] == "Run: videopose3d weights pull cpn101_384x288"
    for one in found.values():
        assert one["usable"] == (not one["needs"])
        assert one["licence"]
        assert one["accuracy"]


def test_both_files_of_a_mode_are_needed(machine, monkeypatch):
    from types import ModuleType

    monkeypatch.setitem(sys.modules, "rtmlib", ModuleType("rtmlib"))
    monkeypatch.setitem(sys.modules, "onnxruntime", ModuleType("onnxruntime"))
    files = [machine / find_model("rtmpose", "balanced", finds).file for finds in ("boxes", "keypoints")]
    for file, usable in zip(files, (False, True), strict=True):
        file.write_bytes(b"model")
        found = {one["name"]: one for one in json.loads(run("--json"))}
        assert found["rtmpose:balanced"]["usable"] is usable
    assert found["rtmpose:balanced"]["file"] == ", ".join(map(str, files))


def test_people_read_it_library_by_library():
    text = run()
    lines = text.splitlines()
    assert lines[0] == "mediapipe  (Apache-2.0)"
    assert "detectron2  (Apache-2.0; weights CC BY-SA 3.0)" in lines
    assert text.count("--no-build-isolation") == 1  # for the whole library, once
    (line,) = [line for line in lines if "torchvision:keypointrcnn_resnet50_fpn" in line]
    assert line.split()[1:3] == ["to", "pull"]
    assert "  detectron2:COCO-Keypoints/keypoint_rcnn_R_101_FPN_3x         -" in text
    assert "AP 72.2" in text

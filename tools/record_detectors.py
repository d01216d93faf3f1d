"""Record what torchvision and Detectron2 find, for tests that run without them: tests/golden/detectors/*.npz.

Run where both are installed (CONTRIBUTING.md): python tools/record_detectors.py
The weights are random ones with which something is found; what the arrays mean does not depend on them.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "tests" / "golden" / "detectors"
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "detectors")]


def torchvision_keypoints() -> dict[str, Any]:
    """One person of each of two pictures, as Keypoint R-CNN gives them."""
    import test_real_libraries as real
    from torchvision.models.detection import keypointrcnn_resnet50_fpn

    net = keypointrcnn_resnet50_fpn(weights=None, weights_backbone=None, box_score_thresh=real.SCORE).eval()
    net.load_state_dict(real.lively(net, 2.0, 1))
    logits: list[torch.Tensor] = []
    net.roi_heads.keypoint_predictor.register_forward_hook(lambda _net, _given, out: logits.append(out))
    record: dict[str, Any] = {}
    for i, picture in enumerate(real.frames()):
        with torch.inference_mode():
            (found,) = net([torch.from_numpy(picture).permute(2, 0, 1) / 255])
        for key in ("boxes", "labels", "scores", "keypoints"):
            record[f"{key}{i}"] = found[key][:1].numpy()
        record[f"logits{i}"] = logits[i][:1].half().numpy()
    return record


def torchvision_boxes() -> dict[str, Any]:
    """Everything Mask R-CNN finds in two pictures: boxes only."""
    import test_real_libraries as real
    from torchvision.models.detection import maskrcnn_resnet50_fpn

    net = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, box_score_thresh=0.01).eval()
    net.load_state_dict(real.lively(net, 2.0, 1))
    record: dict[str, Any] = {}
    for i, picture in enumerate(real.frames()):
        with torch.inference_mode():
            (found,) = net([torch.from_numpy(picture).permute(2, 0, 1) / 255])
        for key in ("boxes", "labels", "scores"):
            record[f"{key}{i}"] = found[key].numpy()
    return record


def detectron2_keypoints() -> dict[str, Any]:
    """One person of each of two pictures, as Detectron2's own predictor gives them."""
    import detectron2
    import test_real_libraries as real
    from detectron2.config import get_cfg
    from detectron2.modeling import build_model

    config = "COCO-Keypoints/keypoint_rcnn_R_50_FPN_1x.yaml"
    cfg = get_cfg()
    cfg.merge_from_file(str(Path(detectron2.__file__).parent / "model_zoo" / "configs" / config))
    cfg.MODEL.DEVICE, cfg.MODEL.ROI_HEADS.SCORE_THRESH_TEST = "cpu", real.SCORE
    record: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.pth"
        real.save_model(real.lively(build_model(cfg), 2.0, 0), file)
        predictor = real.own_predictor(cfg, file)
    for i, picture in enumerate(real.frames()):
        found = predictor(picture[..., ::-1])["instances"][:1]
        record |= {
            f"boxes{i}": found.pred_boxes.tensor.numpy(),
            f"labels{i}": found.pred_classes.numpy(),
            f"scores{i}": found.scores.numpy(),
            f"keypoints{i}": found.pred_keypoints.numpy(),
            f"logits{i}": found.pred_keypoint_heatmaps.half().numpy(),
        }
    return record


if __name__ == "__main__":
    TARGET.mkdir(exist_ok=True)
    for make in (torchvision_keypoints, torchvision_boxes, detectron2_keypoints):
        np.savez_compressed(TARGET / f"{make.__name__}.npz", **make())
        print(TARGET / f"{make.__name__}.npz")

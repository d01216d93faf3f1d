"""Video in, 3D human motion out. Importing this package loads neither torch nor matplotlib."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from videopose3d.config import DetectConfig, InferConfig, LiftConfig, MocapTrainConfig, RenderConfig, TrainConfig
    from videopose3d.datasets import load_dataset
    from videopose3d.errors import VideoPose3DError
    from videopose3d.export import export_result
    from videopose3d.lifter.lift import Lifter
    from videopose3d.pipeline.detect import detect
    from videopose3d.pipeline.evaluate import evaluate
    from videopose3d.pipeline.infer import infer
    from videopose3d.pipeline.infer import render as render_video
    from videopose3d.pipeline.lift import lift_keypoints as lift
    from videopose3d.pipeline.training.run import train
    from videopose3d.pipeline.training.setup import Split
    from videopose3d.result_file import load_result, save_result
    from videopose3d.types import Keypoints2D, Poses3D, Result, World

__version__ = "0.1.0"

_HOMES = {
    "DetectConfig": "config",
    "InferConfig": "config",
    "Keypoints2D": "types",
    "LiftConfig": "config",
    "Lifter": "lifter.lift",
    "MocapTrainConfig": "config",
    "Poses3D": "types",
    "RenderConfig": "config",
    "Result": "types",
    "Split": "pipeline.training.setup",
    "TrainConfig": "config",
    "VideoPose3DError": "errors",
    "World": "types",
    "detect": "pipeline.detect",
    "evaluate": "pipeline.evaluate",
    "export_result": "export",
    "infer": "pipeline.infer",
    "lift": "pipeline.lift:lift_keypoints",
    "load_dataset": "datasets",
    "load_result": "result_file",
    "render_video": "pipeline.infer:render",
    "save_result": "result_file",
    "train": "pipeline.training.run",
}

__all__ = [
    "DetectConfig",
    "InferConfig",
    "Keypoints2D",
    "LiftConfig",
    "Lifter",
    "MocapTrainConfig",
    "Poses3D",
    "RenderConfig",
    "Result",
    "Split",
    "TrainConfig",
    "VideoPose3DError",
    "World",
    "detect",
    "evaluate",
    "export_result",
    "infer",
    "lift",
    "load_dataset",
    "load_result",
    "render_video",
    "save_result",
    "train",
]


def __getattr__(name: str) -> Any:
    """Public names are imported when they are first used, so that ``import videopose3d`` stays quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'videopose3d' has no attribute {name!r}")
    module, _, function = _HOMES[name].partition(":")
    return getattr(import_module(f"videopose3d.{module}"), function or name)

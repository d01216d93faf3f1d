"""Defaults of the fine-tuning of keypoint networks; the others are in `config`."""

from __future__ import annotations

from dataclasses import dataclass

from videopose3d.config import check_limits
from videopose3d.errors import VideoPose3DError


@dataclass(frozen=True)
class FinetuneConfig:
    """How a keypoint network is fine-tuned; the defaults are the paper's for CPN on Human3.6M.

    Attributes:
        steps: Steps of each phase; the learning rate falls between phases.
        batch: People per step.
        learning_rate: Of the first phase.
        lr_decay: Factor on the learning rate from phase to phase.
        weight_decay: Of Adam.
        reset_heads: Start the last layers of both nets anew; needed for other joints, be they as many.
        augment: Learn from people scaled, mirrored, turned and with other colours.
        input_size: Height and width of the network's input [px]; by default those of the weights to start from.
        backbone: Of a network that starts from nothing: resnet50 or resnet101.
        precision: float32, or bfloat16 for mixed precision.
        seed: Of everything random.
        validate_every: Steps between measurements on the held-out people.
        validation_people: Held-out people to measure on, evenly chosen.
        save_every: Steps between checkpoints.
        workers: Pictures read side by side.
        licence: Of the weights, for their header.
    """

    steps: tuple[int, ...] = (6000, 4000, 2000)
    batch: int = 32
    learning_rate: float = 5e-5
    lr_decay: float = 0.1
    weight_decay: float = 1e-5
    reset_heads: bool = True
    augment: bool = True
    input_size: tuple[int, ...] = ()
    backbone: str = "resnet50"
    precision: str = "float32"
    seed: int = 1234
    validate_every: int = 1000
    validation_people: int = 2000
    save_every: int = 500
    workers: int = 4
    licence: str = ""

    def __post_init__(self) -> None:
        check_limits(self)
        if not self.steps or min(self.steps) < 0 or not sum(self.steps):
            raise VideoPose3DError(f"steps are {self.steps}", fix="Give the steps of each phase, e.g. 6000,4000,2000.")
        if len(self.input_size) not in (0, 2):
            raise VideoPose3DError(f"input-size is {self.input_size}", fix="Give height and width, e.g. 384,288.")


@dataclass(frozen=True)
class KeypointRcnnConfig:
    """How a Keypoint R-CNN is fine-tuned; steps, rates and new layers are the paper's for Human3.6M.

    Attributes:
        steps: Steps of each phase; the learning rate falls between phases.
        batch: Pictures per step.
        learning_rate: Of the first phase.
        lr_decay: Factor on the learning rate from phase to phase.
        warmup: Steps in which the learning rate grows to that of the first phase.
        weight_decay: Of the gradient descent.
        reset_heads: Start the last layers for keypoints anew; needed for other joints, be they as many.
        seed: Of everything random.
        save_every: Steps between checkpoints.
        workers: Processes that read pictures.
    """

    steps: tuple[int, ...] = (60_000, 10_000, 10_000)
    batch: int = 8
    learning_rate: float = 1e-3
    lr_decay: float = 0.1
    warmup: int = 500
    weight_decay: float = 1e-4
    reset_heads: bool = True
    seed: int = 1234
    save_every: int = 5000
    workers: int = 4

    def __post_init__(self) -> None:
        check_limits(self)
        if not self.steps or min(self.steps) < 1:
            fix = "Give the steps of each phase, e.g. 60000,10000,10000."
            raise VideoPose3DError(f"steps are {self.steps}", fix=fix)

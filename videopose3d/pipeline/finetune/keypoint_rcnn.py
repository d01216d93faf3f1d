"""A Keypoint R-CNN, fine-tuned by Detectron2's own trainer with the schedule of the paper (section 5.2).

The folder gets ``config.yaml``, whose first line names the joints, ``model_final.pth``, and while it runs the last
checkpoint. Weights and checkpoints are read without running anything in them before Detectron2 gets to see them.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from videopose3d.config_finetune import KeypointRcnnConfig
from videopose3d.datasets.coco import LabelledPeople
from videopose3d.detectors.detectron2 import (
    DEFAULT,
    configuration,
    import_library,
    joints_of_model,
    note_of,
)
from videopose3d.detectors.models import find_model, weights_file
from videopose3d.detectors.names import Name
from videopose3d.detectors.rcnn import read_state
from videopose3d.errors import InputError, SkeletonMismatchError, VideoPose3DError, WeightsError
from videopose3d.files import check_folder, check_overwrite, replacing
from videopose3d.lifter.weights import choose_device
from videopose3d.metrics_2d import sigmas
from videopose3d.pipeline.finetune.fit import Report
from videopose3d.pipeline.finetune.rcnn_pictures import PICTURES
from videopose3d.pipeline.finetune.rcnn_trainer import FIGURES, LOG, train
from videopose3d.skeleton import Skeleton
from videopose3d.weights.pickled import read_pickled

CONFIG, FINAL, LATEST = "config.yaml", "model_final.pth", "last_checkpoint"
CHECKPOINTS = "model_[0-9]*.pth"
PUBLISHED, RANDOM = "published", "random"
"""Weights to start from: those of the model zoo for the configuration, or none."""
_HEAD = "roi_heads.keypoint_head"
_MAY_DIFFER = ("DEVICE:", "OUTPUT_DIR:", "NUM_WORKERS:", "CHECKPOINT_PERIOD:")  # when a run is taken up again


def finetune_keypoint_rcnn(
    people: LabelledPeople,
    folder: Path,
    config: KeypointRcnnConfig | None = None,
    *,
    network: str = DEFAULT,
    initial: str = PUBLISHED,
    device: str = "auto",
    existing: Literal["refuse", "resume", "overwrite"] = "refuse",
    report: Report | None = None,
) -> Path:
    """Fine-tune a Keypoint R-CNN of Detectron2; ``--detector detectron2:CONFIG=WEIGHTS`` takes what comes out.

    Args:
        people: Whom to learn from.
        folder: Where everything goes.
        config: The settings.
        network: A configuration of the model zoo, or a file.
        initial: A file of weights of this configuration, `PUBLISHED` or `RANDOM`.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        existing: What to do about an earlier run in the folder; ``resume`` also begins a new one if there is none.
        report: Called after every step.

    Returns:
        The weights.

    Raises:
        MissingDependencyError: Detectron2 is not installed.
        InputError: The loss is not finite any more.
        VideoPose3DError: No such configuration, or Detectron2's trainer fails.
        WeightsError: No such weights to start from, or the checkpoint is damaged or of another run.
        SkeletonMismatchError: The last layers are to be kept and are those of other joints.
        OutputError: There is a run in the folder already, or the folder cannot be written in.
        Stopped: The user stopped it; the checkpoint is written.
    """
    config, folder, network = config or KeypointRcnnConfig(), Path(folder), network.removesuffix(".yaml")
    if existing != "resume":
        check_overwrite(folder / CONFIG, existing == "overwrite")
    cfg = _configured(import_library(), network, people.skeleton, config)
    cfg.merge_from_list(["MODEL.DEVICE", choose_device(device), "OUTPUT_DIR", str(folder)])
    text = note_of(people.skeleton, data=str(people.source), initial=initial) + "\n" + cfg.dump()
    start = last_step(folder, text) if existing == "resume" else None
    if start == cfg.SOLVER.MAX_ITER and (folder / FINAL).is_file():
        return folder / FINAL
    state = None if start else _initial_state(network, initial, people.skeleton, config.reset_heads)
    check_folder(folder)
    if not start:
        _clear(folder)
    with replacing(folder / CONFIG) as partial:
        partial.write_text(text, encoding="utf-8")
    fresh = new_layers(cfg) if config.reset_heads else ()
    train(cfg, people, state, fresh, start or 0, report or (lambda _: None))
    for path in folder.glob(CHECKPOINTS):
        path.unlink()
    return folder / FINAL


# --- settings


def settings(skeleton: Skeleton, config: KeypointRcnnConfig) -> dict[str, Any]:
    """What differs from the configuration that is started from, by Detectron2's keys."""
    *ends, steps = accumulate(config.steps)
    try:
        constants = sigmas(skeleton).tolist()
    except InputError:  # joints of one's own: who measures with Detectron2 has to give them
        constants = []
    return {
        "MODEL.WEIGHTS": "",
        "MODEL.MASK_ON": False,
        "MODEL.ROI_HEADS.NUM_CLASSES": 1,
        "MODEL.ROI_KEYPOINT_HEAD.NUM_KEYPOINTS": len(skeleton),
        "TEST.KEYPOINT_OKS_SIGMAS": constants,
        "TEST.EVAL_PERIOD": 0,
        "DATASETS.TRAIN": (PICTURES,),
        "DATASETS.TEST": (),
        "DATALOADER.NUM_WORKERS": config.workers,
        "SOLVER.IMS_PER_BATCH": config.batch,
        "SOLVER.BASE_LR": float(config.learning_rate),
        "SOLVER.GAMMA": float(config.lr_decay),
        "SOLVER.STEPS": tuple(ends),
        "SOLVER.MAX_ITER": steps,
        "SOLVER.WARMUP_ITERS": config.warmup,
        "SOLVER.WEIGHT_DECAY": float(config.weight_decay),
        "SOLVER.CHECKPOINT_PERIOD": config.save_every,
        "SEED": config.seed,
    }


def _configured(library: Any, network: str, skeleton: Skeleton, config: KeypointRcnnConfig) -> Any:
    cfg = configuration(library, network)
    if not cfg.MODEL.KEYPOINT_ON:
        raise VideoPose3DError("it finds boxes only", where=network, fix=f"Give --config {DEFAULT}.")
    cfg.merge_from_list([part for pair in settings(skeleton, config).items() for part in pair])
    return cfg


# --- what it starts from


def new_layers(cfg: Any) -> tuple[str, ...]:
    """The tensors that start anew: of the last convolution of the keypoint head and of what makes the maps."""
    last = f"{_HEAD}.conv_fcn{len(cfg.MODEL.ROI_KEYPOINT_HEAD.CONV_DIMS)}"
    return tuple(f"{layer}.{part}" for layer in (last, f"{_HEAD}.score_lowres") for part in ("weight", "bias"))


def _initial_state(
    network: str, initial: str, skeleton: Skeleton, reset: bool
) -> tuple[Mapping[str, Tensor], Path] | None:
    """Tensors by name, and their file; None to start from nothing."""
    if initial == RANDOM:
        return None
    path = Path(initial)
    if initial == PUBLISHED:
        published = find_model("detectron2", network)
        if published is None:
            fix = "Give a file of weights, --init FILE, or --init random."
            raise WeightsError("no published weights are known", where=network, fix=fix)
        path = weights_file(published)
    old = joints_of_model(Name("detectron2", network))
    if not reset and old != skeleton:
        raise SkeletonMismatchError(
            f"the network finds {old.name}, the pictures show {skeleton.name}",
            where=network,
            fix="Give --reset-heads: the last layers have to be learned anew.",
        )
    return read_state(path), path


# --- an earlier run


def last_step(folder: Path, text: str) -> int | None:
    """Steps that the last checkpoint in a folder has behind it; None without one.

    Args:
        folder: Of the run.
        text: The ``config.yaml`` it must have been made with, but for device, folder and workers.

    Raises:
        WeightsError: The checkpoint is damaged, of another run, or asks for code to be run.
    """
    try:
        named = (folder / LATEST).read_text("utf-8").strip()
        before = (folder / CONFIG).read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise WeightsError("the earlier run cannot be read", where=folder, fix="Give --overwrite.") from error
    lines = [[one for one in of.splitlines() if not one.strip().startswith(_MAY_DIFFER)] for of in (before, text)]
    if lines[0] != lines[1]:
        changed = sorted(set(lines[0]) ^ set(lines[1]), key=(lines[0] + lines[1]).index)
        what = f"a run with other settings ({(changed or ['their order'])[0].strip()[:80]})"
        raise WeightsError(what, where=folder / CONFIG, fix="Give the same settings, or --overwrite.")
    path = folder / Path(named).name
    content = read_pickled(path).content
    step = content.get("iteration") if isinstance(content, dict) else None
    if not isinstance(step, int) or "trainer" not in content:
        raise WeightsError("not a checkpoint of Detectron2's trainer", where=path, fix="Give --overwrite.")
    return step + 1


def _clear(folder: Path) -> None:
    for path in (*(folder / name for name in (CONFIG, FINAL, LATEST, LOG, FIGURES)), *folder.glob(CHECKPOINTS)):
        path.unlink(missing_ok=True)

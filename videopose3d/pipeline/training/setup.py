"""What a run is about: who is trained on, and what the weights will say of themselves."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from videopose3d.config import TrainConfig
from videopose3d.datasets.sequences import PoseDataset
from videopose3d.errors import InputError, SkeletonMismatchError
from videopose3d.lifter.lift import Lifter
from videopose3d.pipeline.training.steps import Networks
from videopose3d.skeleton import SKELETONS
from videopose3d.weights.header import ANY_RATE, LifterHeader


@dataclass(frozen=True)
class Split:
    """Who is trained and tested on.

    Attributes:
        train: Labelled subjects.
        test: Subjects measured on after every epoch.
        unlabelled: Subjects whose 3D poses are not looked at; naming any switches unlabelled training on.
        actions: Prefixes of action names; empty for all.
    """

    train: tuple[str, ...]
    test: tuple[str, ...]
    unlabelled: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            names = getattr(self, field.name)
            object.__setattr__(self, field.name, (names,) if isinstance(names, str) else tuple(names))
        for other, where in ((self.train, "labelled"), (self.unlabelled, "unlabelled")):
            if both := sorted({*other} & {*self.test}):
                logger.warning("%s: trained on (%s) and tested on", ", ".join(both), where)


logger = logging.getLogger(__name__)

TRAIN_SUBJECTS = {
    "h36m": ("S1", "S5", "S6", "S7", "S8"),
    "humaneva15": ("Train/S1", "Train/S2", "Train/S3"),
    "humaneva20": ("Train/S1", "Train/S2", "Train/S3"),
}
"""Who the paper trains on."""


def default_train_subjects(dataset: PoseDataset, test: Sequence[str], unlabelled: Sequence[str]) -> tuple[str, ...]:
    """The paper's labelled subjects; of other data sets, everybody with 3D who is not used otherwise."""
    if dataset.name in TRAIN_SUBJECTS:
        return TRAIN_SUBJECTS[dataset.name]
    labelled = {s.subject for s in dataset.sequences if s.poses is not None}
    rest = tuple(s for s in dataset.subjects if s in labelled and s not in {*test, *unlabelled})
    if not labelled:
        raise InputError("nobody in it has 3D poses to train on", where=dataset.source or dataset.name)
    if not rest:
        there = ", ".join(s for s in dataset.subjects if s in labelled)
        raise InputError(
            "this data set has no usual split into training and test subjects",
            where=dataset.source or dataset.name,
            fix=f"Name --subjects-train and --subjects-test among {there}.",
        )
    return rest


def header_of(
    dataset: PoseDataset, name: str, split: Split, config: TrainConfig, initial: Lifter | None
) -> LifterHeader:
    """What the weights of a run will say of themselves.

    Raises:
        SkeletonMismatchError: The initial weights take or give other joints.
    """
    skeletons = (dataset.keypoint_skeleton, dataset.skeleton)
    fps = dataset.fps / config.downsample
    people = f"subjects {', '.join(split.train)}"
    people += f", unlabelled {', '.join(split.unlabelled)}" if split.unlabelled else ""
    header = LifterHeader(
        name=name,
        filter_widths=config.filter_widths,
        channels=config.channels,
        features=dataset.features if config.score else 2,
        causal=config.causal,
        dense=config.dense,
        skeleton_in=skeletons[0].name,
        skeleton_out=skeletons[1].name,
        skeletons={s.name: s for s in skeletons if SKELETONS.get(s.name) != s},
        normalisation="screen",
        fps=fps,
        fps_range=ANY_RATE,
        training=f"{dataset.source or dataset.name}, {people}; {config}",
        licence=config.licence,
    )
    if initial is None:
        return header
    old = initial.header
    for mine, theirs, what in (
        (header.skeleton_in, old.skeleton_in, "2D joints"),
        (header.skeleton_out, old.skeleton_out, "3D joints"),
        (header.features, old.features, "features per joint"),
        (header.normalisation, old.normalisation, "normalisation"),
    ):
        if mine != theirs:
            raise SkeletonMismatchError(
                f"the initial weights have {what} {theirs}, the data set has {mine}", where=old.name,
                fix="Start from weights of the same joints, or from none.",
            )  # fmt: skip
    same = {name: getattr(old, name) for name in ("filter_widths", "channels", "causal", "dense")}
    data, _, _ = header.training.partition("; ")
    told = f"{data}; from the weights {old.name} ({old.training}); {replace(config, **same)}"
    return replace(header, **same, training=told, licence=config.licence or old.licence)


def start_from(networks: Networks, initial: Lifter) -> None:
    """Copy the initial weights; a trajectory network that they lack stays fresh."""
    networks.pose.load_state_dict(initial.model.state_dict())
    if networks.trajectory is not None and initial.trajectory is not None:
        networks.trajectory.load_state_dict(initial.trajectory.state_dict())

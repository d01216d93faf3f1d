"""How good a lifter is on a data set, by the protocols of the paper (section 4.2 and its evaluation)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite, nan

import numpy as np

from videopose3d.config import DEFAULT_FOV, LiftConfig
from videopose3d.datasets.sequences import PoseDataset, PoseSequence, action_group
from videopose3d.errors import SkeletonMismatchError
from videopose3d.lifter.lift import Lifter, camera_of
from videopose3d.metrics import acceleration_error, mpjpe, mpjve, n_mpjpe, p_mpjpe
from videopose3d.pipeline.scores import METRICS, ActionScore, Scores, ScoreTable, ordered
from videopose3d.types import Array, FloatArray

Progress = Callable[[str, int, int | None], None]

TEST_SUBJECTS = {
    "h36m": ("S9", "S11"),
    "humaneva15": ("Validate/S1", "Validate/S2", "Validate/S3"),
    "humaneva20": ("Validate/S1", "Validate/S2", "Validate/S3"),
}
"""Who is judged by custom; of other data sets, everybody."""

_KEYPOINT_FILES = {
    ("h36m", "h36m17"): "gt, cpn_ft_h36m_dbb, detectron_ft_h36m or sh_ft_h36m",
    ("h36m", "coco17"): "detectron_pt_coco",
    ("h36m", "mpii16"): "sh_pt_mpii",
    ("humaneva15", "coco17"): "detectron_pt_coco",
    ("humaneva15", "humaneva15"): "gt",
}

_MEASURES = {
    "mpjpe": mpjpe,
    "p_mpjpe": p_mpjpe,
    "n_mpjpe": n_mpjpe,
    "mpjve": mpjve,
    "acceleration": acceleration_error,
}

_Take = tuple[PoseSequence, dict[str, float]]


def evaluate(
    lifter: Lifter,
    dataset: PoseDataset,
    subjects: Sequence[str] | None = None,
    actions: Sequence[str] = (),
    config: LiftConfig | None = None,
    *,
    subset: float = 1.0,
    downsample: int = 1,
    progress: Progress | None = None,
) -> Scores:
    """Errors of a lifter by action, for every subject and for all.

    Every take of every camera is lifted whole, at its own frame rate and with the network's output unchanged: the
    root is one of the joints and its error counts. Only lifters that take rays, which know no root, are judged
    relative to it.

    Args:
        lifter: The networks.
        dataset: Takes with 3D poses.
        subjects: Who; None for the test subjects of the data set.
        actions: Prefixes of action names; empty for all.
        config: Flip averaging, chunk, stature, and the camera where the data set knows none.
        subset: Share of every take.
        downsample: Every n-th frame.
        progress: Called as ``progress("evaluate", frames done, frames)``.

    Raises:
        SkeletonMismatchError: The lifter takes or gives other joints.
        InputError: A subject or action is not there, or has no 3D poses.
    """
    config = config or LiftConfig()
    check_fit(lifter, dataset)
    subjects = tuple(dict.fromkeys(default_subjects(dataset) if subjects is None else subjects))
    sequences = dataset.select(subjects, actions, subset=subset, downsample=downsample)
    takes: list[_Take] = []
    done, total = 0, sum(len(s) for s in sequences)
    for sequence in sequences:
        takes.append((sequence, _errors(lifter, sequence, config)))
        done += len(sequence)
        if progress:
            progress("evaluate", done, total)
    return Scores(
        lifter=lifter.header.name,
        dataset=dataset.name,
        subjects=subjects,
        frames=lifter.header.receptive_field,
        causal=lifter.header.causal,
        flip=config.flip,
        fps=dataset.fps / downsample,
        downsample=downsample,
        subset=subset,
        overall=_table("", takes),
        by_subject=tuple(_table(who, [take for take in takes if take[0].subject == who]) for who in subjects),
        notes=_notes(lifter, dataset, sequences, config),
        source=dataset.source,
    )


def default_subjects(dataset: PoseDataset) -> tuple[str, ...]:
    """Who is judged by custom, and where there is no custom everybody with 3D poses."""
    labelled = tuple(dict.fromkeys(s.subject for s in dataset.sequences if s.poses is not None))
    return TEST_SUBJECTS.get(dataset.name, labelled or dataset.subjects)


def check_fit(lifter: Lifter, dataset: PoseDataset) -> None:
    """Refuse a data set whose joints are not the lifter's.

    Raises:
        SkeletonMismatchError: They differ.
    """
    header, where = lifter.header, lifter.header.name
    wanted, given = header.input_skeleton, dataset.keypoint_skeleton
    if wanted.joints != given.joints:
        fitting = _KEYPOINT_FILES.get((dataset.name, wanted.name))
        fix = f"Try --keypoints {fitting}." if fitting else "Use a lifter trained on such keypoints."
        what = f"it takes {wanted.name} keypoints, those of {dataset.source or dataset.name} are {given.name}"
        raise SkeletonMismatchError(what, where=where, fix=fix)
    if header.output_skeleton.joints != dataset.skeleton.joints:
        what = f"it gives {header.output_skeleton.name} poses, those of {dataset.name} are {dataset.skeleton.name}"
        raise SkeletonMismatchError(what, where=where, fix="Use a lifter trained on this data set.")
    if header.normalisation == "screen" and header.features > dataset.features:
        raise SkeletonMismatchError(
            f"it takes the score of every joint, and {dataset.source or dataset.name} has none",
            where=where,
            fix="Use keypoints with scores, or a lifter of two numbers per joint.",
        )


def _errors(lifter: Lifter, sequence: PoseSequence, config: LiftConfig) -> dict[str, float]:
    """Every metric of one take, in float32 as the original program."""
    assert sequence.poses is not None
    predicted = _predict(lifter, sequence, config)
    target = sequence.poses.astype(np.float32)
    return {name: measure(predicted, target) for name, measure in _MEASURES.items()}


def _predict(lifter: Lifter, sequence: PoseSequence, config: LiftConfig) -> FloatArray:
    """(T, J, 3) [m] the lifter's poses of one take in camera axes."""
    size, header = sequence.camera.size, lifter.header
    camera = sequence.camera.pinhole or camera_of(size, config)
    poses: Array = lifter.poses(sequence.keypoints, camera, size, flip=config.flip, chunk=config.chunk)
    if header.normalisation == "rays":
        poses = poses - poses[:, :1]
    if header.stature:
        poses = poses * (config.height / header.stature)
    return poses.astype(np.float32)


def _table(subject: str, takes: Sequence[_Take]) -> ScoreTable:
    groups: dict[str, list[_Take]] = {}
    for take in takes:
        groups.setdefault(action_group(take[0].action), []).append(take)
    return ScoreTable(subject, tuple(_row(action, groups[action]) for action in ordered(list(groups))))


def _row(action: str, takes: Sequence[_Take]) -> ActionScore:
    """Means over the takes, weighted by their frames; also the velocity, which has one value less per take."""
    means = {}
    for metric in METRICS:
        known = [(len(sequence), errors[metric]) for sequence, errors in takes if isfinite(errors[metric])]
        frames = sum(n for n, _ in known)
        means[metric] = sum(n * value for n, value in known) / frames if frames else nan
    return ActionScore(action, sum(len(sequence) for sequence, _ in takes), **means)


def _notes(
    lifter: Lifter, dataset: PoseDataset, sequences: Sequence[PoseSequence], config: LiftConfig
) -> tuple[str, ...]:
    header, notes = lifter.header, []
    if header.normalisation == "screen" and dataset.features > header.features:
        notes.append("The scores of the keypoints were left out: the lifter takes none.")
    if header.normalisation == "rays" and any(s.camera.pinhole is None for s in sequences):
        lens = (
            f"focal length of {config.focal:g} px"
            if config.focal
            else f"field of view of {config.fov or DEFAULT_FOV:g} degrees"
        )
        notes.append(f"The cameras are not calibrated: a {lens} was assumed.")
    if header.stature:
        notes.append(f"Poses were scaled to people of {config.height:g} m.")
    return tuple(notes)

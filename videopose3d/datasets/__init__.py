"""Sequences to learn from and to measure on: one file per data set."""

from videopose3d.datasets.load import DATASETS, load_dataset
from videopose3d.datasets.own import save_dataset
from videopose3d.datasets.sequences import PoseDataset, PoseSequence

__all__ = ["DATASETS", "PoseDataset", "PoseSequence", "load_dataset", "save_dataset"]

"""Keypoint networks, one file each; their modules have the names of the published checkpoints.

Every network gives all its maps when it is called, for training, and the best ones by ``maps``.
"""

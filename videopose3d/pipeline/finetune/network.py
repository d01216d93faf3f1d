"""The network that a run starts from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from videopose3d.config_finetune import FinetuneConfig
from videopose3d.detectors.crops import Size
from videopose3d.detectors.loading import KeypointNetwork, load_keypoint_network
from videopose3d.detectors.networks.cpn import BLOCKS, CPN
from videopose3d.detectors.networks.targets import CPN_STRIDE, cpn_kernels, cpn_targets
from videopose3d.detectors.published import RECIPES
from videopose3d.errors import SkeletonMismatchError, WeightsError
from videopose3d.skeleton import Skeleton

RANDOM = "random"
"""Name of the weights of a network that has learned nothing."""
_LARGE = (384, 288)


def start_network(initial: str, skeleton: Skeleton, config: FinetuneConfig, name: str = "cpn") -> KeypointNetwork:
    """A CPN for these joints: with the weights to start from, but for the last layers of both nets, which are new.

    Args:
        initial: A checkpoint of a CPN, the name of a published one, or `RANDOM`.
        skeleton: The joints to learn.
        config: ``reset_heads=False`` keeps the last layers.
        name: Of the new network.

    Raises:
        WeightsError: No such weights, or those of another network.
        SkeletonMismatchError: The last layers are to be kept and are those of other joints.
    """
    torch.manual_seed(config.seed)
    size = (config.input_size[0], config.input_size[1]) if config.input_size else None
    if initial == RANDOM:
        model = CPN(BLOCKS[int(config.backbone.removeprefix("resnet"))], len(skeleton))
        _match_targets(model, size or _LARGE)
        return KeypointNetwork(model.eval(), RECIPES["cpn"], size or _LARGE, skeleton, name)
    old = load_keypoint_network(initial, input_size=size)
    if not isinstance(old.model, CPN):
        raise WeightsError(f"a {old.recipe.family}, not a CPN", where=initial, fix="Start from a CPN.")
    if not config.reset_heads:
        if old.skeleton != skeleton:
            raise SkeletonMismatchError(
                f"the network finds {old.skeleton.name}, the pictures show {skeleton.name}",
                where=initial,
                fix="Give --reset-heads: the last layers have to be learned anew.",
            )
        return replace(old, name=name)
    return KeypointNetwork(
        _with_new_heads(old.model, len(skeleton), old.input_size), old.recipe, old.input_size, skeleton, name
    )


def _with_new_heads(old: CPN, joints: int, size: Size) -> CPN:
    """The same network with last layers that have learned nothing, for any number of joints."""
    blocks = [len(getattr(old.resnet, f"layer{stage}")) for stage in (1, 2, 3, 4)]
    model = CPN(blocks, joints)
    new = model.reset_heads()
    _match_targets(model, size)
    fresh = model.state_dict()
    model.load_state_dict({**old.state_dict(), **{key: fresh[key] for key in new}})
    return model.eval()


@torch.no_grad()
def _match_targets(model: CPN, size: Size) -> None:
    """Give the last batch norms the mean and the spread of the maps that are to be learned.

    A map that was normalised and multiplied by 1 has peaks of some 10 instead of 255, and at the learning rates of
    fine-tuning it takes 100,000 steps to grow.
    """
    kernels = cpn_kernels(size)
    cells = size[0] // CPN_STRIDE, size[1] // CPN_STRIDE
    middle = np.array([[size[1] / 2, size[0] / 2]])
    maps = cpn_targets(middle, np.ones(1), cells, (*kernels, kernels[-1]))  # of the levels, and of RefineNet
    norms = [head for head in model.heads() if isinstance(head, nn.BatchNorm2d)]
    for norm, target in zip(norms, maps, strict=True):
        nn.init.constant_(norm.weight, float(target.std()))
        nn.init.constant_(norm.bias, float(target.mean()))

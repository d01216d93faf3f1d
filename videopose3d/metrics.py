"""Errors of 3D poses. Inputs in metres, (T, J, 3); results in millimetres unless said otherwise."""

from __future__ import annotations

import numpy as np

from videopose3d.types import Array


def mpjpe(predicted: Array, target: Array) -> float:
    """Mean per-joint position error [mm], protocol 1 of the paper: mean over frames and joints."""
    return float(np.linalg.norm(predicted - target, axis=-1).mean() * 1000)


def weighted_mpjpe(predicted: Array, target: Array, weights: Array) -> float:
    """Mean of the weighted joint errors [mm]; not divided by the weights (the paper's trajectory loss).

    Args:
        predicted, target: (..., 3) [m].
        weights: Broadcast to (...), e.g. (T, 1) one over the root's depth.
    """
    return float((weights * np.linalg.norm(predicted - target, axis=-1)).mean() * 1000)


def p_mpjpe(predicted: Array, target: Array) -> float:
    """Error after the best rotation, scale and translation of every frame [mm], protocol 2."""
    return mpjpe(align(predicted, target), target)


def p_mpjpe_per_frame(predicted: Array, target: Array) -> Array:
    """(T,) the `p_mpjpe` of every frame [mm]."""
    errors: Array = np.linalg.norm(align(predicted, target) - target, axis=-1).mean(-1) * 1000
    return errors


def n_mpjpe(predicted: Array, target: Array) -> float:
    """Error after the best scale of every frame [mm], protocol 3."""
    overlap, norm = (predicted * target).sum((-2, -1), keepdims=True), (predicted**2).sum((-2, -1), keepdims=True)
    scale = np.divide(overlap, norm, out=np.ones_like(norm), where=norm > 0)
    return mpjpe(scale * predicted, target)


def mpjve(predicted: Array, target: Array) -> float:
    """Mean per-joint velocity error [mm/frame]; NaN for a single frame."""
    if len(target) < 2:
        return float("nan")
    return mpjpe(np.diff(predicted, axis=0), np.diff(target, axis=0))


def acceleration_error(predicted: Array, target: Array) -> float:
    """Mean error of the joints' accelerations, as second differences [mm/frame^2]; NaN for two frames or fewer."""
    if len(target) < 3:
        return float("nan")
    return mpjpe(np.diff(predicted, 2, axis=0), np.diff(target, 2, axis=0))


def align(predicted: Array, target: Array) -> Array:
    """Every frame of ``predicted`` moved onto ``target`` by the best similarity without reflection.

    Orthogonal Procrustes by singular values (Umeyama 1991). A frame whose joints all coincide is only moved.
    """
    mean_p, mean_t = predicted.mean(-2, keepdims=True), target.mean(-2, keepdims=True)
    p, t = predicted - mean_p, target - mean_t
    u, s, vt = np.linalg.svd(np.swapaxes(p, -1, -2) @ t)
    sign = np.sign(np.linalg.det(u @ vt))
    u[..., :, -1] *= sign[..., None]
    s[..., -1] *= sign
    norm = (p**2).sum((-2, -1))
    scale = np.divide(s.sum(-1), norm, out=np.ones_like(norm), where=norm > 0)
    aligned: Array = scale[..., None, None] * p @ (u @ vt) + mean_t
    return aligned

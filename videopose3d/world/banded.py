"""Least squares over time, where a frame depends on the frames next to it only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class NormalEquations:
    """Normal equations of the places of J joints in T frames.

    A frame is coupled to the next two, every coordinate with itself only (smoothness, feet that stay).

    Attributes:
        within: (T, J, 3, J, 3) joints of one frame with each other.
        next, after: (T, J, 3) coordinates with themselves in the next frame, and in the one after it.
        right: (T, J, 3) right-hand side.
    """

    def __init__(self, frames: int, joints: int) -> None:
        self.within = np.zeros((frames, joints, 3, joints, 3))
        self.next, self.after, self.right = (np.zeros((frames, joints, 3)) for _ in range(3))

    def add(self, joint: int, stiffness: Array, rest: Array) -> None:
        """Hold one joint, in every frame, by ``stiffness`` (T, 3, 3); ``rest`` (T, 3) is that times what is left."""
        self.within[:, joint, :, joint, :] += stiffness
        self.right[:, joint] -= rest

    def add_pair(self, one: int, other: int, stiffness: Array, rest: Array) -> None:
        """Hold what lies between two joints; arguments as `add`, of ``other`` minus ``one``."""
        self.add(one, stiffness, -rest)
        self.add(other, stiffness, rest)
        self.within[:, one, :, other, :] -= stiffness
        self.within[:, other, :, one, :] -= stiffness

    def add_each(self, stiffness: Array) -> None:
        """Add (T, J, 3) to every coordinate's own coefficient."""
        frames = len(self.right)
        self.within.reshape(frames, -1)[:, :: self.right[0].size + 1] += stiffness.reshape(frames, -1)

    def solve(self) -> Array:
        """(T, J, 3) the unknowns, by eliminating pairs of frames: time and memory are linear in T."""
        frames, n = len(self.right), self.right[0].size
        count, line = (frames + 1) // 2, np.arange(n)
        right = np.zeros((2 * count, n))
        right[:frames] = self.right.reshape(frames, n)
        within, following, after = (
            self.within.reshape(frames, n, n),
            *(part.reshape(frames, n) for part in (self.next, self.after)),
        )
        blocks, links = np.zeros((2, count, 2 * n, 2 * n))  # pairs with themselves, and with the next pair
        blocks[:, :n, :n] = within[::2]
        blocks[: frames // 2, n:, n:] = within[1::2]
        if frames % 2:
            blocks[-1, n + line, n + line] = 1
        inside, across = following[: frames - 1 : 2], following[1 : frames - 1 : 2]
        blocks[: len(inside), line, n + line] = blocks[: len(inside), n + line, line] = inside
        links[: len(across), n + line, line] = across
        for half in (0, 1):
            far = after[half : frames - 2 : 2] if frames > 2 else after[:0]
            links[: len(far), half * n + line, half * n + line] = far
        solution = _block_tridiagonal(blocks, links, right.reshape(count, 2 * n))
        return solution.reshape(-1, *self.right.shape[1:])[:frames]


def _block_tridiagonal(blocks: Array, links: Array, right: Array) -> Array:
    """(N, m) solution of a symmetric system of (N, m, m) blocks and their (N, m, m) links to the next ones."""
    count, size = right.shape
    kept = np.empty((count, size, size + 1))
    block, rest = blocks[0], right[0]
    for i in range(count):
        kept[i] = np.linalg.solve(block, np.column_stack([links[i], rest]))
        if i + 1 < count:
            block = blocks[i + 1] - links[i].T @ kept[i, :, :-1]
            rest = right[i + 1] - links[i].T @ kept[i, :, -1]
    solution = np.empty((count, size))
    solution[-1] = kept[-1, :, -1]
    for i in range(count - 2, -1, -1):
        solution[i] = kept[i, :, -1] - kept[i, :, :-1] @ solution[i + 1]
    return solution

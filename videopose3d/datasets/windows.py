"""Which windows of which sequences a training step sees, in the order of the original program.

An example is a row (sequence, first output frame, end, mirrored). The shuffle is that of a NumPy
``RandomState``, whose state carries over between epochs (facts of the original program, section 4.6).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


def chunk_examples(lengths: Sequence[int], chunk: int = 1, *, augment: bool = False) -> IntArray:
    """(N, 4) all examples: chunks of ``chunk`` output frames, centred over each sequence.

    Args:
        lengths: Frames of every sequence.
        chunk: Output frames of one example; chunks may stick out of the sequence at both ends.
        augment: Follow the chunks of every sequence by the same ones mirrored.
    """
    rows = []
    for sequence, length in enumerate(lengths):
        count = -(-length // chunk)
        starts = np.arange(count) * chunk - (count * chunk - length) // 2
        for mirrored in range(1 + augment):
            same = np.full(count, sequence), np.full(count, mirrored)
            rows.append(np.stack([same[0], starts, starts + chunk, same[1]], 1))
    return np.concatenate(rows).astype(np.int64) if rows else np.empty((0, 4), np.int64)


@dataclass
class ExampleOrder:
    """Batches of examples, epoch after epoch; its place can be saved and found again.

    Attributes:
        examples: (N, 4) rows of `chunk_examples`.
        batch: Examples per batch; the last one of a pass may be smaller.
        seed: Of the shuffle.
        shuffle: False keeps the order of ``examples``.
    """

    examples: IntArray = field(repr=False)
    batch: int
    seed: int = 1234
    shuffle: bool = True

    def __post_init__(self) -> None:
        self._random = np.random.RandomState(self.seed)
        self._begin_pass()

    def __len__(self) -> int:
        """Batches in one pass."""
        return (len(self.examples) + self.batch - 1) // self.batch

    def _begin_pass(self) -> None:
        """Shuffle for the next pass, which begins at its first batch."""
        state: Any = self._random.get_state(legacy=True)
        self._key, self._place = np.asarray(state[1], np.int64), int(state[2])
        count = len(self.examples)
        self._permutation = self._random.permutation(count) if self.shuffle else np.arange(count)
        self._next = 0

    def take(self) -> IntArray:
        """The next batch, (n, 4); after the last one of a pass comes the first of the next."""
        if self._next == len(self):
            self._begin_pass()
        at = slice(self._next * self.batch, (self._next + 1) * self.batch)
        self._next += 1
        rows: IntArray = self.examples[self._permutation[at]]
        return rows

    def rest_of_pass(self) -> Iterator[IntArray]:
        """The batches that are left of this pass; of the next one if none are."""
        for _ in range(self.left or len(self)):
            yield self.take()

    @property
    def left(self) -> int:
        """Batches not yet taken of this pass."""
        return len(self) - self._next

    def state(self) -> IntArray:
        """(626,) where it is: the generator's key and position at the start of the pass, and the next batch."""
        return np.concatenate([self._key, [self._place, self._next]]).astype(np.int64)

    def restore(self, state: IntArray) -> None:
        """Go on from a `state` of an order with the same examples."""
        key = state[:-2].astype(np.uint32)
        self._random.set_state(("MT19937", key, int(state[-2]), 0, 0.0))
        self._begin_pass()
        self._next = int(state[-1])

from __future__ import annotations

import numpy as np
import pytest
from golden_files import golden_json
from hypothesis import given
from hypothesis import strategies as st

from videopose3d.datasets.windows import ExampleOrder, chunk_examples

GOLDEN = golden_json("generators")


@pytest.mark.parametrize("name", GOLDEN["chunks"])
def test_examples_are_those_of_the_original(name):
    case = GOLDEN["chunks"][name]
    examples = chunk_examples(case["lengths"], case["chunk"], augment=case["augment"])
    assert examples.tolist() == case["examples"]
    assert len(ExampleOrder(examples, 4)) == case["num_batches_of_4"]


def rows(count):
    return np.repeat(np.arange(count)[:, None], 4, 1)


@pytest.mark.parametrize(("count", "seed"), [("10", "1234"), ("10", "4321"), ("16", "1234")])
def test_the_shuffle_is_that_of_the_original(count, seed):
    order = ExampleOrder(rows(int(count)), 3, int(seed))
    seen = np.concatenate(list(order.rest_of_pass()))[:, 0]
    assert seen.tolist() == GOLDEN["permutation"][count][seed]


def test_the_shuffle_goes_on_over_epochs():
    order = ExampleOrder(rows(10), 4)
    passes = [np.concatenate(list(order.rest_of_pass()))[:, 0].tolist() for _ in range(3)]
    assert passes == GOLDEN["permutation"]["10"]["1234_three_consecutive_epochs"]


def test_without_shuffle_the_order_is_kept():
    order = ExampleOrder(rows(7), 3, shuffle=False)
    assert [len(batch) for batch in order.rest_of_pass()] == [3, 3, 1]
    assert np.concatenate(list(order.rest_of_pass()))[:, 0].tolist() == list(range(7))


@given(st.integers(1, 20), st.integers(1, 7), st.integers(0, 40))
def test_a_restored_order_goes_on_as_it_would_have(count, batch, taken):
    order = ExampleOrder(rows(count), batch)
    for _ in range(taken):
        order.take()
    again = ExampleOrder(rows(count), batch)
    again.restore(order.state())
    assert again.left == order.left
    for _ in range(12):
        np.testing.assert_array_equal(again.take(), order.take())


@given(st.lists(st.integers(1, 50), min_size=1, max_size=5), st.integers(1, 12))
def test_chunks_cover_every_frame_once(lengths, chunk):
    for sequence, length in enumerate(lengths):
        mine = chunk_examples(lengths, chunk)
        frames = [t for s, a, b, _ in mine if s == sequence for t in range(a, b)]
        assert len(frames) == len(set(frames))
        assert set(range(length)) <= set(frames)
        assert len(frames) - length < chunk

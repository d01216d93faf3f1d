from __future__ import annotations

import threading
import time

import pytest

from videopose3d.render.ahead import ahead


def test_everything_arrives_in_order():
    assert list(ahead(iter(range(100)), 3)) == list(range(100))


def test_only_a_few_are_made_ahead():
    made = []

    def numbers():
        for n in range(100):
            made.append(n)
            yield n

    items = ahead(numbers(), 3)
    next(items)
    time.sleep(0.1)
    assert len(made) <= 1 + 3 + 1
    items.close()


def test_an_error_arrives_after_the_items_before_it():
    def failing():
        yield 1
        raise KeyError("lost")

    items = ahead(failing(), 3)
    assert next(items) == 1
    with pytest.raises(KeyError, match="lost"):
        next(items)


def test_closing_closes_the_source_and_ends_the_thread():
    closed = []

    def endless():
        try:
            while True:
                yield 0
        finally:
            closed.append(True)

    source = endless()
    items = ahead(source, 2)
    next(items)
    items.close()
    assert closed == [True]
    assert not [thread for thread in threading.enumerate() if thread.name == "ahead"]

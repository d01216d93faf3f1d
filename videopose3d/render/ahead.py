"""Work ahead: an iterator that runs in a thread of its own, a bounded number of items in front."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

Item = TypeVar("Item")

_POLL = 0.1


class _End:
    """The last thing in the queue: nothing more comes, for this reason."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def ahead(items: Iterator[Item], depth: int) -> Generator[Item, None, None]:
    """The same items in the same order; at most ``depth`` wait in the queue.

    An error in ``items`` is raised here, after the items before it. Closing this generator stops the thread
    and closes ``items`` in it, so that what it holds open (a decoder, say) is released.
    """
    queue: Queue[Item | _End] = Queue(depth)
    stop = Event()
    worker = Thread(target=_work, args=(items, queue, stop), name="ahead", daemon=True)
    worker.start()
    try:
        while not isinstance(item := queue.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stop.set()
        _drain(queue)
        worker.join()


def _work(items: Iterator[Item], queue: Queue[Item | _End], stop: Event) -> None:
    end = _End()
    try:
        for item in items:
            if not _put(queue, item, stop):
                break
    except BaseException as error:  # noqa: BLE001 - handed to the consumer, who raises it
        end = _End(error)
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()
        _put(queue, end, stop)


def _put(queue: Queue[Item | _End], item: Item | _End, stop: Event) -> bool:
    """True once there was room for the item; False when nobody wants it any more."""
    while not stop.is_set():
        try:
            queue.put(item, timeout=_POLL)
        except Full:
            continue
        return True
    return False


def _drain(queue: Queue[Item | _End]) -> None:
    try:
        while True:
            queue.get_nowait()
    except Empty:
        return

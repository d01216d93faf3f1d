"""Keeping what libraries written in C++ say about themselves from the user."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_silent = 0
_stderr = -1
_lock = Lock()


@contextmanager
def silence() -> Iterator[None]:
    """Nothing that is written to file descriptor 2 is seen; Python's ``sys.stderr`` goes there, too.

    Several threads may be silent at the same time: the first one in turns it off, the last one out on.
    """
    global _silent, _stderr  # noqa: PLW0603 - the descriptor is the whole process's
    with _lock:
        _silent += 1
        if _silent == 1:
            _stderr = _divert_stderr()
    try:
        yield
    finally:
        with _lock:
            _silent -= 1
            if _silent == 0 and _stderr >= 0:
                os.dup2(_stderr, 2)
                os.close(_stderr)


def _divert_stderr() -> int:
    """Send descriptor 2 to nowhere; a copy of where it went before, -1 where there is none."""
    try:
        kept = os.dup(2)
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
    except OSError:
        return -1
    return kept

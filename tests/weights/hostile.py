"""Files that try to run something when they are read, and files that are something else."""

from __future__ import annotations

import collections
import io
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch


class Call:
    """Pickles as a call of any function."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> Any:
        return self.call


def attacks(mark: Path) -> dict[str, Any]:
    """Objects that leave a file at ``mark`` when an ordinary unpickler reads them."""
    run = Call(os.system, f"touch {mark}")
    return {
        "os.system": run,
        "in a checkpoint": {"epoch": 1, "model_pos": collections.OrderedDict(a=run)},
        "eval": Call(eval, f"open({str(mark)!r}, 'w').close()"),
        "object array": {"model_pos": {"expand_conv.weight": np.array([run], dtype=object)}},
        "through getattr": Call(getattr, Call(__import__, "os"), "system"),
    }


def write_zip(content: Any, path: Path) -> None:
    torch.save(content, path)


def write_legacy(content: Any, path: Path) -> None:
    torch.save(content, path, _use_new_zipfile_serialization=False)


def write_bare(content: Any, path: Path) -> None:
    path.write_bytes(pickle.dumps(content, protocol=2))


WRITERS: dict[str, Callable[[Any, Path], None]] = {"zip": write_zip, "legacy": write_legacy, "bare": write_bare}


def other_zip() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("hello.txt", "hello")
    return made.getvalue()

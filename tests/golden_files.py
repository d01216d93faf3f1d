"""Expected numbers, made by running the published reference programs; the files lie in tests/golden."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).with_name("golden")


def golden(name: str) -> dict[str, np.ndarray]:
    """Return the arrays of tests/golden/NAME.npz."""
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as npz:
        return {key: npz[key] for key in npz.files}


def golden_json(name: str) -> Any:
    """Return the content of tests/golden/NAME.json."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))

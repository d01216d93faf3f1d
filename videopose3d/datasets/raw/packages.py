"""Packages that only the reading of raw data sets needs."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from videopose3d.errors import MissingDependencyError

INSTALL = "pip install 'videopose3d[datasets]'"


def package(name: str, purpose: str) -> Any:
    """The module of that name.

    Raises:
        MissingDependencyError: It is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        top = name.partition(".")[0]
        raise MissingDependencyError(f"{top} is not installed", where=purpose, fix=f"Install it: {INSTALL}") from error

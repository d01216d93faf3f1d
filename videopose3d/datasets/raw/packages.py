"""Packages that only some data sets need: to read raw files, or to draw people."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from videopose3d.errors import MissingDependencyError

INSTALL = "pip install 'videopose3d[{}]'"


def package(name: str, purpose: str, extra: str = "datasets") -> Any:
    """The module of that name, which comes with an extra of this package.

    Raises:
        MissingDependencyError: It is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        top = name.partition(".")[0]
        raise MissingDependencyError(
            f"{top} is not installed", where=purpose, fix=f"Install it: {INSTALL.format(extra)}"
        ) from error

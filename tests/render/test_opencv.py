from __future__ import annotations

import importlib
import sys

import pytest

from videopose3d.errors import MissingDependencyError


def test_opencv_that_does_not_load_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    monkeypatch.delitem(sys.modules, "videopose3d.opencv", raising=False)
    with pytest.raises(MissingDependencyError, match="apt-get install libgl1 libglib2.0-0"):
        importlib.import_module("videopose3d.opencv")

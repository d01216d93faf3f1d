"""OpenCV, or one line that says how to make it load: ``from videopose3d.opencv import cv2``."""

from __future__ import annotations

from videopose3d.errors import MissingDependencyError

try:
    import cv2
except ImportError as error:
    raise MissingDependencyError(
        f"OpenCV does not load ({error})",
        where="cv2",
        fix="pip install opencv-contrib-python; on a bare Linux also: apt-get install libgl1 libglib2.0-0",
    ) from error

__all__ = ["cv2"]

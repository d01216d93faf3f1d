"""Every error this package raises on purpose.

VideoPose3DError                what went wrong, where, and what to do next
├── InputError                  a source or file that cannot be used as it is
│   ├── VideoError              ffmpeg cannot open, decode or encode it
│   └── FileFormatError         a data file that is not what its name or user says
├── OutputError                 the result cannot be written where it was asked for
├── SkeletonMismatchError       joints do not fit the stage they are given to
├── WeightsError                weights are missing, damaged or of another network
├── DeviceError                 the asked-for device is not on this machine
└── MissingDependencyError      an optional package is needed

The library raises; ``cli.py`` maps the tree once to one line on stderr and exit code 1.
"""

from __future__ import annotations


class VideoPose3DError(Exception):
    """Base of all errors: ``what`` happened, ``where``, and the ``fix`` to try next.

    Args:
        what: What went wrong, without a full stop.
        where: The file, stage or value it is about.
        fix: What the user can do about it, as a sentence.
    """

    def __init__(self, what: str, *, where: object = None, fix: str | None = None) -> None:
        self.what, self.where, self.fix = what, where, fix
        message = what if where is None else f"{where}: {what}"
        super().__init__(message if fix is None else f"{message}. {fix}")


class InputError(VideoPose3DError):
    """A source or file that cannot be used as it is."""


class VideoError(InputError):
    """ffmpeg cannot open, decode or encode a video."""


class FileFormatError(InputError):
    """A data file is not what its name or its user says."""


class OutputError(VideoPose3DError):
    """A result cannot be written where it was asked for."""


class SkeletonMismatchError(VideoPose3DError):
    """Joints do not fit the stage they are given to."""


class WeightsError(VideoPose3DError):
    """Weights are missing, damaged or belong to another network."""


class DeviceError(VideoPose3DError):
    """The asked-for device is not on this machine."""


class MissingDependencyError(VideoPose3DError):
    """An optional package is needed for what was asked."""

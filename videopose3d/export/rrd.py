"""Rerun: the video, 2D, 3D and plots on one timeline, in a file or in the viewer. See docs/formats/rerun.md.

Needs rerun-sdk (``pip install 'videopose3d[rerun]'``); written for its versions 0.23 to 0.41.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from videopose3d.errors import MissingDependencyError, OutputError
from videopose3d.export.film import small_copy
from videopose3d.export.rrd_scene import Scene, log
from videopose3d.export.upright import upright, y_up_to_z_up
from videopose3d.files import replacing
from videopose3d.types import Result

MAX_SIDE = 960
"""Of the video in the recording [px]."""
ENCODERS = ("libsvtav1", "libx264", "libopenh264")
"""AV1 first: the viewer decodes it by itself, H.264 only where it finds an ffmpeg."""


def check(path: str | os.PathLike[str] | None = None) -> None:
    """Ask before the work whether Rerun is there.

    Raises:
        MissingDependencyError: It is not.
    """
    if find_spec("rerun") is None:
        raise MissingDependencyError(
            "Rerun is not installed", where=path, fix="Install it: pip install 'videopose3d[rerun]'."
        )


def check_view() -> None:
    """Ask before the work whether the viewer can open.

    Raises:
        MissingDependencyError: Rerun is not installed.
        OutputError: There is no screen.
    """
    check("--view")
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        fix = "Write a .rrd file and open it on another machine: rerun FILE."
        raise OutputError("there is no screen for the viewer", where="--view", fix=fix)


def write(result: Result, path: Path, video: str | os.PathLike[str] | None = None) -> None:
    """Write ``path``.

    Args:
        result: The motion.
        path: The recording.
        video: The source of the result; a small copy of it is put into the recording.

    Raises:
        MissingDependencyError: Rerun is not installed.
        VideoPose3DError: The result has no 3D stage.
        InputError: The video cannot be read, or is of another shape than the result.
    """
    check(path)
    scene = _scene(result, video)
    with replacing(path) as partial:
        recording = _recording(result)
        recording.save(str(partial), default_blueprint=_blueprint(result))
        _finish(recording, scene)


def view(result: Result, video: str | os.PathLike[str] | None = None) -> None:
    """Open the viewer, which stays open when the program ends, and show it the result.

    Args:
        result: The motion.
        video: The source of the result, to be shown beside it.

    Raises:
        MissingDependencyError: Rerun is not installed.
        OutputError: There is no screen, or the viewer does not open.
        VideoPose3DError: The result has no 3D stage.
        InputError: The video cannot be read, or is of another shape than the result.
    """
    check_view()
    scene = _scene(result, video)
    recording = _recording(result)
    _spawn(recording, _blueprint(result))
    _finish(recording, scene)


def _spawn(recording: Any, blueprint: Any) -> None:
    """Start the viewer, which Rerun looks for on the PATH: it lies beside the Python that has the library."""
    path = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), path])
    try:
        recording.spawn(default_blueprint=blueprint)
    except (OSError, RuntimeError, ValueError) as error:
        why = str(error).strip().partition("\n")[0]
        fix = "Write a .rrd file and open it with: rerun FILE."
        raise OutputError(f"the viewer did not open ({why})", where="--view", fix=fix) from error
    finally:
        os.environ["PATH"] = path


def _scene(result: Result, video: str | os.PathLike[str] | None) -> Scene:
    points = y_up_to_z_up(upright(result))
    film = None
    if video is not None and result.keypoints.frames:
        film = small_copy(result, video, MAX_SIDE, ENCODERS)
    return Scene(result, points, film)


def _recording(result: Result) -> Any:
    recording = import_module("rerun").RecordingStream("videopose3d")
    recording.send_recording_name(Path(result.keypoints.source).name or "videopose3d")
    return recording


def _finish(recording: Any, scene: Scene) -> None:
    log(recording, scene)
    recording.flush()
    recording.disconnect()


def _blueprint(result: Result) -> Any:
    """The video and 3D above the plots."""
    layout = import_module("rerun.blueprint")
    pictures = layout.Horizontal(
        layout.Spatial2DView(origin="world/camera", name="Video and 2D"),
        layout.Spatial3DView(origin="world", name="3D"),
    )
    plots = [
        layout.TimeSeriesView(origin=f"angles/{part}", name=f"{part.title()} [degrees]") for part in ("legs", "arms")
    ]
    plots.append(layout.TimeSeriesView(origin="height", name="Height of the pelvis [m]"))
    if result.world is not None:
        plots.append(layout.TimeSeriesView(origin="contacts", name="Feet on the ground"))
    below = layout.Horizontal(*plots, layout.TextDocumentView(origin="about", name="About"))
    return layout.Blueprint(layout.Vertical(pictures, below, row_shares=[2, 1]), collapse_panels=True)

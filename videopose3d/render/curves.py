"""Training curves as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

_PANELS = {
    "poses [mm]": {"3d_train": "training (dropout on)", "3d_eval": "training subjects", "3d_valid": "test subjects"},
    "trajectory [mm]": {"traj_eval": "training subjects", "traj_valid": "test subjects"},
    "reprojection [screen units]": {
        "2d_train_sup": "training subjects",
        "2d_train_unsup": "unlabelled subjects",
        "2d_valid": "test subjects",
    },
}


def draw_curves(history: Sequence[Mapping[str, float]], path: Path) -> None:
    """Draw the errors of every epoch, one panel per kind of error, as a PNG.

    Args:
        history: One row of figures per epoch.
        path: Where to write.
    """
    panels = {title: lines for title, lines in _PANELS.items() if any(name in row for row in history for name in lines)}
    figure = Figure(figsize=(6.0 * len(panels), 4.0), dpi=100, layout="constrained")
    for axes, (title, lines) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        _draw(axes, title, lines, history)
    FigureCanvasAgg(figure).print_png(str(path))


def _draw(axes: Axes, title: str, lines: Mapping[str, str], history: Sequence[Mapping[str, float]]) -> None:
    for name, label in lines.items():
        points = [(row["epoch"], row[name]) for row in history if name in row]
        if points:
            axes.plot(*zip(*points, strict=True), label=label, marker="." if len(points) < 30 else "")
    axes.set(title=title, xlabel="epoch")
    axes.set_ylim(0, 1.08 * axes.dataLim.y1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()

"""Matplotlib without pyplot: a figure of an exact size in pixels, and its picture."""

from __future__ import annotations

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from videopose3d.render.theme import RGB
from videopose3d.types import Frame

DPI = 100


def new_figure(size: tuple[int, int], colour: RGB) -> Figure:
    """An empty figure of ``size`` (width, height) [px], filled with ``colour``, on an Agg canvas."""
    inches = ((size[0] + 0.01) / DPI, (size[1] + 0.01) / DPI)
    figure = Figure(figsize=inches, dpi=DPI, facecolor=named(colour))
    FigureCanvasAgg(figure)
    return figure


def named(colour: RGB) -> str:
    """The colour as matplotlib takes it: ``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def drawn(figure: Figure) -> Frame:
    """(h, w, 4) RGBA: the canvas' own buffer, which later drawing changes, with everything drawn once."""
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())

"""Pictures and videos of a result: 2D skeletons on the frames, the 3D scenes beside them, plots below.

See docs/rendering.md.
"""

from videopose3d.render.compose import Composer
from videopose3d.render.layout import Layout, plan
from videopose3d.render.movie import RenderReport, check_before, frames_shown, render_video
from videopose3d.render.overlay import Overlay
from videopose3d.render.scene import Scene
from videopose3d.render.truth import Truth, load_truth

__all__ = [
    "Composer",
    "Layout",
    "Overlay",
    "RenderReport",
    "Scene",
    "Truth",
    "check_before",
    "frames_shown",
    "load_truth",
    "plan",
    "render_video",
]

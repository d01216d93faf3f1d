"""Pictures and videos of a result: 2D skeletons on the frames, and the 3D scene beside them."""

from videopose3d.render.compose import Composer, Layout, plan
from videopose3d.render.movie import RenderReport, render_video
from videopose3d.render.overlay import Overlay
from videopose3d.render.scene import Scene

__all__ = ["Composer", "Layout", "Overlay", "RenderReport", "Scene", "plan", "render_video"]

"""How fast a picture is drawn: our renderer against a new matplotlib figure for every frame.

    python benchmarks/render.py [--frames 300] [--people 1] [--everything] [--minutes 10]

Both draw the same synthetic clip, 1280x720, the video's frame with the 2D skeleton on the left and the 3D
scene on the right, in the same run. "draw" is the picture alone, "encode" the whole way from a video to an MP4.
With --everything three more ways of ours: the light theme; a second view, a truth and two plots; an orbit. With
--minutes the peak memory of a clip that long.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from videopose3d.config import RenderConfig
from videopose3d.opencv import cv2
from videopose3d.render import Composer, plan, render_video
from videopose3d.render.stage import camera_to_display
from videopose3d.render.theme import DARK, bone_sides
from videopose3d.result_file import boxes_around
from videopose3d.skeleton import COCO17, H36M17
from videopose3d.types import Frame, Keypoints2D, Poses3D, Result
from videopose3d.video import open_writer

SIZE = (640, 720)
FPS = Fraction(30)

Draw = Callable[[int, Frame], Frame]


def synthetic(frames: int, people: int) -> Result:
    """People whose joints swing about a standing pose: as many lines as a real clip, and none alike."""
    rng = np.random.default_rng(0)
    stand = rng.normal(0, 0.3, (people, 1, 17, 3)) * (1, 1.6, 1)
    time_s = np.arange(frames)[:, None, None] / float(FPS)
    swing = 0.15 * np.sin(2 * np.pi * time_s + rng.uniform(0, 6, (people, 1, 17, 3)))
    poses = (stand + swing).astype(np.float32)
    poses -= poses[:, :, :1]
    roots = np.zeros((people, frames, 3)) + np.array([[[p - (people - 1) / 2, 0, 4.5]] for p in range(people)])
    camera = poses + roots[:, :, None]
    points = (camera[..., :2] / camera[..., 2:] * 700 + np.array(SIZE) / 2).astype(np.float32)
    seen = np.ones((people, frames), bool)
    scores = np.full((people, frames, 17), 0.9, np.float32)
    keypoints = Keypoints2D(points, scores, boxes_around(points), seen, COCO17, FPS, SIZE, "synthetic")
    return Result(keypoints, Poses3D(poses, roots.astype(np.float32), H36M17))


def ours(result: Result) -> Draw:
    composer = Composer(result, plan(SIZE, 720), RenderConfig())
    canvas = composer.canvas()
    return lambda frame, video: composer.draw(frame, video, canvas)


def figure_per_frame(result: Result) -> Draw:
    """What is usually done: figure, axes and artists are made anew for every frame."""
    kp, room = result.keypoints, camera_to_display(result.poses_3d + result.trajectory[:, :, None])
    coco, h36m = bone_sides(COCO17), bone_sides(H36M17)
    colour = {side: np.array(DARK.side(side)) / 255 for side in ("left", "right", "middle")}

    def draw(frame: int, video: Frame) -> Frame:
        figure = Figure(figsize=(12.8, 7.2), dpi=100)
        canvas = FigureCanvasAgg(figure)
        left = figure.add_axes((0, 0, 0.5, 1))
        left.imshow(video)
        left.set_axis_off()
        right = figure.add_axes((0.5, 0, 0.5, 1), projection="3d")
        right.view_init(elev=12, azim=-65)
        right.set(xlim=(-1.5, 1.5), ylim=(3, 6), zlim=(-1.2, 1.2))
        for person in range(result.people):
            for (a, b), side in zip(COCO17.bone_indices, coco, strict=True):
                left.plot(*kp.points[person, frame, [a, b]].T, "o-", color=colour[side], lw=4)
            for (a, b), side in zip(H36M17.bone_indices, h36m, strict=True):
                right.plot(*room[person, frame, [a, b]].T, "o-", color=colour[side], lw=4)
        canvas.draw()
        return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])

    return draw


def rate(draw: Draw, video: Frame, frames: int) -> float:
    """Pictures per second of one core's time, after one picture to warm up."""
    draw(0, video)
    started = time.process_time()
    for frame in range(frames):
        draw(frame, video)
    return frames / (time.process_time() - started)


def encode_ours(result: Result, folder: Path, video: Path, config: RenderConfig | None = None) -> float:
    report = render_video(result, folder / "ours.mp4", video=video, config=config)
    return report.frames / report.seconds


def encode_everything(result: Result, folder: Path, video: Path) -> None:
    np.savez(folder / "truth.npz", poses_3d=result.poses_3d, trajectory=result.trajectory)
    plots = ("right_knee,left_knee", "left_wrist:height")
    ways = {
        "light theme": RenderConfig(theme="light"),
        "orbit": RenderConfig(orbit=30),
        "3 scenes, 2 plots": RenderConfig(second_view="side", truth=str(folder / "truth.npz"), plot=plots),
    }
    for name, config in ways.items():
        print(f"  {name:18} {encode_ours(result, folder, video, config):8.1f} frames/s")


def memory(minutes: float, people: int, folder: Path, picture: Frame) -> None:
    """Render a clip that long; print the peak of this process and of the largest ffmpeg."""
    frames = round(60 * minutes * FPS)
    write_source(folder / "long.mp4", picture, frames)
    speed = encode_ours(synthetic(frames, people), folder, folder / "long.mp4")
    own, child = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(f"{minutes:g} minutes, {frames} frames, {speed:.1f} frames/s")
    print(f"peak memory: {own:.0f} MiB, and {child:.0f} MiB of the larger of two ffmpeg; {own + 2 * child:.0f} at most")


def write_source(path: Path, picture: Frame, frames: int) -> None:
    with open_writer(path, SIZE, FPS) as writer:
        for _ in range(frames):
            writer.write(picture)


def encode_figures(draw: Draw, picture: Frame, folder: Path, frames: int) -> float:
    started = time.perf_counter()
    with open_writer(folder / "figures.mp4", (1280, 720), FPS) as writer:
        for frame in range(frames):
            writer.write(draw(frame, picture))
    return frames / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--people", type=int, default=1)
    parser.add_argument("--everything", action="store_true")
    parser.add_argument("--minutes", type=float)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    shades = np.linspace(60, 200, SIZE[0] * SIZE[1] * 3, dtype=np.uint8)
    picture: Frame = shades.reshape(SIZE[1], SIZE[0], 3)
    if options.minutes:
        with tempfile.TemporaryDirectory() as name:
            memory(options.minutes, options.people, Path(name), picture)
        return
    result = synthetic(options.frames, options.people)
    few = max(10, options.frames // 5)
    draw, baseline = rate(ours(result), picture, options.frames), rate(figure_per_frame(result), picture, few)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_source(folder / "source.mp4", picture, options.frames)
        encode = encode_ours(result, folder, folder / "source.mp4")
        encode_baseline = encode_figures(figure_per_frame(result), picture, folder, few)
        print(f"1280x720, {options.frames} frames, people: {options.people}")
        print("                   videopose3d   figure per frame    ratio")
        print(f"draw   [frames/s]  {draw:11.1f}   {baseline:16.1f}   {draw / baseline:5.1f}x")
        print(f"encode [frames/s]  {encode:11.1f}   {encode_baseline:16.1f}   {encode / encode_baseline:5.1f}x")
        if options.everything:
            encode_everything(result, folder, folder / "source.mp4")


if __name__ == "__main__":
    main()

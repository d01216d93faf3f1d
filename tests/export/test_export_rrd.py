"""Recordings read back by Rerun's own readers, those of 0.23 and those of 0.41.

Rerun is not among the development packages (hundreds of megabytes); in an environment of its own:
pip install -e '.[rerun]' pytest, then pytest tests/export/test_export_rrd.py.
"""

from __future__ import annotations

import importlib.util
import os
import sysconfig
from typing import Any

import numpy as np
import pytest
from clips import MakeVideo, frame_number

from tests.export.ground import HEIGHT, grounded, world_from_camera
from videopose3d.errors import MissingDependencyError, OutputError, VideoPose3DError
from videopose3d.export import export_result, exporter, rrd
from videopose3d.export.rrd_scene import about
from videopose3d.export.upright import levelled, upright
from videopose3d.joint_angles import joint_angles
from videopose3d.skeleton import H36M17
from videopose3d.video import probe, read_frames

NOBODY, UNPLACED = 2, 4  # frames of the first person, see make_result
installed = pytest.mark.skipif(importlib.util.find_spec("rerun") is None, reason="no rerun-sdk")

OLD_NAMES = {
    "Points3D:positions": "Position3D", "Points3D:labels": "Text", "Points2D:positions": "Position2D",
    "LineStrips3D:strips": "LineStrip3D", "Scalars:scalars": "Scalar", "TextDocument:text": "Text",
    "VideoFrameReference:timestamp": "VideoTimestamp", "AssetVideo:blob": "Blob",
    "Pinhole:image_from_camera": "PinholeProjection", "Transform3D:mat3x3": "TransformMat3x3",
    "Transform3D:translation": "Translation3D",
}  # fmt: skip
"""Columns as 0.23 calls them."""


def values(column: Any) -> list[Any]:
    """Of an Arrow column; durations as nanoseconds."""
    listed: list[Any] = (column.cast("int64") if str(column.type).startswith("duration") else column).to_pylist()
    return listed


class Recording:
    """The columns of a file: for each frame, or static, a list of values."""

    def __init__(self, path) -> None:
        self.columns: dict[str, list[Any]] = {}
        rerun = pytest.importorskip("rerun")
        if hasattr(rerun, "dataframe"):
            view = rerun.dataframe.load_recording(str(path)).view(index="frame", contents="/**")
            table = view.select().read_all()
            self.columns = {name: values(table[name]) for name in table.column_names}
            static = view.select_static().read_all()
            self.columns |= {name: static[name].to_pylist() for name in static.column_names}
            self.new = False
            return
        self.new = True
        for chunk in importlib.import_module("rerun.chunk").RrdReader(str(path)).stream():
            batch = chunk.to_record_batch()
            for name in batch.schema.names:
                if ":" in name:
                    self.columns[f"{chunk.entity_path}:{name}"] = batch.column(name).to_pylist()
                elif name in ("frame", "time"):
                    self.columns[name] = values(batch.column(name))

    def get(self, entity: str, field: str) -> list[Any]:
        return self.columns[f"/{entity}:{field if self.new else OLD_NAMES[field]}"]

    def entities(self) -> set[str]:
        return {name.partition(":")[0] for name in self.columns}


def export(result, folder, **more) -> Recording:
    export_result(result, folder / "out.rrd", **more)
    return Recording(folder / "out.rrd")


def listed(cells: list[Any]) -> list[list[Any]]:
    return [cell or [] for cell in cells]


def test_without_rerun_one_line_says_what_to_install(make_result, tmp_path, monkeypatch):
    monkeypatch.setattr(rrd, "find_spec", lambda name: None)
    for attempt in (lambda: exporter(tmp_path / "out.rrd"), lambda: export_result(make_result(), tmp_path / "out.rrd")):
        with pytest.raises(MissingDependencyError, match=r"out\.rrd: Rerun is not installed.*videopose3d\[rerun\]"):
            attempt()
    with pytest.raises(MissingDependencyError, match=r"videopose3d\[rerun\]"):
        rrd.view(make_result())
    assert not list(tmp_path.iterdir())


def test_without_a_screen_the_viewer_is_not_tried(make_result, monkeypatch):
    monkeypatch.setattr(rrd, "find_spec", lambda name: True)
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(OutputError, match=r"no screen.*\.rrd"):
        rrd.view(make_result())


def test_units_axes_and_names_are_said(make_result):
    text = about(grounded(make_result()))
    for words in ("metres", "z up", "degrees", "right_wrist", "left_ankle", "30000/1001", "found in the clip"):
        assert words in text
    assert "taken for level" in about(make_result())


@installed
def test_the_joints_come_back_frame_by_frame(make_result, tmp_path):
    result = grounded(make_result())
    found = export(result, tmp_path)
    assert found.columns["frame"] == list(range(6))
    np.testing.assert_allclose(np.array(found.columns["time"]) / 1e9, np.arange(6) * 1001 / 30000, atol=1e-8)
    for person, name in enumerate(("person_1", "person_2")):
        world = result.world.poses[person]
        positions = listed(found.get(f"world/{name}/joints", "Points3D:positions"))
        labels = listed(found.get(f"world/{name}/joints", "Points3D:labels"))
        for frame in range(6):
            if np.isnan(world[frame]).any():
                assert positions[frame] == []
                continue
            np.testing.assert_allclose(positions[frame], world[frame], atol=1e-5)
            assert labels[frame] == list(H36M17.joints)
    assert listed(found.get("world/person_1/joints", "Points3D:positions"))[NOBODY] == []
    bones = listed(found.get("world/person_1/bones", "LineStrips3D:strips"))
    assert [len(frame) for frame in bones] == [16, 16, 0, 16, 0, 16]
    a, b = H36M17.bone_indices[5]
    np.testing.assert_allclose(bones[1][5], result.world.poses[0, 1, [a, b]], atol=1e-5)
    contacts = [len(frame) for frame in listed(found.get("world/person_2/contacts", "Points3D:positions"))]
    assert contacts == result.world.contacts[1].sum(-1).tolist()


@installed
def test_the_plots_are_angles_height_and_contacts(make_result, tmp_path):
    result = grounded(make_result())
    found = export(result, tmp_path)
    angles = joint_angles(levelled(result))
    for part, name in (("legs", "left_knee_flexion"), ("legs", "right_hip_flexion"), ("arms", "left_elbow_flexion")):
        curve = found.get(f"angles/{part}/person_2/{name}", "Scalars:scalars")
        values = [cell[0] if cell else np.nan for cell in curve]
        np.testing.assert_allclose(values, angles[name][1], atol=1e-6)
    heights = [cell[0] if cell else np.nan for cell in found.get("height/person_1", "Scalars:scalars")]
    np.testing.assert_allclose(heights, result.world.poses[0, :, 0, 2], atol=1e-5)
    left = [cell[0] for cell in found.get("contacts/person_1/left", "Scalars:scalars")]
    assert left == result.world.contacts[0, :, 0].tolist()


@installed
def test_the_camera_sees_what_was_filmed(make_result, tmp_path):
    result = grounded(make_result())
    found = export(result, tmp_path)
    matrix = np.array(found.get("world/camera", "Transform3D:mat3x3")[0]).reshape(3, 3).T  # columns first
    np.testing.assert_allclose(matrix, world_from_camera()[:, :3], atol=1e-6)
    np.testing.assert_allclose(found.get("world/camera", "Transform3D:translation")[0], [[0, 0, HEIGHT]], atol=1e-6)
    lens = np.array(found.get("world/camera", "Pinhole:image_from_camera")[0]).reshape(3, 3).T
    np.testing.assert_allclose(lens, [[1500, 0, 960], [0, 1500, 540], [0, 0, 1]])
    keypoints = listed(found.get("world/camera/person_2/keypoints", "Points2D:positions"))
    np.testing.assert_allclose(keypoints[1], result.keypoints_2d[1, 1], rtol=1e-5)


@installed
def test_without_a_ground_the_motion_stands_on_its_floor(make_result, tmp_path):
    result = make_result()
    found = export(result, tmp_path)
    x, y, z = np.moveaxis(upright(result)[1, 0], -1, 0)
    positions = found.get("world/person_2/joints", "Points3D:positions")[0]
    np.testing.assert_allclose(positions, np.stack([x, -z, y], -1), atol=1e-5)
    assert not any("contacts" in name for name in found.entities())


@installed
def test_the_video_is_on_the_same_timeline(make_result, make_video: MakeVideo, tmp_path):
    result = make_result(1, 100)
    film = make_video(name="film.mp4", size=(640, 360), fps="30000/1001", frames=100)
    found = export(result, tmp_path, video=film)
    [blob] = found.get("world/camera/video", "AssetVideo:blob")
    (tmp_path / "film.mp4").write_bytes(bytes(np.array(blob, np.uint8).ravel()))
    info = probe(tmp_path / "film.mp4")
    assert (info.size, info.frame_count, info.fps) == ((640, 360), 100, result.fps)
    shown = [frame_number(frame) for frame in read_frames(tmp_path / "film.mp4")]
    stamps = np.array(found.get("world/camera/video", "VideoFrameReference:timestamp")).ravel()
    assert [shown[int(stamp * result.fps / 10**9)] for stamp in stamps.tolist()] == list(range(100))
    keypoints = listed(found.get("world/camera/person_1/keypoints", "Points2D:positions"))
    np.testing.assert_allclose(keypoints[1], result.keypoints_2d[0, 1] / 3, rtol=1e-5)  # 1920 px of the source


@installed
@pytest.mark.filterwarnings("ignore:RecordingView")  # 0.23 remarks that nothing is on the timeline
@pytest.mark.parametrize(("people", "frames"), [(0, 5), (2, 0), (1, 1)])
def test_empty_results_are_whole_files(make_result, tmp_path, people, frames):
    assert "metres" in export(make_result(people, frames), tmp_path).get("about", "TextDocument:text")[0][0]


@installed
def test_a_result_of_the_2d_stage_leaves_no_file(make_result, tmp_path):
    with pytest.raises(VideoPose3DError, match="2D keypoints only"):
        export_result(make_result(lifted=False), tmp_path / "out.rrd")
    assert not list(tmp_path.iterdir())


@installed
def test_the_viewer_gets_the_same(make_result, tmp_path, monkeypatch):
    rerun = pytest.importorskip("rerun")
    monkeypatch.setenv("DISPLAY", ":0")

    def spawn(recording, **more) -> None:
        recording.save(str(tmp_path / "seen.rrd"), **more)

    monkeypatch.setattr(rerun.RecordingStream, "spawn", spawn)
    result = grounded(make_result())
    rrd.view(result)
    found = Recording(tmp_path / "seen.rrd")
    np.testing.assert_allclose(
        found.get("world/person_2/joints", "Points3D:positions")[0], result.world.poses[1, 0], atol=1e-5
    )


@installed
def test_a_viewer_that_does_not_open_is_one_line(make_result, monkeypatch):
    rerun = pytest.importorskip("rerun")
    monkeypatch.setenv("DISPLAY", ":0")
    paths = []

    def spawn(recording, **more) -> None:
        paths.append(os.environ["PATH"].split(os.pathsep)[0])
        raise RuntimeError("Failed to find Rerun Viewer executable in PATH.\nmore\nlines")

    monkeypatch.setattr(rerun.RecordingStream, "spawn", spawn)
    before = os.environ["PATH"]
    with pytest.raises(OutputError, match=r"the viewer did not open \(Failed to find .* in PATH\.\)\. Write a \.rrd"):
        rrd.view(make_result())
    assert paths == [sysconfig.get_path("scripts")]
    assert os.environ["PATH"] == before

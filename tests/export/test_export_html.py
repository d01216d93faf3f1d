"""The page as text and data, and its script in node, where that is installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import MakeVideo, frame_number

from tests.export.ground import grounded
from videopose3d.errors import InputError
from videopose3d.export import export_result
from videopose3d.export.html import UNKNOWN, _json
from videopose3d.export.upright import upright
from videopose3d.render import theme
from videopose3d.skeleton import COCO17, H36M17
from videopose3d.video import probe, read_frames

NOBODY, GUESSED = 2, 3  # frames of the first person, see make_result
NODE = shutil.which("node")


class Page(HTMLParser):
    """Elements with their attributes, and the text of title, style and scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside = str(dict(attrs).get("id") or tag)

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        self.texts[self.inside] = self.texts.get(self.inside, "") + data


def film_of(make_video: MakeVideo) -> Path:
    """What `make_result` with 100 frames could have been made from."""
    return make_video(name="film.mp4", size=(640, 360), fps="30000/1001", frames=100)


def export(result, folder: Path) -> Page:
    export_result(result, folder / "out.html")
    return Page((folder / "out.html").read_text(encoding="utf-8"))


def array(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(b64decode(text), kind)


def points_of(motion: dict[str, Any], person: int) -> np.ndarray:
    """(T, J, 3) [m] as the page holds them."""
    entry = motion["people"][person]
    steps = array(entry["joints"], "<i2").reshape(motion["frames"], len(motion["joints"]), 3)
    roots = array(entry["roots"], "<f4").reshape(motion["frames"], 1, 3)
    return np.where(steps == UNKNOWN, np.nan, steps * motion["unit"]) + roots


def test_the_motion_comes_back(make_result, tmp_path):
    result = make_result()
    motion = json.loads(export(result, tmp_path).texts["motion"])
    assert (motion["fps"], motion["frames"], motion["joints"]) == ([30000, 1001], 6, list(H36M17.joints))
    assert motion["bones"] == [list(bone) for bone in H36M17.bone_indices]
    assert [person["id"] for person in motion["people"]] == [1, 2]
    expected = upright(result, fill=True)
    for person in range(2):
        np.testing.assert_allclose(points_of(motion, person), expected[person], atol=motion["unit"] * 0.51 + 1e-6)
        seen = array(motion["people"][person]["seen"], "u1")
        np.testing.assert_array_equal(seen, result.keypoints.present[person])
    assert np.isnan(points_of(motion, 0)[NOBODY]).all()


def test_the_page_asks_the_network_for_nothing(make_result, tmp_path):
    page = export(make_result(), tmp_path)
    policy = next(a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    addresses = [a[key] for _, a in page.elements for key in ("src", "href", "action", "srcset") if key in a]
    assert addresses == ["data:,"]
    assert not re.search(
        r"https?:|//[a-z]+\.|url\(|@import|fetch\(|XMLHttpRequest", page.texts["style"] + page.texts["script"]
    )
    assert len(page.texts["script"]) < 60_000


def test_a_source_named_like_a_script_stays_text(make_result, tmp_path):
    result = make_result()
    name = "</script><script>alert(1)<!-- {{script}} & ü.mp4"
    result = replace(result, keypoints=replace(result.keypoints, source=name))
    page = export(result, tmp_path)
    assert page.texts["title"] == Path(name).name
    assert [a.get("type") for tag, a in page.elements if tag == "script"] == [
        "text/plain",
        "application/json",
        None,
    ]
    assert page.texts["script"].count('"use strict"') == 1


def test_no_text_in_the_motion_can_end_its_element():
    assert "<" not in _json({"facts": "</script><!--"})
    assert json.loads(_json({"facts": "</script><!--"})) == {"facts": "</script><!--"}


def test_left_and_right_have_the_colours_of_the_video(make_result, tmp_path):
    style = export(make_result(), tmp_path).texts["style"]
    dark, _, light = style.partition(':root[data-theme="light"]')
    for look, drawn in ((dark, theme.DARK), (light, theme.LIGHT)):
        colours = {name: drawn.side(name) for name in ("left", "right", "middle")}
        for name, colour in {**colours, "page": drawn.background, "text": drawn.text}.items():
            assert f"--{name}: rgb{colour};" in look
    assert re.findall(r"--[\w-]+(?=:)", dark) == re.findall(r"--[\w-]+(?=:)", light.split("}")[0])


def test_feet_on_the_ground_are_told(make_result, tmp_path):
    result = grounded(make_result())
    motion = json.loads(export(result, tmp_path).texts["motion"])
    for person in range(2):
        found = array(motion["people"][person]["contacts"], "u1")
        np.testing.assert_array_equal(np.stack([found & 1, found >> 1], -1), result.world.contacts[person])
    assert "on the ground" in motion["facts"]
    plain = json.loads(export(make_result(), tmp_path).texts["motion"])
    assert plain["people"][0]["contacts"] == ""
    assert "camera taken for level" in plain["facts"]


def test_the_video_is_in_the_page_if_asked(make_result, make_video, tmp_path):
    result = make_result(2, 100)
    export_result(result, tmp_path / "out.html", video=film_of(make_video))
    page = Page((tmp_path / "out.html").read_text(encoding="utf-8"))
    (tmp_path / "film.mp4").write_bytes(b64decode(page.texts["film-data"]))
    info = probe(tmp_path / "film.mp4")
    assert (info.size, info.codec, info.frame_count, info.fps) == ((480, 270), "h264", 100, result.fps)
    assert [frame_number(frame) for frame in read_frames(tmp_path / "film.mp4")] == list(range(100))
    motion = json.loads(page.texts["motion"])
    assert f"video {(tmp_path / 'film.mp4').stat().st_size / 1e6:.2g} MB" in motion["facts"]
    film = motion["film"]
    assert (film["size"], film["joints"]) == ([1920, 1080], list(COCO17.joints))
    steps = array(film["people"][0]["points"], "<i2").reshape(100, 17, 2)
    found = np.where(steps == UNKNOWN, np.nan, steps * film["unit"])
    np.testing.assert_allclose(found, result.keypoints_2d[0], atol=film["unit"])
    scores = array(film["people"][1]["scores"], "u1").reshape(100, 17)
    np.testing.assert_allclose(scores / 255, result.keypoints_score[1], atol=0.003)


def test_without_a_video_there_is_none(make_result, tmp_path):
    page = export(make_result(), tmp_path)
    assert "film-data" not in page.texts
    assert "film" not in json.loads(page.texts["motion"])


def test_the_video_of_something_else_is_refused(make_result, make_video, tmp_path):
    with pytest.raises(InputError, match="64x48"):
        export_result(make_result(), tmp_path / "out.html", video=make_video())
    with pytest.raises(InputError, match="gone"):
        export_result(make_result(), tmp_path / "out.html", video=tmp_path / "gone.mp4")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("people", "frames"), [(0, 5), (1, 1), (2, 0)])
def test_empty_results(make_result, tmp_path, people, frames):
    motion = json.loads(export(make_result(people, frames), tmp_path).texts["motion"])
    assert (len(motion["people"]), motion["frames"]) == (people, frames)


def test_a_joint_far_away_coarsens_the_steps_and_is_kept(make_result, tmp_path):
    result = make_result(1)
    result.poses.poses[0, 0, 5, 0] = 50.0
    motion = json.loads(export(result, tmp_path).texts["motion"])
    assert 1e-3 < motion["unit"] < 2e-3
    np.testing.assert_allclose(points_of(motion, 0), upright(result, fill=True)[0], atol=motion["unit"])


def test_ten_minutes_fit_a_few_megabytes(make_result, tmp_path):
    export(make_result(1, 18000), tmp_path)
    assert (tmp_path / "out.html").stat().st_size < 4_000_000


@pytest.mark.skipif(NODE is None, reason="no node")
def test_the_script_decodes_and_projects(make_result, tmp_path):
    result = make_result()
    result.poses.poses[0, 1, 5] = np.nan
    page = export(result, tmp_path)
    (tmp_path / "motion.json").write_text(page.texts["motion"])
    check = """
    const motion = readMotion(require("fs").readFileSync(process.argv[2], "utf8"));
    const view = { yaw: Math.PI / 2, pitch: 0, distance: 5, target: [1, 0, 0] };
    const size = { width: 200, height: 100, focal: 1 };
    console.log(JSON.stringify({
      poses: motion.actors.map((a) => [...Array(motion.frames).keys()].map((t) => a.pose(t))),
      seen: motion.actors[0].isSeen(3),
      right: toView([1, 0, -2], view),
      pixels: toPixels([1, 2, 4], size),
      after: [frameAfter(4, 0.1, 0.5, motion), frameAfter(5, 0.1, 1, motion)],
      cut: clipped([[0, 0, -1], [0, 0, 1]]),
      hidden: clipped([[0, 0, -1], [0, 0, -2]]),
      time: timeText(3, { ...motion, rate: 0.04 }),
      colours: motion.bones.map((bone) => boneColour(motion, bone, 0)),
    }));
    """
    (tmp_path / "check.js").write_text(page.texts["script"] + check)
    done = subprocess.run(
        [str(NODE), str(tmp_path / "check.js"), str(tmp_path / "motion.json")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    expected = upright(result, fill=True)
    assert got["poses"][0][NOBODY] is None
    assert [joint for joint, point in enumerate(got["poses"][0][1]) if point is None] == [5]
    np.testing.assert_allclose(np.array(got["poses"][1], float), expected[1], atol=1e-4)
    assert not got["seen"]
    np.testing.assert_allclose(got["right"], [2, 0, 5], atol=1e-12)  # from its left side the view has -z on the right
    assert got["pixels"] == [125, 0, 25]
    np.testing.assert_allclose(got["after"], [4 + 0.05 * 30000 / 1001, (5 + 3000 / 1001) % 6])
    assert got["cut"][0][2] == pytest.approx(0.1)
    assert got["hidden"] is None
    assert got["time"] == "1:15.00  ·  frame 3 of 6"
    assert got["colours"] == theme.bone_sides(H36M17)

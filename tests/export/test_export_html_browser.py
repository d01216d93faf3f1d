"""The page in a headless Chromium, where one is installed (Debian: apt install chromium-headless-shell)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import MakeVideo

from tests.export.browser import BROWSER, Tab, opened
from tests.export.ground import grounded
from videopose3d.export import export_result
from videopose3d.render import theme

pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no Chromium")]


def export(result, folder: Path) -> None:
    export_result(result, folder / "out.html")


def film_of(make_video: MakeVideo) -> Path:
    """What `make_result` with 100 frames could have been made from."""
    return make_video(name="film.mp4", size=(640, 360), fps="30000/1001", frames=100)


def drawn(tab: Tab) -> dict[str, Any]:
    """What the page shows once it has drawn again; ``ink`` changes with the picture."""
    return dict(
        tab.run("""(async () => {
          for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
          const canvas = document.getElementById("scene"), text = (id) => document.getElementById(id).textContent;
          return { frame: Number(document.getElementById("seek").value), time: text("time"), legend: text("legend"),
            ink: canvas.toDataURL(), speed: document.getElementById("speed").value,
            nobody: !document.getElementById("nobody").hidden };
        })()""")
    )


def test_the_page_plays_and_scrubs_in_a_browser(make_result, tmp_path):
    result = make_result(2, 100)
    result.poses.poses[:, 99] = np.nan
    export(result, tmp_path)
    with opened(tmp_path / "out.html") as tab:
        tab.run("new Promise((done) => setTimeout(done, 500))")
        first = drawn(tab)
        assert 0 < first["frame"] < 60  # it plays by itself
        assert first["legend"] == "their lefttheir rightperson 1person 2"
        tab.press(" ")
        tab.run("seek = document.getElementById('seek'); seek.value = 40; seek.dispatchEvent(new Event('input'))")
        assert drawn(tab)["time"].endswith("frame 40 of 100")
        still = drawn(tab)
        assert still == drawn(tab)  # it stands still
        tab.press("ArrowRight")
        tab.press("ArrowRight", shift=True)
        tab.press("ArrowUp")
        moved = drawn(tab)
        assert (moved["frame"], moved["speed"]) == (40 + 1 + 30, "2")
        inks = {still["ink"], moved["ink"]}
        tab.mouse("mousePressed", 400, 300, button="left", buttons=1, clickCount=1)
        tab.mouse("mouseMoved", 460, 320, button="left", buttons=1)
        tab.mouse("mouseReleased", 460, 320, button="left", clickCount=1)
        inks.add(drawn(tab)["ink"])
        tab.mouse("mouseWheel", 400, 300, deltaX=0, deltaY=120)
        inks.add(drawn(tab)["ink"])
        for key in "23o":
            tab.press(key)
            inks.add(drawn(tab)["ink"])
        assert len(inks) == 7  # seek, steps, turn, zoom, two views and the orbit each change the picture
        tab.press("End")
        assert (drawn(tab)["frame"], drawn(tab)["nobody"]) == (99, True)
        assert tab.complaints == []
        assert {url for url in tab.requests if not url.startswith("data:")} == {(tmp_path / "out.html").as_uri()}


FILM_FRAME = """(async () => {
  for (let i = 0; i < 12; i++) await new Promise(requestAnimationFrame);
  const video = document.getElementById("video");
  const pen = new OffscreenCanvas(480, 270).getContext("2d", { willReadFrequently: true });
  pen.drawImage(video, 0, 0);
  const shade = (bit) => pen.getImageData((bit * 2 + 1) * 30, 135, 1, 1).data[0];
  const film = [0, 1, 2, 3, 4, 5, 6, 7].reduce((sum, bit) => sum + (shade(bit) > 127 ? 1 << bit : 0), 0);
  return { film, frame: Number(document.getElementById("seek").value), paused: video.paused,
    overlay: document.getElementById("overlay").toDataURL() };
})()"""
"""Which frame the video shows, as the test clip says it, and which one the page."""


def test_the_video_runs_with_the_motion_in_a_browser(make_result, make_video, tmp_path):
    export_result(make_result(2, 100), tmp_path / "out.html", video=film_of(make_video))
    with opened(tmp_path / "out.html") as tab:
        tab.run("new Promise((done) => setTimeout(done, 700))")
        playing = tab.run(FILM_FRAME)
        assert not playing["paused"]
        assert 5 < playing["frame"] < 90
        assert abs(playing["film"] - playing["frame"]) <= 2
        tab.press(" ")
        for frame in (0, 40, 41, 99, 7):
            tab.run(
                f"seek = document.getElementById('seek'); seek.value = {frame}; seek.dispatchEvent(new Event('input'))"
            )
            tab.run("new Promise((done) => setTimeout(done, 150))")
            found = tab.run(FILM_FRAME)
            assert (found["film"], found["frame"], found["paused"]) == (frame, frame, True)
        tab.press("ArrowRight")
        tab.run("new Promise((done) => setTimeout(done, 150))")
        found = tab.run(FILM_FRAME)
        assert found["film"] == found["frame"] == 8
        tab.press("k")
        assert tab.run(FILM_FRAME)["overlay"] != found["overlay"]  # without keypoints
        tab.press("End")
        tab.press(" ")
        tab.run("new Promise((done) => setTimeout(done, 600))")
        assert tab.run(FILM_FRAME)["frame"] < 60  # from the end it begins anew
        assert tab.complaints == []
        outside = {url for url in tab.requests if not url.startswith(("data:", "blob:"))}
        assert outside == {(tmp_path / "out.html").as_uri()}


@pytest.mark.parametrize(("width", "height"), [(360, 640), (320, 568), (740, 360)])
def test_the_page_fits_a_phone(make_result, make_video, tmp_path, width, height):
    export_result(grounded(make_result(2, 100)), tmp_path / "out.html", video=film_of(make_video))
    with opened(tmp_path / "out.html") as tab:
        tab.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2, mobile=True)
        tab.press("?")
        seen = tab.run("""(async () => {
          for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
          const box = (id) => document.getElementById(id).getBoundingClientRect();
          const inside = (b) => b.left >= 0 && b.right <= innerWidth && b.width > 0;
          return { wide: document.documentElement.scrollWidth, high: document.documentElement.scrollHeight,
            scene: [box("scene").width, box("scene").height], film: [box("film").width, box("film").height],
            inside: ["play", "seek", "time", "speed", "theme", "points", "help", "keys", "steps"].map(
              (id) => [id, inside(box(id))]) };
        })()""")
        assert seen["wide"] == width
        assert seen["high"] <= height
        assert min(seen["scene"] + seen["film"]) > 50
        assert all(fits for _, fits in seen["inside"]), seen


def test_dark_and_light_and_feet_on_the_ground(make_result, tmp_path):
    result = make_result(2, 100)
    export(grounded(result), tmp_path)
    look = """(() => ({ theme: document.documentElement.dataset.theme,
      page: getComputedStyle(document.body).backgroundColor,
      steps: document.getElementById("steps").toDataURL() }))()"""
    with opened(tmp_path / "out.html") as tab:
        tab.press(" ")
        tab.press("Home")
        tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        drawn(tab)
        dark = tab.run(look)
        assert dark["theme"] == "dark"
        assert dark["page"] == f"rgb{theme.DARK.background}"
        with_feet = drawn(tab)["ink"]
        tab.press("t")
        drawn(tab)
        light = tab.run(look)
        assert light["theme"] == "light"
        assert light["page"] == f"rgb{theme.LIGHT.background}"
        assert light["steps"] != dark["steps"]
        tab.press("t")
        assert drawn(tab)["ink"] == with_feet
        assert tab.complaints == []
    clip = grounded(result)
    clip.world.contacts[:] = False
    export(clip, tmp_path)
    with opened(tmp_path / "out.html") as tab:
        tab.press(" ")
        tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        tab.press("Home")
        assert drawn(tab)["ink"] != with_feet


@pytest.mark.parametrize(("people", "frames"), [(0, 5), (1, 1), (2, 0)])
def test_a_page_without_motion_opens(make_result, tmp_path, people, frames):
    export(make_result(people, frames), tmp_path)
    with opened(tmp_path / "out.html") as tab:
        tab.press("ArrowRight")
        assert drawn(tab)["nobody"] is (people * frames == 0)
        assert tab.complaints == []


def test_the_browser_sees_what_a_bad_page_does(tmp_path):
    (tmp_path / "bad.html").write_text("<img src='http://127.0.0.1:9/a.png'><script>nothing.at.all()</script>")
    with opened(tmp_path / "bad.html") as tab:
        tab.run("new Promise((done) => setTimeout(done, 300))")
        assert any("a.png" in url for url in tab.requests)
        assert any("nothing" in complaint for complaint in tab.complaints)

"""Reading and writing videos, on clips made here."""

from __future__ import annotations

import gc
import logging
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from clips import QUADRANTS, MakeVideo, frame_number, picture
from hypothesis import given
from hypothesis import strategies as st

from videopose3d import video
from videopose3d.errors import MissingDependencyError, OutputError, VideoError
from videopose3d.types import VideoInfo
from videopose3d.video import ffmpeg_path, fitted_size, open_writer, probe, read_frames
from videopose3d.video.headers import parse_header
from videopose3d.video.probing import parse_packets
from videopose3d.video.process import running
from videopose3d.video.rates import constant_rate, exact_rate, nominal_rate


def numbers(path: Path, **options: object) -> list[int]:
    """The numbers drawn into the frames."""
    return [frame_number(frame) for frame in read_frames(path, **options)]  # type: ignore[arg-type]


def corners(frame: np.ndarray) -> np.ndarray:
    """(2, 2, 3) the colour in the middle of each quadrant's outer half."""
    height, width = frame.shape[:2]
    return frame[[[height // 6], [height * 5 // 6]], [[width // 4, width * 3 // 4]]].astype(int)


def assert_upright(frame: np.ndarray, tolerance: int = 16) -> None:
    np.testing.assert_allclose(corners(frame), QUADRANTS, atol=tolerance)


def children() -> set[str]:
    """Process ids of living children of this process."""
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {child for task in tasks for child in task.read_text().split()}


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts processes in /proc")

# --- what a video is


@pytest.mark.parametrize(
    ("printed", "meant"),
    [
        (23.98, Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)),
        (47.95, Fraction(48000, 1001)),
        (59.94, Fraction(60000, 1001)),
        (119.88, Fraction(120000, 1001)),
        (14.99, Fraction(15000, 1001)),
        (6.25, Fraction(25, 4)),
        (12.5, Fraction(25, 2)),
        (33.33, Fraction(100, 3)),
        (30, Fraction(30)),
        (1000, Fraction(1000)),
        (0.5, Fraction(1, 2)),
    ],
)
def test_printed_rates_become_exact(printed: float, meant: Fraction) -> None:
    assert exact_rate(printed) == meant


@given(st.floats(0.02, 1000))
def test_exact_rate_is_the_rate_that_was_printed(rate: float) -> None:
    assert abs(float(exact_rate(round(rate, 2))) - rate) < 0.011


def test_rate_from_time_stamps() -> None:
    ntsc = np.round(np.arange(300) * 1001 / 30000, 3)  # Matroska keeps whole milliseconds
    assert constant_rate(ntsc, 0.001, [30.0, 29.97]) == Fraction(30000, 1001)
    centiseconds = np.round(np.arange(34) / 6, 2)  # a GIF of 6 frames per second says 6.25
    assert constant_rate(centiseconds, 0.01, [6.25, 6.0]) == 6
    jittered = np.arange(100) / 30 + np.tile([0.0, 0.004], 50)
    assert constant_rate(jittered, 1e-5, [30.0]) == 30
    uneven = np.delete(np.arange(100) / 25, [7, 20, 21, 50])
    assert constant_rate(uneven, 1e-5, [24.0, 25.0]) is None
    assert nominal_rate(uneven, [24.0, 25.0]) == 25
    assert nominal_rate(uneven, [90000.0]) == 25


def test_probe_says_everything(make_video: MakeVideo) -> None:
    path = make_video(fps="30000/1001", frames=45, sound=1.5)
    info = probe(path)
    assert info == VideoInfo(
        source=str(path),
        width=64,
        height=48,
        fps=Fraction(30000, 1001),
        frame_count=45,
        duration=float(45 * Fraction(1001, 30000)),
        has_audio=True,
        codec=info.codec,
        pixel_format="yuv420p",
    )
    assert info.codec in ("h264", "mpeg4")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".avi", ".mov"])
@pytest.mark.parametrize("fps", ["24000/1001", "25/2", "60000/1001"])
def test_rate_and_count_in_every_container(make_video: MakeVideo, suffix: str, fps: str) -> None:
    path = make_video(name=f"clip{suffix}", fps=fps, frames=30)
    info = probe(path)
    assert (info.fps, info.frame_count, info.variable_frame_rate) == (Fraction(fps), 30, False)
    assert numbers(path) == list(range(30))


def test_header_of_old_and_new_versions() -> None:
    said = """Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'phone.mp4':
  Metadata:
    title           : Stream #0:7: Video: fake, fake, 1x1
  Duration: 01:02:03.50, start: -0.023000, bitrate: 91 kb/s
  {audio}
  {video}
    Metadata:
      rotate          : 90
    Side data:
      {matrix}: rotation of -90.00 degrees
Stream mapping:
Output #0, null, to 'pipe:':
    Stream #0:0(und): Video: wrapped_avframe, yuv420p(tv, bt709), 606x1080 [SAR 1:1 DAR 101:180], 25 fps
"""
    v44 = said.format(
        audio="Stream #0:0(und): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, mono, fltp, 48 kb/s",
        video="  Stream #0:1(und): Video: h264 (High) (avc1 / 0x31637661), yuvj420p(pc, bt709), "
        "1080x606 [SAR 2:1 DAR 3:1], 88 kb/s, SAR 1:1 DAR 5:6, 29.98 fps, 29.97 tbr, 90k tbn, 59.94 tbc",
        matrix="displaymatrix",
    )
    v80 = said.format(
        audio="Stream #0:0[0x1](eng): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, mono, fltp, 48 kb/s",
        video="Stream #0:1[0x2](eng): Video: h264 (High) (avc1 / 0x31637661), "
        "yuvj420p(pc, bt709, progressive), 1080x606 [SAR 1:1 DAR 5:6], 88 kb/s, "
        "29.98 fps, 29.97 tbr, 90k tbn (default)",
        matrix="Display Matrix",
    )
    for text in (v44, v80):
        header = parse_header(text)
        assert header is not None
        assert (header.codec, header.pixel_format, header.audio) == ("h264", "yuvj420p", "aac")
        assert (header.rotation, header.size, header.sample_aspect_ratio) == (90, (606, 1080), 1)
        assert (header.duration, header.start, header.said()) == (3723.5, -0.023, [29.98, 29.97])
    assert parse_header("clip.mp4: Invalid data found when processing input") is None


@pytest.mark.parametrize(
    ("line", "focal"),
    [
        ("com.apple.quicktime.camera.focal_length.35mm_equivalent: 26", 26.0),
        ("FocalLengthIn35mmFilm: 13.5 mm", 13.5),
        ("FocalLengthIn35mmFormat : 77", 77.0),
        ("title           : FocalLengthIn35mmFilm: 77", None),
        ("com.apple.quicktime.camera.focal_length: 6.8", None),
        ("FocalLengthIn35mmFilm: unknown", None),
    ],
)
def test_focal_lengths_that_files_tell(line: str, focal: float | None) -> None:
    header = parse_header(f"Input #0, mov, from 'a.mov':\n  Metadata:\n    {line}\n  Duration: 00:00:01.00\n")
    assert header is not None
    assert header.focal_35mm == focal


def test_the_focal_length_of_a_phone_is_read(make_video: MakeVideo) -> None:
    key = "com.apple.quicktime.camera.focal_length.35mm_equivalent"
    told = make_video(name="phone.mov", options=("-movflags", "use_metadata_tags", "-metadata", f"{key}=26"))
    assert probe(told).focal_35mm == 26
    assert probe(make_video(name="silent.mov")).focal_35mm is None


def test_a_listing_that_is_cut_is_still_of_constant_rate() -> None:
    order = [0, 4, 2, 1, 3]  # pictures of a group as they are stored: B-frames follow what they need
    shown = [max(0, 4 * group - 4 + place) for group in range(20) for place in ([0] if group == 0 else order[1:])]
    rows = [f"0, {dts}, {pts}, 1, 99, 0x0" for dts, pts in enumerate(shown[:-2])]
    packets = parse_packets("\n".join(["#tb 0: 1/25", *rows]), limit=1000, damaged=True)
    assert packets is not None
    assert packets.count == len(rows)
    assert constant_rate(packets.stamps, packets.tick, [25.0]) == 25
    hidden = [row + ", F=0x5" for row in rows]
    assert parse_packets("\n".join(["#tb 0: 1/25", *hidden]), limit=1000, damaged=False) is None


# --- errors


def test_sources_that_are_no_video(make_video: MakeVideo, tmp_path: Path) -> None:
    whole = make_video(name="index_last.mp4").read_bytes()
    contents = {
        "empty.mp4": (b"", "the file is empty"),
        "text.mp4": (b"these are words\n" * 5, "not a video"),
        "notes.txt": (b"these are words\n" * 5, "not a video"),
        "cut.mp4": (whole[: len(whole) // 2], "index is missing"),
    }
    for name, (data, reason) in contents.items():
        (tmp_path / name).write_bytes(data)
        assert_one_line(tmp_path / name, reason)
    assert_one_line(tmp_path / "missing.mp4", "no such file")
    assert_one_line(tmp_path, "this is a folder")
    sound = make_video(name="sound.mp4", sound=0.5)
    run_ffmpeg("-i", sound, "-vn", "-c", "copy", tmp_path / "sound.m4a")
    assert_one_line(tmp_path / "sound.m4a", "no video stream, only sound")


def assert_one_line(path: Path, reason: str) -> None:
    with pytest.raises(VideoError, match=reason) as caught:
        probe(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert message.endswith(".")
    assert "\n" not in message
    assert caught.value.fix


def test_error_carries_what_ffmpeg_said(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("words " * 20)
    with pytest.raises(VideoError) as caught:
        probe(tmp_path / "text.mp4")
    assert "Invalid data" in vars(caught.value)["__notes__"][0]


def test_a_cover_picture_is_no_video(make_video: MakeVideo, tmp_path: Path) -> None:
    clip = make_video(name="cover.mp4", sound=0.5)
    run_ffmpeg("-i", clip, "-frames:v", "1", tmp_path / "cover.jpg")
    cover = ["-i", clip, "-i", tmp_path / "cover.jpg", "-map", "0:a", "-map", "1:v", "-c:v", "mjpeg"]
    run_ffmpeg(*cover, "-disposition:v:0", "attached_pic", tmp_path / "song.m4a")
    with pytest.raises(VideoError, match="no video stream"):
        probe(tmp_path / "song.m4a")


def test_no_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(MissingDependencyError, match="pip install imageio-ffmpeg"):
        ffmpeg_path()


def test_ffmpeg_on_the_path_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mine = tmp_path / "ffmpeg"
    mine.symlink_to(ffmpeg_path())
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ffmpeg_path() == str(mine)


# --- frames


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotation_gives_the_same_upright_picture(make_video: MakeVideo, rotation: int) -> None:
    path = make_video(size=(96, 64), rotation=rotation, frames=3)
    info = probe(path)
    assert (info.size, info.rotation) == ((96, 64), rotation)
    frames = list(read_frames(path, info))
    assert len(frames) == 3
    assert_upright(frames[0])


def test_variable_rate_is_resampled(make_video: MakeVideo) -> None:
    dropped = (3, 4, 5, 9, 14)
    path = make_video(dropped=dropped, frames=30)
    info = probe(path)
    assert info.variable_frame_rate
    assert (info.fps, info.frame_count) == (25, 30)
    shown = []
    for number in range(30):
        shown.append(shown[-1] if number in dropped else number)
    assert numbers(path) == shown


@pytest.mark.parametrize(("ratio", "size"), [("2/1", (128, 48)), ("1/2", (64, 96)), ("4/3", (85, 48))])
def test_pixels_become_square(make_video: MakeVideo, ratio: str, size: tuple[int, int]) -> None:
    path = make_video(sample_aspect_ratio=ratio, frames=3)
    info = probe(path)
    assert (info.sample_aspect_ratio, info.size) == (Fraction(ratio), size)
    assert [frame.shape for frame in read_frames(path, info)] == [(*size[::-1], 3)] * 3


def test_ten_bit_has_normal_brightness(make_video: MakeVideo) -> None:
    path = make_video(name="deep.mkv", codec="ffv1", pixel_format="yuv420p10le", frames=3)
    assert probe(path).pixel_format == "yuv420p10le"
    assert_upright(next(read_frames(path)), 5)


@pytest.mark.parametrize("pixel_format", ["yuv444p", "yuvj420p", "bgr0"])
def test_pixel_formats(make_video: MakeVideo, pixel_format: str) -> None:
    codec = "mjpeg" if pixel_format == "yuvj420p" else "ffv1"
    path = make_video(name="format.mkv", codec=codec, pixel_format=pixel_format, frames=2)
    assert_upright(next(read_frames(path)))


def test_odd_size_is_exact(make_video: MakeVideo) -> None:
    path = make_video(name="odd.webm", size=(65, 47), frames=4)
    frames = list(read_frames(path))
    assert [frame.shape for frame in frames] == [(47, 65, 3)] * 4
    assert_upright(frames[0])


def test_start_offset(make_video: MakeVideo) -> None:
    path = make_video(start=3, frames=40)
    assert probe(path).start == pytest.approx(3, abs=0.01)
    assert numbers(path) == list(range(40))


def test_gif_in(make_video: MakeVideo) -> None:
    path = make_video(name="in.gif", fps=10, frames=12)
    assert (probe(path).fps, probe(path).frame_count) == (10, 12)
    assert numbers(path) == list(range(12))


def test_one_frame(make_video: MakeVideo) -> None:
    assert numbers(make_video(frames=1)) == [0]


@pytest.mark.parametrize("name", ["with space – üñí 体操 (1).mp4", "10:30 clip.mp4", "-dash.mp4", "100%03d.mp4"])
def test_any_file_name(make_video: MakeVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(make_video(frames=3), name if not name.startswith("-") else f"./{name}")
    assert numbers(Path(name)) == [0, 1, 2]
    with open_writer(f"out {name}", (64, 48), 25, audio_from=name) as writer:
        writer.write(picture(1, (64, 48)))
    assert numbers(Path(f"out {name}")) == [1]


def test_scaled_frames(make_video: MakeVideo) -> None:
    path = make_video(size=(128, 72), frames=3)
    assert_upright(next(read_frames(path, max_side=64)))
    assert next(read_frames(path, max_side=64)).shape == (36, 64, 3)
    assert next(read_frames(path, max_side=500)).shape == (72, 128, 3)
    assert next(read_frames(path, size=(30, 33))).shape == (33, 30, 3)


@given(st.integers(1, 8000), st.integers(1, 8000), st.integers(2, 2000))
def test_fitted_size(width: int, height: int, max_side: int) -> None:
    size = fitted_size(VideoInfo("", width, height, Fraction(25)), max_side)
    assert max(size) <= max_side
    if max(width, height) > max_side:
        assert all(side % 2 == 0 and side >= 2 for side in size)
        scale = max_side / max(width, height)
        assert all(abs(a - b * scale) <= 2 for a, b in zip(size, (width, height), strict=True))
    else:
        assert size == (width, height)


@pytest.mark.parametrize("dropped", [(), (120, 121)])
@pytest.mark.parametrize("start", [0, 3])
def test_a_part_is_the_same_frames(make_video: MakeVideo, dropped: Sequence[int], start: float) -> None:
    path = make_video(fps=10, frames=200, dropped=dropped, start=start)  # from 10 s on it seeks
    whole = numbers(path)
    assert numbers(path, start=0.5, stop=2) == whole[5:20]
    assert numbers(path, start=12.1, stop=13) == whole[121:130]
    assert numbers(path, start=Fraction(197, 10)) == whole[197:]
    with pytest.raises(VideoError, match="20.00 s long"):
        read_frames(path, start=30)


def test_truncated_file_gives_what_is_there(
    make_video: MakeVideo, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = make_video(frames=100, options=("-movflags", "+faststart", "-g", "10"), size=(160, 96))
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 3 // 5])
    info = probe(cut)
    assert (info.fps, info.frame_count, info.variable_frame_rate) == (25, 100, False)
    with caplog.at_level(logging.WARNING):
        read = numbers(cut)
    assert 30 < len(read) < 90
    assert read[:30] == list(range(30))
    assert f"only {len(read)} of 100 frames" in caplog.text


def test_whole_file_does_not_warn(make_video: MakeVideo, caplog: pytest.LogCaptureFixture) -> None:
    for path in (make_video(), make_video(sound=3), make_video(name="clip.webm", sound=3)):
        assert len(numbers(path)) == 20
    assert caplog.text == ""


def test_size_may_change_midway(tmp_path: Path, make_video: MakeVideo) -> None:
    parts = [
        make_video(name="a.avi", codec="mjpeg", pixel_format="yuvj420p", frames=10),
        make_video(name="b.avi", codec="mjpeg", pixel_format="yuvj420p", frames=10, size=(128, 96)),
    ]
    for part in parts:  # a stream of JPEG pictures has no header that says their size
        run_ffmpeg("-i", part, "-c", "copy", "-f", "mjpeg", tmp_path / part.name)
    both = tmp_path / "both.mjpeg"
    both.write_bytes(b"".join((tmp_path / part.name).read_bytes() for part in parts))
    assert numbers(both) == [*range(10), *range(10)]


# --- processes and memory


@linux
def test_no_process_outlives_its_reader(make_video: MakeVideo) -> None:
    path = make_video(size=(640, 480), frames=200, name="long.mp4")
    before = children()
    frames = read_frames(path)
    assert children() == before  # nothing runs before the first frame is asked for
    next(frames)
    assert len(children() - before) == 1
    frames.close()
    assert children() == before
    with pytest.raises(KeyboardInterrupt):
        interrupt(path)
    gc.collect()
    assert children() == before
    assert len(list(read_frames(path))) == 200
    assert children() == before


def interrupt(path: Path) -> None:
    for _ in read_frames(path):
        raise KeyboardInterrupt


@linux
def test_a_process_that_hears_nothing_is_killed() -> None:
    before = children()
    with running([sys.executable, "-c", "import time; time.sleep(600)"], stdout=subprocess.PIPE):
        assert len(children() - before) == 1
    assert children() == before


@linux
def test_no_process_outlives_its_writer(tmp_path: Path) -> None:
    before = children()
    with pytest.raises(KeyboardInterrupt):
        write_until(tmp_path / "a.mp4", KeyboardInterrupt())
    assert children() == before


@linux
def test_memory_is_flat(make_video: MakeVideo) -> None:
    path = make_video(size=(640, 480), frames=200, name="long.mp4")
    frames = read_frames(path)
    for _ in islice(frames, 20):
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert sum(1 for _ in frames) == 180  # 166 MB of pictures
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 20_000  # kB


def write_until(path: Path, error: BaseException) -> None:
    with open_writer(path, (64, 48), 25) as writer:
        writer.write(picture(0, (64, 48)))
        raise error


# --- writing


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".gif"])
def test_round_trip(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    fps = Fraction(10) if suffix == ".gif" else Fraction(30000, 1001)
    with open_writer(path, (64, 48), fps) as writer:
        for number in range(31):
            writer.write(picture(number, (64, 48)))
    info = probe(path)
    assert (info.fps, info.frame_count, info.size) == (fps, 31, (64, 48))
    frames = list(read_frames(path))
    assert [frame_number(frame) for frame in frames] == list(range(31))
    assert_upright(frames[0], 6 if suffix == ".mkv" else 16)
    assert_upright(frames[-1])
    assert writer.frames == 31
    assert list(tmp_path.iterdir()) == [path]


def test_colours_are_tagged(tmp_path: Path) -> None:
    with open_writer(tmp_path / "out.mp4", (64, 48), 25) as writer:
        writer.write(picture(0, (64, 48)))
    said = subprocess.run([ffmpeg_path(), "-i", tmp_path / "out.mp4"], capture_output=True, check=False)
    assert re.search(rb"yuv420p\(tv, bt709", said.stderr)


def test_odd_size_is_padded(tmp_path: Path) -> None:
    for suffix, size in ((".mp4", (66, 48)), (".webm", (66, 48)), (".gif", (65, 47))):
        path = tmp_path / f"odd{suffix}"
        with open_writer(path, (65, 47), 10) as writer:
            writer.write(picture(5, (65, 47)))
        assert probe(path).size == size
        assert_upright(next(read_frames(path))[:47, :65])


def test_any_working_encoder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), open_writer(tmp_path / "a.mp4", (64, 48), 25) as writer:
        writer.write(picture(0, (64, 48)))
    assert f"encoding with {writer.encoder}" in caplog.text
    with open_writer(tmp_path / "b.mp4", (64, 48), 25, encoder="mpeg4") as writer:
        writer.write(picture(0, (64, 48)))
    assert writer.encoder == probe(tmp_path / "b.mp4").codec == "mpeg4"
    with (
        pytest.raises(VideoError, match="no_such_encoder"),
        open_writer(tmp_path / "c.mp4", (64, 48), 25, encoder="no_such_encoder"),
    ):
        pass
    assert video.writing.choose_encoder(("no_such_encoder", "mpeg4"), (64, 48)) == "mpeg4"


def test_a_failed_block_leaves_no_file(tmp_path: Path) -> None:
    old = tmp_path / "old.mp4"
    old.write_bytes(b"as it was")
    for path in (old, tmp_path / "new.gif", tmp_path / "new.mp4"):
        with pytest.raises(RuntimeError, match="mine"):
            write_until(path, RuntimeError("mine"))
    assert list(tmp_path.iterdir()) == [old]
    assert old.read_bytes() == b"as it was"


def test_wrong_frames_and_names(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    for frame, reason in (
        (picture(0, (48, 64)), r"expected a frame \(48, 64, 3\) uint8, got \(64, 48, 3\) uint8"),
        (picture(0, (64, 48)).astype(np.float32), "got .* float32"),
    ):
        with pytest.raises(OutputError, match=reason), open_writer(path, (64, 48), 25) as writer:
            writer.write(frame)
    with pytest.raises(OutputError, match="no frame"), open_writer(path, (64, 48), 25):
        pass
    with pytest.raises(OutputError, match=r"\.mp4 .*\.webm \.gif"), open_writer("a.xyz", (64, 48), 25):
        pass
    with pytest.raises(OutputError, match="60 frames"), open_writer(tmp_path / "a.gif", (64, 48), 60):
        pass
    assert list(tmp_path.iterdir()) == []


@linux
def test_an_encoder_that_dies_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="could not write"):
        write_and_kill(tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def write_and_kill(path: Path) -> None:
    before = children()
    with open_writer(path, (640, 480), 25) as writer:
        for pid in children() - before:
            os.kill(int(pid), signal.SIGKILL)
        for number in range(50):
            writer.write(picture(number, (640, 480)))


# --- sound


def write_with_sound(path: Path, source: Path, seconds: float = 2.0, **options: float) -> None:
    with open_writer(path, (64, 48), 25, audio_from=source, **options) as writer:  # type: ignore[arg-type]
        for number in range(round(25 * seconds)):
            writer.write(picture(number, (64, 48)))


def sound(path: Path) -> np.ndarray:
    """(samples,) the sound track at 8 kHz, from the start of the file on."""
    command = [ffmpeg_path(), "-v", "error", "-i", str(path), "-af", "aresample=8000:first_pts=0", "-ac", "1"]
    done = subprocess.run([*command, "-vn", "-f", "s16le", "-"], capture_output=True, check=True)
    return np.frombuffer(done.stdout, dtype="<i2").astype(float)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
@pytest.mark.parametrize("source", [".mp4", ".webm", ".avi"])
def test_sound_is_carried(make_video: MakeVideo, tmp_path: Path, suffix: str, source: str) -> None:
    path = tmp_path / f"out{suffix}"
    write_with_sound(path, make_video(name=f"in{source}", sound=3, frames=75))
    info = probe(path)
    assert info.has_audio
    assert (info.frame_count, info.fps) == (50, 25)
    wave = sound(path)
    assert len(wave) / 8000 == pytest.approx(2, abs=0.15)
    assert np.argmax(np.abs(np.fft.rfft(wave))) / len(wave) * 8000 == pytest.approx(440, abs=2)


def test_short_sound_does_not_shorten_the_video(make_video: MakeVideo, tmp_path: Path) -> None:
    write_with_sound(tmp_path / "out.mp4", make_video(sound=0.5))
    assert probe(tmp_path / "out.mp4").frame_count == 50


@pytest.mark.parametrize(("delay", "start"), [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (0.5, 0.5)])
def test_sound_starts_with_the_frames(make_video: MakeVideo, tmp_path: Path, delay: float, start: float) -> None:
    """The source's pictures begin ``delay`` after its sound, which is silent before 1.5 s."""
    silent = make_video(name="pictures.mp4", frames=100)
    beep = tmp_path / "beep.mkv"
    quiet = "volume=0:enable='lt(t,1.5)'"
    tone = make_video(name="tone.mkv", sound=4, frames=5)
    run_ffmpeg("-itsoffset", delay, "-i", silent, "-i", tone, "-map", "0:v", "-map", "1:a", "-c:v", "copy",
               "-af", quiet, "-c:a", "pcm_s16le", beep)  # fmt: skip
    write_with_sound(tmp_path / "out.mp4", beep, audio_start=start)
    heard = np.flatnonzero(np.abs(sound(tmp_path / "out.mp4")) > 2000)[0] / 8000
    assert heard == pytest.approx(1.5 - delay - start, abs=0.06)


def test_odd_sound_never_fails_the_video(
    make_video: MakeVideo, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "out.mp4"
    write_with_sound(path, make_video())  # a silent film is nothing to warn of
    assert not probe(path).has_audio
    assert caplog.text == ""
    write_with_sound(path, tmp_path / "missing.mp4")
    assert "the sound is left out" in caplog.text
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(
        make_video(name="pcm.mkv", sound=3, options=("-c:a", "pcm_s16le"))
        .read_bytes()
        .replace(b"A_PCM/INT", b"A_UNKNOWN")
    )
    caplog.clear()
    write_with_sound(path, broken)
    assert (probe(path).frame_count, probe(path).has_audio) == (50, False)
    assert "is left out" in caplog.text


def run_ffmpeg(*arguments: object) -> None:
    subprocess.run([ffmpeg_path(), "-y", "-v", "error", *map(str, arguments)], check=True)

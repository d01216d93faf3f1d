"""The command line as a process: interrupted, ended and killed, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from clips import Clip, MakeVideo, make_clip
from stand_in import StandIn, write_runner

from videopose3d.pipeline.infer import infer
from videopose3d.pipeline.stages import FOLDER, StageFiles
from videopose3d.result_file import load_result

ROOT = Path(__file__).resolve().parents[1]
FRAMES = 150
PATIENCE = 60.0  # s
INTERRUPTED = 130

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def ffmpegs_of(folder: Path) -> list[str]:
    """Commands of the running ffmpeg processes that read or write in a folder (Linux)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if "ffmpeg" in command and str(folder) in command:
            found.append(command)
    return found


def stage_is_kept(folder: Path, stage: str) -> bool:
    return any(path.stem.endswith(f".{stage}") and "partial" not in path.name for path in (folder / FOLDER).glob("*"))


def pictures_seen(folder: Path) -> bool:
    log = folder / "pictures.log"
    return log.exists() and log.stat().st_size >= 5


def detecting(folder: Path) -> bool:
    return pictures_seen(folder)


def lifting(folder: Path) -> bool:
    return stage_is_kept(folder, "detect")


def rendering(folder: Path) -> bool:
    return any(folder.glob(".film-*/*"))


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        (detecting, signal.SIGINT),
        (detecting, signal.SIGTERM),
        (detecting, signal.SIGKILL),
        (lifting, signal.SIGKILL),
        (rendering, signal.SIGINT),
        (rendering, signal.SIGTERM),
        (rendering, signal.SIGKILL),
    ],
)
def test_an_ended_run_leaves_nothing_half_done(
    moment: Callable[[Path], bool], number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = tmp_path / "walk.mp4"
    make_clip(Clip(size=(96, 128), frames=FRAMES), clip)
    script, _ = write_runner(tmp_path, delay=0.1 if moment is detecting else 0.0)
    command = [sys.executable, str(script), "infer", "walk.mp4", "-o", "walk_3d.mp4", "--export", "walk.npz"]
    with (tmp_path / "stderr.txt").open("wb") as stderr:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True
        )
    try:
        wait_for(lambda: moment(tmp_path) or process.poll() is not None)
        process.send_signal(number)
        code = process.wait(PATIENCE)
    finally:
        process.kill()
        process.wait()
    said = (tmp_path / "stderr.txt").read_text()
    assert "Traceback" not in said
    assert code == (-signal.SIGKILL if number == signal.SIGKILL else INTERRUPTED)
    assert not (tmp_path / "walk_3d.mp4").exists()
    assert not (tmp_path / "walk.npz").exists()
    if number != signal.SIGKILL:
        assert said.splitlines()[-1].startswith("Interrupted.")
        assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] in ([], [FOLDER])
        assert list(tmp_path.rglob("*.partial*")) == []
        assert ffmpegs_of(tmp_path) == []
    wait_for(lambda: not ffmpegs_of(tmp_path))  # of a killed process they end by themselves, at once

    finder = StandIn().install(monkeypatch)
    stages = StageFiles(tmp_path, clip, reuse=True)
    result = infer(clip, exports=[tmp_path / "walk.npz"], stages=stages)
    assert bool(finder.opened) == (moment is detecting)
    assert result.poses_3d.shape == (1, FRAMES, 17, 3)
    assert load_result(tmp_path / "walk.npz").people == 1


def test_the_look_for_ffmpeg_processes_can_find_one(tmp_path: Path) -> None:
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("no /proc here")
    process = subprocess.Popen([sys.executable, "-c", "input()", "ffmpeg", str(tmp_path)], stdin=subprocess.PIPE)
    try:
        wait_for(lambda: bool(ffmpegs_of(tmp_path)))
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--version"], 0), (["infer"], 2), (["infer", "missing.mp4"], 1), (["detect", "empty.mp4", "-o", "x.npz"], 1)],
)
def test_exit_codes_of_the_module(arguments: list[str], code: int, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    done = subprocess.run(
        [sys.executable, "-m", "videopose3d", *arguments],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    if code == 1:
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_a_real_video_without_a_person(make_video: MakeVideo, tmp_path: Path) -> None:
    pytest.importorskip("mediapipe")
    clip = make_video(name="empty_room.mp4", size=(320, 240), frames=10)
    done = subprocess.run(
        [sys.executable, "-m", "videopose3d", "infer", str(clip)],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert done.stderr.splitlines()[-1] == f"{clip}: nobody found in 10 frames; the result is empty."
    assert "Traceback" not in done.stderr
    assert load_result(tmp_path / "empty_room_3d.npz").people == 0


@pytest.mark.slow
def test_the_demo(tmp_path: Path) -> None:
    pytest.importorskip("mediapipe")
    done = subprocess.run(
        [sys.executable, "-m", "videopose3d", "demo", "-o", "look.mp4"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Against the exact truth" in done.stdout
    assert done.stdout.split()[-2:] == ["look.mp4", "look.npz"]
    assert load_result(tmp_path / "look.npz").people == 1

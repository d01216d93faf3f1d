"""`videopose3d synth`: what is refused, and, where the extra [synth] is installed, what is drawn."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from motions import motion

from videopose3d.cli import main
from videopose3d.config_synth import SynthConfig
from videopose3d.datasets.coco import read_coco
from videopose3d.datasets.mocap import MotionLibrary
from videopose3d.datasets.mocap.motion import save_library
from videopose3d.errors import VideoPose3DError
from videopose3d.pipeline import synth
from videopose3d.video import probe, read_frames

THANKED = ("CMU", "UI-PRMD")


@pytest.fixture
def motions(tmp_path: Path) -> Path:
    people = (motion(40, seed=1, split="test", subject="1"), motion(40, seed=2, split="train", subject="2"))
    save_library(tmp_path / "motions.npz", MotionLibrary(people, "coco"))
    return tmp_path / "motions.npz"


def run(*args: object) -> Result:
    return CliRunner().invoke(main, ["synth", *(str(arg) for arg in args)])


@pytest.mark.parametrize("missing", ["anny", "numba"])
def test_without_the_extra_one_line_names_it(missing: str, motions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("anny", "numba"):
        monkeypatch.setitem(sys.modules, name, None if name == missing else sys)
    done = run(motions, "-o", motions.parent / "clips")
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert f"{missing} is not installed. Install it: pip install 'videopose3d[synth]'" in done.stderr


@pytest.fixture
def extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the extra were installed, for what goes wrong before anything is drawn."""
    for name in ("anny", "numba"):
        monkeypatch.setitem(sys.modules, name, sys)


@pytest.mark.usefixtures("extra")
def test_a_split_without_motions_is_one_line(motions: Path) -> None:
    done = run(motions, "-o", motions.parent / "clips", "--split", "validation")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "no motions of the split 'validation'" in done.stderr


@pytest.mark.usefixtures("extra")
def test_clips_that_are_there_are_kept(motions: Path) -> None:
    kept = motions.parent / "clips" / "clip_0001.npz"
    kept.parent.mkdir()
    kept.write_text("mine")
    done = run(motions, "-o", kept.parent, "--clips", 2)
    assert done.exit_code == 1
    assert "exists already" in done.stderr
    assert kept.read_text() == "mine"


@pytest.mark.parametrize("settings", [{"size": (640,)}, {"size": (10, 640)}, {"split": "mine"}, {"moving": 1.5}])
def test_impossible_settings_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(VideoPose3DError):
        SynthConfig(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("words", [("--size", "160"), ("--seconds", 0.01)])
def test_impossible_options_are_one_line(words: tuple[object, ...], motions: Path) -> None:
    done = run(motions, "-o", motions.parent / "clips", *words)
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(f"Error: {str(words[0])[2:]} is ")


@pytest.mark.usefixtures("extra")
def test_annotations_that_are_there_are_kept(motions: Path) -> None:
    kept = motions.parent / "pictures" / "annotations.json"
    kept.parent.mkdir()
    kept.write_text("mine")
    done = run(motions, "-o", kept.parent, "--crops", 2)
    assert (done.exit_code, kept.read_text()) == (1, "mine")
    assert "exists already" in done.stderr


@pytest.mark.usefixtures("extra")
@pytest.mark.parametrize("quiet", [False, True])
def test_what_takes_long_is_announced(quiet: bool, motions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = synth.SynthFiles(Path("a.mp4"), Path("a.npz"), "jump/1", 5, 1)
    monkeypatch.setattr(synth, "side_by_side", lambda *_: iter([drawn]))
    done = run(motions, "-o", motions.parent / "clips", "--clips", 1, *(["-q"] if quiet else []))
    assert done.stdout == "a.mp4\n"
    lines = ["clips: preparing the body model and the renderer", "clips: render 1 clip in 0.0 s"]
    assert done.stderr.splitlines() == ([] if quiet else lines)


@pytest.mark.parametrize(
    ("sets", "thanks"),
    [({"mine"}, ()), ({"jump", "mine"}, ("CMU",)), ({"ui-prmd"}, ("UI-PRMD",)), ({"ui-prmd", "papagina"}, THANKED)],
)
def test_only_sets_that_were_used_are_thanked(sets: set[str], thanks: tuple[str, ...]) -> None:
    pytest.importorskip("numba", reason="the extra [synth] is not installed")
    from videopose3d.datasets.synth.clip import credits_of

    assert tuple(name for name in THANKED if name in credits_of(sets)) == thanks
    assert "MakeHuman" in credits_of(sets)


@pytest.mark.slow
def test_pictures_are_a_data_set(motions: Path) -> None:
    pytest.importorskip("anny", reason="the extra [synth] is not installed")
    pytest.importorskip("numba", reason="the extra [synth] is not installed")
    folders = [motions.parent / name for name in ("a", "b")]
    for folder in folders:
        done = run(motions, "-o", folder, "--crops", 6, "--people", 2, "--cut", 0, "--hidden", 0)
        assert done.exit_code == 0, done.stderr
    first, second = (read_coco(folder) for folder in folders)
    assert len(set(first.files)) == 6
    assert (first.visibility > 0).any(1).all()
    assert (first.visibility == 2).mean() > 0.3
    inside = first.visibility == 2  # what is seen lies in the box around what is seen, but for a pixel
    low, high = first.joints - first.boxes[:, None, :2], first.boxes[:, None, 2:] - first.joints
    assert (np.minimum(low, high)[inside] > -3).all()
    assert np.array_equal(first.joints, second.joints)
    files = [[(folder / "images" / name).read_bytes() for name in first.files] for folder in folders]
    assert files[0] == files[1]


@pytest.mark.slow
def test_clips_with_their_truth_are_the_same_from_the_same_seed(motions: Path) -> None:
    pytest.importorskip("anny", reason="the extra [synth] is not installed")
    pytest.importorskip("numba", reason="the extra [synth] is not installed")
    words = ["--clips", 2, "--seconds", 0.2, "--size", "128,96", "--people", 2, "--cut", 0, "--hidden", 0, "--json"]
    folders = [motions.parent / name for name in ("a", "b")]
    for jobs, folder in enumerate(folders, 1):
        done = run(motions, "-o", folder, "--jobs", jobs, *words)
        assert done.exit_code == 0, done.stderr
        rows = json.loads(done.stdout)
        assert [row["frames"] for row in rows] == [5, 5]
    for row in rows:
        truth = np.load(row["truth"])
        again = np.load(folders[0] / Path(row["truth"]).name)
        assert all(np.array_equal(truth[key], again[key]) for key in truth.files)
        frames = list(read_frames(row["video"]))
        assert probe(row["video"]).size == (128, 96) == frames[0].shape[1::-1]
        other = list(read_frames(folders[0] / Path(row["video"]).name))
        assert all(np.array_equal(a, b) for a, b in zip(frames, other, strict=True))
        assert "CMU" in str(truth["source"])  # the set is called jump
        points = truth["keypoints_3d"]
        assert np.allclose(
            points[..., :2] / points[..., 2:] * truth["focal"] + truth["center"], truth["keypoints_2d"], atol=1e-3
        )
        limbs = np.linalg.norm(truth["poses_3d"][:, :, 1] - truth["poses_3d"][:, :, 2], axis=-1)
        assert np.ptp(limbs, axis=1).max() < 0.04  # a thigh is as long in every frame, but for the skin's give
        assert (truth["visibility"][0] > 0).mean() > 0.95
        assert (truth["visibility"][0] == 2).mean() > 0.3

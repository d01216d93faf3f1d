"""benchmarks/claims.py: motion capture in a room, runs that are kept, and the page."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from motions import motion

from videopose3d.calibration import project
from videopose3d.datasets.human36m import cameras
from videopose3d.datasets.mocap import MotionLibrary
from videopose3d.geometry import screen_from_pixels
from videopose3d.skeleton import H36M17

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
sys.path.append(str(BENCHMARKS))

import _claims_data as data  # noqa: E402
import claims  # noqa: E402
from _claims_page import page  # noqa: E402


@pytest.fixture(scope="module")
def library() -> MotionLibrary:
    people = [("train", "jump", "1"), ("train", "jump", "2"), ("train", "kseniia", "3"), ("validation", "jump", "4")]
    people += [("test", "jump", "5"), ("test", "kseniia", "6")]
    return MotionLibrary(
        tuple(
            motion(40 + 20 * (n == 0), seed=n, split=split, dataset=name, subject=who)
            for n, (split, name, who) in enumerate(people)
        )
    )


def test_perfect_keypoints_are_the_projected_poses(library: MotionLibrary) -> None:
    dataset, _ = data.room(library, 1)
    assert {s.camera.name for s in dataset.sequences} == {lens.name for lens in cameras("S1")}
    for s in dataset.sequences:
        assert s.poses is not None
        assert s.trajectory is not None
        assert not s.poses[:, 0].any()
        screen = project((s.poses + s.trajectory[:, None])[None], s.camera.intrinsics[None])[0]
        np.testing.assert_allclose(screen_from_pixels(s.keypoints, s.camera.size), screen, atol=1e-5)
        assert (s.keypoints > 0).all()
        assert (s.keypoints < s.camera.size).all()
        head, ankle = (s.keypoints[:, H36M17.index(n), 1] for n in ("head", "left_ankle"))
        assert (head < ankle).all()  # upright, not only inside


def test_four_cameras_see_the_same_world(library: MotionLibrary) -> None:
    from videopose3d.calibration import camera_to_world

    dataset, _ = data.room(library, 1)
    first = [s for s in dataset.sequences if s.action == dataset.sequences[0].action]
    assert len(first) == 4
    worlds = [
        camera_to_world(s.poses + s.trajectory[:, None], np.array(s.camera.orientation), np.array(s.camera.translation))
        for s in first
    ]
    for world in worlds[1:]:
        np.testing.assert_allclose(world, worlds[0], atol=1e-4)
    assert abs(worlds[0][:, 0, :2].mean(0) - data.middle(cameras("S1"))).max() < 0.1


def test_people_are_in_one_part_only_and_validation_is_left_out(library: MotionLibrary) -> None:
    dataset, split = data.room(library, 1)
    assert (split.train, split.test) == (("1", "2", "3"), ("5", "6"))
    assert set(dataset.subjects) == {*split.train, *split.test}


def test_one_person_is_labelled_of_every_set_or_of_all(library: MotionLibrary) -> None:
    dataset, split = data.room(library, 1)
    assert data.labelled_few(dataset, split, single=True).train == ("1",)
    few = data.labelled_few(dataset, split)
    assert few.train == ("1", "3")  # 1 has more of "jump" than 2
    assert few.unlabelled == ("2",)


def test_the_room_depends_on_the_seed_only(library: MotionLibrary) -> None:
    one, again, other = (data.room(library, seed, noisy=True)[0].sequences for seed in (1, 1, 2))
    assert all(np.array_equal(a.keypoints, b.keypoints) for a, b in zip(one, again, strict=True))
    assert not np.array_equal(one[0].keypoints, other[0].keypoints)
    perfect = data.room(library, 1)[0].sequences
    assert all(np.array_equal(a.poses, b.poses) for a, b in zip(one, perfect, strict=True))


def test_who_leaves_the_picture_is_cut_out() -> None:
    walker = motion(300, 50.0)
    path = np.linspace(-6, 6, 300)[:, None] * np.array([1.0, 0, 0])
    walker = replace(walker, joints_h36m=(walker.joints_h36m + path[:, None]).astype(np.float32))
    takes = data.film(walker, cameras("S1"), np.random.default_rng(0))
    assert len({s.action for s in takes}) == 1
    assert 25 <= len(takes[0]) < 200
    assert takes[0].action != "jump jump/0 0"


def test_motions_are_played_at_fifty_frames_a_second() -> None:
    slow = motion(61, 30.0)
    joints = data.resampled(slow)
    assert len(joints) == 101
    np.testing.assert_allclose(joints[::5], slow.joints_h36m[::3], atol=1e-5)
    finer = motion(101, 50.0)
    np.testing.assert_allclose(joints, finer.joints_h36m, atol=2e-3)


def test_the_imitated_detector_is_about_nine_pixels_off_and_its_errors_last() -> None:
    still = np.zeros((20_000, 17, 2))
    error = data.detected(still, H36M17, np.random.default_rng(0))
    off = np.linalg.norm(error, axis=-1)
    assert 8 < off.mean() < 10
    assert np.percentile(off, 99) > 4 * np.median(off)
    assert np.linalg.norm(np.diff(error, axis=0), axis=-1).mean() < off.mean() / 2


def test_sets_are_capped_by_whole_clips() -> None:
    clips = MotionLibrary(tuple(motion(60, 30.0, seed=n, dataset="a" if n < 9 else "b") for n in range(10)))
    kept = data.capped(clips, 8 / 60, np.random.default_rng(0))
    assert [m.dataset for m in kept] == ["a"] * 4 + ["b"]


def test_a_run_is_trained_judged_and_kept(library: MotionLibrary, tmp_path: Path) -> None:
    effort = claims.Effort(channels=8, epochs=claims.WARMUP + 1, windows=64, batch=32, few_windows=64, few_batch=32)
    rooms, run = claims.Rooms(library, 1), claims.few(0.5, unlabelled=True)
    made = []

    def make() -> dict[str, Any]:
        made.append(1)
        return claims.carry_out(run, effort, rooms, tmp_path / "run")

    first = claims.kept(tmp_path / "run.json", {"a": (1, 2)}, make)
    assert claims.kept(tmp_path / "run.json", {"a": (1, 2)}, make) == first
    assert made == [1]
    assert set(first["scores"]) == {"jump", "kseniia", "average"}
    assert first["scores"]["average"]["mpjpe"] > 0
    claims.kept(tmp_path / "run.json", {"a": (1, 3)}, make := lambda: {"scores": {}})
    assert json.loads((tmp_path / "run.json").read_text())["settings"] == {"a": [1, 3]}


def test_a_pass_is_so_many_windows_of_all(library: MotionLibrary) -> None:
    dataset, split = data.room(library, 1)
    from videopose3d.pipeline.training.batches import Batches

    batches = Batches(dataset.select(split.train), (H36M17, H36M17), (1, 1))
    order = claims._Order(batches, 40, 10, 1, augment=True)
    passes = [np.concatenate(list(order.rest_of_pass())) for _ in range(2)]
    assert [len(p) for p in passes] == [40, 40]
    assert not np.array_equal(*passes)
    many = claims._Order(batches, 10_000, 10, 1, augment=True)
    rows = np.concatenate(list(many.rest_of_pass()))
    assert len(rows) == 10_000
    assert len(np.unique(rows, axis=0)) == len(batches.examples(augment=True))


def scores(mpjpe: float) -> dict[str, Any]:
    row = {"mpjpe": mpjpe, "p_mpjpe": mpjpe / 2, "mpjve": mpjpe / 10}
    return {"scores": {"jump": row, "average": row}, "train_s": 1800.0, "judge_s": 0.0}


FACTS = {
    "effort": {"channels": 8, "epochs": 2, "windows": 64, "batch": 32, "few_windows": 64, "few_batch": 32},
    "seed": 1, "dropout": 0.1, "rate": [0.003, 0.05], "fps": 50.0, "people": {"train": 3, "test": 2},
    "minutes": {"train": {"jump": 1.5}, "test": {"jump": 0.5}}, "noise_px": [8.8, 6.0, 50.6], "machine": "a box",
    "tall_px": 335.0, "take_s": 2.5,
    "labelled": {"one": {"people": 1, "minutes": 2.0}, "few": {"people": 2, "minutes": 3.0}},
}  # fmt: skip


def test_the_page_says_what_holds_and_what_does_not() -> None:
    found = {"1": 60.0, "27": 50.0, "27 seed 2": 51.0, "81": 49.5, "243": 57.5, "one 0.1": 90.0, "one 0.1 semi": 70.0}
    text = page(FACTS, {name: scores(value) for name, value in found.items()})
    line = {row.split(" | ")[0]: row for row in reversed(text.splitlines()) if row.startswith("| ")}
    assert line["| 27 frames are better than one"].endswith(
        "| 60.0 -> 50.0 mm (-17 %) | reproduces, by a larger share |"
    )
    assert line["| unlabelled people help one labelled person, 10 % of its frames"].endswith("| reproduces |")
    assert "smaller share" in line["| 243 frames are better than one"]
    assert "not shown" in line["| 81 frames are better than 27"]
    assert "does not reproduce" in line["| 243 frames are better than 81"]
    assert "| causal" not in text
    assert line["| 27 frames"] == "| 27 frames | 50.0 | 25.0 | 5.0 | 48.8 |  |"
    assert "1.0 hours" not in text
    assert "3.5 hours of processor time" in text
    assert "2 % of the frames:" not in text


def test_the_page_of_nothing_is_a_page() -> None:
    assert page(FACTS, {}).startswith("# Results")


def test_every_run_is_on_the_page() -> None:
    text = page(FACTS, {name: scores(100.0 + n * 0.1) for n, name in enumerate(claims.RUNS)})
    assert [name for n, name in enumerate(claims.RUNS) if f"| {100 + n * 0.1:.1f} |" not in text] == []


def test_without_data_the_script_says_what_it_needs() -> None:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "claims.py")], capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(BENCHMARKS.parent), "PATH": ""},
    )  # fmt: skip
    assert done.stdout == "left out: give the folder of motion capture sets\n"

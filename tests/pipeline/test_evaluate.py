from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
from golden_files import FOLDER, golden_json
from golden_nets import golden_lifter

from videopose3d.calibration import CalibratedCamera
from videopose3d.config import LiftConfig
from videopose3d.datasets import PoseDataset, PoseSequence, load_dataset
from videopose3d.errors import InputError, SkeletonMismatchError
from videopose3d.geometry import screen_from_pixels
from videopose3d.lifter import fast
from videopose3d.lifter.lift import Lifter
from videopose3d.lifter.weights import build_model
from videopose3d.metrics import acceleration_error, mpjpe, mpjve, n_mpjpe, p_mpjpe
from videopose3d.pipeline.evaluate import TEST_SUBJECTS, default_subjects, evaluate
from videopose3d.pipeline.published import PUBLISHED, against_paper, find_published
from videopose3d.pipeline.scores import METRICS, SHORT, ActionScore, ScoreTable
from videopose3d.skeleton import COCO17, H36M17
from videopose3d.weights.header import LifterHeader

RUNS = golden_json("eval_tables")["runs"]
PRINTED = {
    "Protocol #1   (MPJPE)": ("mpjpe", 1),
    "Protocol #2 (P-MPJPE)": ("p_mpjpe", 1),
    "Protocol #3 (N-MPJPE)": ("n_mpjpe", 1),
    "Velocity      (MPJVE)": ("mpjve", 2),
}


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@lru_cache
def dataset(name="h36m", keypoints="gt"):
    return load_dataset(name, keypoints, FOLDER / "data")


def lifter_for(data, widths=(3, 3, 3), **fields):
    header = LifterHeader(
        "golden", widths, 16, data.features, skeleton_in=data.keypoint_skeleton.name,
        skeleton_out=data.skeleton.name, normalisation="screen",
    )  # fmt: skip
    return golden_lifter(replace(header, **fields))


# --- the original program's tables


@lru_cache
def run(name):
    """Our scores for a run of the original program."""
    args = RUNS[name]["args"]
    given = dict(zip(args, [*args[1:], ""], strict=True))
    data = dataset(given.get("-d", "h36m"), given["-k"])
    widths = tuple(int(width) for width in given["-arc"].split(","))
    return evaluate(
        lifter_for(data, widths, causal="--causal" in args, dense="--dense" in args),
        data,
        tuple(given["-ste"].split(",")) if "-ste" in given else None,
        tuple(given["-a"].split(",")) if "-a" in given else (),
        LiftConfig(flip="-no-tta" not in args),
        downsample=int(given.get("--downsample", 1)),
    )


def tables_of(scores, subject):
    return scores.overall if subject is None else next(t for t in scores.by_subject if t.subject == subject)


@pytest.mark.parametrize("name", RUNS)
def test_every_action_is_scored_as_by_the_original(name):
    scores, expected = run(name), RUNS[name]
    assert scores.average.frames == expected["test_frames"]
    seen = set()
    for block in expected["blocks"]:
        row = next(r for r in tables_of(scores, block["subject"]).rows if r.action == block["action"])
        seen.add((block["subject"], row.action))
        for metric in ("mpjpe", "p_mpjpe", "n_mpjpe", "mpjve"):
            assert getattr(row, metric) == pytest.approx(block[metric], rel=1e-5), metric
    subjects = {subject for subject, _ in seen}
    assert sum(len(tables_of(scores, subject).rows) for subject in subjects) == len(expected["blocks"])


@pytest.mark.parametrize("name", RUNS)
def test_averages_are_those_the_original_prints(name):
    scores = run(name)
    assert len(RUNS[name]["averages"]) >= 4
    for subject, label, value in RUNS[name]["averages"]:
        metric, decimals = PRINTED[label]
        ours = getattr(tables_of(scores, subject).average, metric)
        assert ours == pytest.approx(value, abs=0.51 * 10**-decimals), label


# --- pooling, by hand


def line(subject, action, frames, offset=0.0, camera=None):
    """A take of a person who does not move, whose keypoints all lie at ``offset`` in screen units."""
    camera = camera or CalibratedCamera("1", (1000, 1000))
    keypoints = np.full((frames, 17, 2), 500 * (1 + offset), np.float32)
    return PoseSequence(subject, action, camera, keypoints, np.zeros((frames, 17, 3), np.float32))


def made(*takes, name="mine"):
    return PoseDataset(name, H36M17, H36M17, 50.0, takes)


def echo(**fields):
    """A network of one frame: every joint at (x of its keypoint, 0, 0)."""
    header = LifterHeader("echo", (1,), 34, 2, skeleton_in="h36m17", normalisation="screen")
    model = build_model(header).eval()
    state = {key: torch.zeros_like(value) for key, value in model.state_dict().items()}
    state["expand_bn.weight"] += 1
    state["expand_bn.running_var"] += 1 - model.expand_bn.eps
    for joint in range(17):
        for channel, sign in ((joint, 1.0), (joint + 17, -1.0)):  # x is relu(x) - relu(-x)
            state["expand_conv.weight"][channel, 2 * joint] = sign
            state["shrink.weight"][3 * joint, channel] = sign
    model.load_state_dict(state)
    return Lifter(model, replace(header, **fields))


def test_takes_count_by_their_frames_and_actions_count_alike():
    data = made(
        line("A", "Run 1", 30, 0.1), line("A", "Run 2 chunk0", 10, 0.5), line("B", "Run", 40, 0.0),
        line("B", "Jump", 5, 0.4),
    )  # fmt: skip
    scores = evaluate(echo(), data, config=LiftConfig(flip=False))
    run_, jump = scores.overall.rows
    assert (run_.action, run_.frames, jump.action, jump.frames) == ("Run", 80, "Jump", 5)
    assert run_.mpjpe == pytest.approx((30 * 100 + 10 * 500) / 80, rel=1e-5)
    assert jump.mpjpe == pytest.approx(400, rel=1e-5)
    assert scores.average.mpjpe == pytest.approx((100 + 400) / 2, rel=1e-5)
    assert [t.subject for t in scores.by_subject] == ["A", "B"]
    assert scores.by_subject[0].average.mpjpe == pytest.approx(200, rel=1e-5)
    assert scores.by_subject[1].average.mpjpe == pytest.approx((0 + 400) / 2, rel=1e-5)


def test_the_error_of_the_root_counts():
    data = made(line("A", "Run", 6, 0.3))
    screen = evaluate(echo(), data, config=LiftConfig(flip=False)).average
    assert screen.mpjpe == pytest.approx(300, rel=1e-5)  # the whole person is beside the truth, root included


def test_poses_of_a_given_stature_are_scaled_to_the_height_asked_for():
    data = made(line("A", "Run", 6, 0.3))
    for height, expected in ((1.7, 300), (3.4, 600)):
        scores = evaluate(echo(stature=1.7), data, config=LiftConfig(flip=False, height=height))
        assert scores.average.mpjpe == pytest.approx(expected, rel=1e-5)
    assert evaluate(echo(), data, config=LiftConfig(flip=False, height=3.4)).average.mpjpe == pytest.approx(300)


def test_every_metric_is_the_one_of_the_takes_poses():
    rng, frames = np.random.default_rng(3), 7
    take = line("A", "Run", frames)
    take = replace(
        take,
        keypoints=rng.uniform(200, 800, (frames, 17, 2)).astype(np.float32),
        poses=rng.normal(0, 0.4, (frames, 17, 3)).astype(np.float32),
    )
    scores = evaluate(echo(), made(take), config=LiftConfig(flip=False)).average
    predicted = np.zeros((frames, 17, 3))
    predicted[..., 0] = screen_from_pixels(take.keypoints, (1000, 1000))[..., 0]
    for metric, measure in zip(METRICS, (mpjpe, p_mpjpe, n_mpjpe, mpjve, acceleration_error), strict=True):
        assert getattr(scores, metric) == pytest.approx(measure(predicted, take.poses.astype(float)), rel=1e-4)


def test_takes_too_short_for_a_velocity_leave_it_to_the_others():
    long = line("A", "Run", 4, 0.1)
    long.keypoints[2:] += 50
    both = evaluate(echo(), made(long, line("A", "Run", 1, 0.1)), config=LiftConfig(flip=False))
    alone = evaluate(echo(), made(long), config=LiftConfig(flip=False))
    assert both.average.mpjve == alone.average.mpjve > 0
    one = evaluate(echo(), made(line("A", "Run", 1, 0.1)), config=LiftConfig(flip=False))
    assert np.isnan(one.average.mpjve)
    assert json.loads(one.json())["overall"]["average"]["mpjve"] is None
    assert one.csv().splitlines()[1].endswith(",,")


def test_subset_and_downsample():
    data = dataset()
    lifter = lifter_for(data, (3, 3))
    whole = evaluate(lifter, data, ("S9",), ("Walk",))
    part = evaluate(lifter, data, ("S9",), ("Walk",), subset=0.5, downsample=2)
    assert 0 < part.average.frames < whole.average.frames / 3
    assert (part.fps, part.downsample, part.subset) == (25, 2, 0.5)


def test_memory_is_bounded_by_the_chunk_which_changes_nothing(monkeypatch):
    data, lengths = dataset(), []
    expand = fast._Convolution.__call__
    monkeypatch.setattr(fast._Convolution, "__call__", lambda self, h: (lengths.append(len(h)), expand(self, h))[1])
    whole = evaluate(lifter_for(data), data, ("S9",), ("Walking",))
    assert max(lengths) > 60
    lengths.clear()
    parts = evaluate(lifter_for(data), data, ("S9",), ("Walking",), LiftConfig(chunk=16))
    assert max(lengths) == 16 + 26
    assert parts.average.mpjpe == pytest.approx(whole.average.mpjpe, rel=1e-5)


def test_progress_counts_every_frame():
    told = []
    scores = evaluate(echo(), made(line("A", "Run", 3), line("B", "Run", 4)), progress=lambda *now: told.append(now))
    assert told == [("evaluate", 3, 7), ("evaluate", 7, 7)]
    assert scores.average.frames == 7


# --- who is judged


def test_default_subjects():
    assert default_subjects(dataset()) == ("S9", "S11")
    assert default_subjects(dataset("humaneva15")) == TEST_SUBJECTS["humaneva15"]
    bare = replace(line("C", "Run", 3), poses=None)
    assert default_subjects(made(line("B", "Run", 3), line("A", "Run", 3), bare)) == ("B", "A")


def test_a_subject_named_twice_counts_once():
    data = made(line("A", "Run", 3), line("B", "Run", 4))
    assert evaluate(echo(), data, ("B", "B")).average.frames == 4


@pytest.mark.parametrize(
    ("subjects", "actions", "why"),
    [
        (("S90",), (), "no subject 'S90'"),
        ((), (), "no subjects given"),
        (("S9",), ("Fly",), "no action 'Fly'"),
        (None, (), "no subject 'Validate/S3'"),
    ],
)
def test_who_is_not_there(subjects, actions, why):
    data = dataset() if subjects is not None else dataset("humaneva15")
    with pytest.raises(InputError, match=why):
        evaluate(lifter_for(data), data, subjects, actions)


def test_without_3d_there_is_nothing_to_judge():
    data = dataset("custom", "tiny")
    with pytest.raises(InputError, match="no 3D poses of clip_a.mp4"):
        evaluate(lifter_for(data), data)


# --- lifters that do not fit


@pytest.mark.parametrize(
    ("fields", "data", "why"),
    [
        ({"skeleton_in": "coco17"}, ("h36m", "gt"), r"it takes coco17 keypoints.*gt.npz are h36m17.*detectron_pt_coco"),
        ({"skeleton_in": "h36m17"}, ("h36m", "detectron_pt_coco"), r"it takes h36m17.*are coco17.*gt, cpn_ft_h36m_dbb"),
        ({"skeleton_out": "h36m17"}, ("humaneva15", "gt"), r"gives h36m17 poses, those of humaneva15 are humaneva15"),
        ({"features": 3}, ("h36m", "gt"), r"takes the score of every joint.* has none"),
    ],
)
def test_joints_that_do_not_fit_are_one_line(fields, data, why):
    data = dataset(*data)
    with pytest.raises(SkeletonMismatchError, match=why) as error:
        evaluate(lifter_for(data, **fields), data)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("golden: ")


def test_scores_that_the_lifter_does_not_take_are_left_out():
    data = dataset("h36m", "detectron_pt_coco")
    scores = evaluate(lifter_for(data, features=2), data, ("S9",), ("Walking",))
    bare = replace(data, sequences=tuple(replace(s, keypoints=s.keypoints[..., :2]) for s in data.sequences))
    expected = evaluate(lifter_for(bare), bare, ("S9",), ("Walking",))
    assert scores.overall == expected.overall
    assert "left out" in scores.table()
    assert "left out" not in expected.table()


def test_lifters_that_take_rays():
    """The bundled lifter sees calibrated cameras; without calibration a guess is made and said."""
    data = dataset("h36m", "detectron_pt_coco")
    lifter = Lifter.load("open", "cpu")
    scores = evaluate(lifter, data, ("S9",), ("WalkDog",), LiftConfig(chunk=64))
    assert 50 < scores.average.mpjpe < 400  # the people of the golden files are not real ones
    assert "not calibrated" not in scores.table()
    assert "scaled to people of 1.7 m" in scores.table()
    takes = data.select(("S9",), ("WalkDog",))
    unknown = [replace(s, camera=replace(s.camera, focal=None)) for s in takes]
    blind = replace(data, sequences=tuple(unknown))
    guessed = evaluate(lifter, blind, ("S9",), (), LiftConfig(fov=47))
    assert "a field of view of 47 degrees was assumed" in guessed.table()
    assert guessed.average.mpjpe == pytest.approx(scores.average.mpjpe, rel=0.1)
    assert guessed.average.mpjpe != scores.average.mpjpe
    far = evaluate(lifter, blind, ("S9",), (), LiftConfig(focal=100))
    assert "a focal length of 100 px was assumed" in far.table()


def test_poses_of_rays_are_judged_relative_to_their_root():
    data = replace(made(line("A", "Run", 6)), keypoint_skeleton=COCO17)
    lifter = Lifter.load("open", "cpu")
    with torch.no_grad():
        before = evaluate(lifter, data).average.mpjpe
        lifter.model.shrink.bias += 1.0  # every joint, root included, a metre along every axis
        assert evaluate(lifter, data).average.mpjpe == pytest.approx(before, rel=1e-3)


# --- texts


@pytest.fixture
def paper_scores():
    """Scores that look like an evaluation of the original's best lifter: every error one above the published."""
    best = PUBLISHED[0]
    rows = tuple(
        ActionScore(action, 100, mpjpe=p1 + 1, p_mpjpe=p2 + 1, n_mpjpe=44, mpjve=v + 1, acceleration=5)
        for action, p1, p2, v in zip(SHORT, *best.actions.values(), strict=True)
    )
    return replace(
        run("tta"), lifter="best", frames=243, overall=ScoreTable("", rows), by_subject=(), notes=("A remark.",)
    )


def test_the_table_has_the_columns_of_the_paper(paper_scores):
    head, columns, *lines = paper_scores.table().splitlines()
    assert head == "best (243 frames) on h36m, S9, S11: 1,500 frames at 50/s, with flip averaging"
    assert " ".join(columns.split()) == (
        "Dir. Disc. Eat Greet Phone Photo Pose Purch. Sit SitD. Smoke Wait WalkD. Walk WalkT. Avg."
    )
    assert lines[0].split() == [
        "MPJPE", "46.2", "47.7", "44.3", "46.6", "49.1", "56.1", "45.6", "45.3", "58.3", "66.8", "48.1", "45.0",
        "50.0", "33.8", "34.9", "47.9",
    ]  # fmt: skip
    assert [words.split()[0] for words in lines[:5]] == ["MPJPE", "P-MPJPE", "N-MPJPE", "MPJVE", "accel."]
    assert lines[-1] == "A remark."
    assert max(map(len, paper_scores.table().splitlines())) <= 120


def test_a_narrow_or_tall_table_has_actions_as_rows(paper_scores):
    tall = paper_scores.table(layout="tall")
    assert tall == paper_scores.table(width=80)
    assert paper_scores.table(layout="wide", width=80) == paper_scores.table()
    lines = tall.splitlines()
    assert lines[1].split() == ["frames", "MPJPE", "P-MPJPE", "N-MPJPE", "MPJVE", "accel."]
    assert lines[2].split() == ["Dir.", "100", "46.2", "35.1", "44.0", "4.00", "5.00"]
    assert max(len(line) for line in lines[1:] if not line.startswith(("mm;", "Data: "))) <= 80


def test_other_actions_keep_their_order_and_names():
    data = made(line("A", "Swim 1", 3), line("A", "Directions", 3), line("A", "Box", 3))
    scores = evaluate(echo(), data)
    assert [row.action for row in scores.overall.rows] == ["Swim", "Directions", "Box"]
    assert scores.table().splitlines()[1].split() == ["Swim", "Dir.", "Box", "Avg."]


def test_tables_of_subjects_come_before_that_of_all():
    scores = run("by_subject")
    assert "S11\n" not in scores.table()
    text = scores.table(by_subject=True)
    places = [text.index(f"\n{who}\n") for who in ("S9", "S11", "all subjects")]
    assert places == sorted(places)


def test_csv_and_json_say_the_same_in_full():
    scores = run("by_subject")
    rows = list(csv.DictReader(scores.csv().splitlines()))
    content = json.loads(scores.json())
    assert content["lifter"] == "golden"
    assert content["subjects"] == ["S9", "S11"]
    assert len(rows) == 3 * (3 + 1)
    for row in rows:
        block = content["overall"] if row["subject"] == "all" else content["by_subject"][row["subject"]]
        entries = [*block["actions"], block["average"]]
        entry = next(e for e in entries if e["action"] == row["action"])
        assert int(row["frames"]) == entry["frames"]
        assert all(float(row[metric]) == entry[metric] for metric in METRICS)
    assert float(rows[0]["mpjpe"]) == scores.overall.rows[0].mpjpe


# --- published figures


def test_published_rows_add_up():
    full = 0
    for row in PUBLISHED:
        assert row.dataset in TEST_SUBJECTS
        for metric, values in row.actions.items():
            assert len(values) == len(SHORT)
            assert sum(values) / len(values) == pytest.approx(row.averages[metric], abs=0.1)
            full += 1
    assert full == 8
    assert len({(row.dataset, row.keypoints, row.frames, row.causal) for row in PUBLISHED}) == len(PUBLISHED)


@pytest.mark.parametrize(
    ("fields", "keypoints", "average"),
    [
        ({"frames": 243}, "cpn_ft_h36m_dbb", 46.8),
        ({"frames": 243, "causal": True}, "cpn_ft_h36m_dbb", 49.0),
        ({"frames": 81}, "cpn_ft_h36m_dbb", 47.7),
        ({"frames": 27}, "cpn_ft_h36m_dbb", 48.8),
        ({"frames": 1}, "cpn_ft_h36m_dbb", 51.8),
        ({"frames": 1, "causal": True}, "cpn_ft_h36m_dbb", 51.8),
        ({"frames": 243}, "detectron_ft_h36m", 51.6),
        ({"frames": 243}, "gt", 37.2),
        ({"dataset": "humaneva15", "subjects": TEST_SUBJECTS["humaneva15"]}, "detectron_pt_coco", 33.0),
    ],
)
def test_the_published_row_is_chosen_by_what_was_judged(fields, keypoints, average):
    found = find_published(replace(run("tta"), **({"frames": 27} | fields)), keypoints)
    assert not isinstance(found, str)
    assert found.averages["mpjpe"] == average


@pytest.mark.parametrize(
    ("fields", "keypoints", "why"),
    [
        ({"dataset": "mine"}, "gt", "Nothing published for mine; there is h36m, humaneva15."),
        ({}, "sh_pt_mpii", "Nothing published for the keypoints sh_pt_mpii; there is cpn_ft_h36m_dbb"),
        ({"frames": 9}, "gt", "Nothing published for 9 frames with the keypoints gt; there is 243 frames."),
        ({"frames": 243, "causal": True}, "gt", "Nothing published for 243 frames causal"),
        ({"subjects": ("S9",)}, "gt", "judges every frame of S9, S11"),
        ({"downsample": 2}, "gt", "judges every frame"),
        ({"subset": 0.5}, "gt", "judges every frame"),
    ],
)
def test_where_nothing_published_fits_it_is_said(fields, keypoints, why):
    assert why in against_paper(replace(run("tta"), **fields), keypoints)


def test_ours_against_the_paper(paper_scores):
    text = against_paper(paper_scores, "cpn_ft_h36m_dbb")
    assert text.startswith("Published for 243 frames, CPN in the boxes of Mask R-CNN (the paper, tables 1 and 2), and")
    lines = text.splitlines()[2:]
    assert [line.split()[0] for line in lines] == ["MPJPE", "ours", "P-MPJPE", "ours", "MPJVE", "ours"]
    assert lines[0].split()[1:4] == ["45.2", "46.7", "43.3"]
    assert lines[0].split()[-1] == "46.8"
    for differences in lines[1::2]:
        assert set(differences.split()[1:-1]) == {"+1.0"}
        assert len(differences.split()) == 17
    assert max(map(len, text.splitlines())) <= 120
    tall = against_paper(paper_scores, "cpn_ft_h36m_dbb", layout="tall").splitlines()
    assert tall[2].split()[:3] == ["Dir.", "45.2", "+1.0"]


def test_without_all_actions_there_is_no_average_to_compare(paper_scores):
    table = ScoreTable("", paper_scores.overall.rows[13:14])
    text = against_paper(replace(paper_scores, overall=table), "cpn_ft_h36m_dbb")
    assert text.splitlines()[2].split() == ["MPJPE", "32.8", "-"]
    assert text.endswith("No average: the published one is over other actions.")


def test_the_docs_quote_the_published_averages():
    text = (Path(__file__).parents[2] / "docs/evaluation.md").read_text()
    for row in PUBLISHED:
        assert f"{row.averages['mpjpe']:.1f}" in text

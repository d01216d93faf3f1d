"""Fine-tuning a Keypoint R-CNN: what Detectron2's trainer is given, and what is refused before it starts.

That it trains: tests/detectors/test_real_libraries.py, where Detectron2 is installed.
"""

from __future__ import annotations

import json
import pickle
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from stick_people import write_people

from videopose3d.cli_finetune import finetune
from videopose3d.config_finetune import KeypointRcnnConfig
from videopose3d.datasets.coco import LabelledPeople, read_coco
from videopose3d.detectors import joints_of
from videopose3d.detectors.detectron2 import fill, note_of
from videopose3d.errors import FileFormatError, VideoPose3DError, WeightsError
from videopose3d.pipeline.finetune import keypoint_rcnn
from videopose3d.pipeline.finetune.keypoint_rcnn import last_step, new_layers, settings
from videopose3d.pipeline.finetune.rcnn_pictures import mirrored_pairs, records, registered
from videopose3d.skeleton import COCO17, H36M17, Skeleton

PAWS = Skeleton("cat", ("tail", "left_paw", "right_paw"), (("tail", "left_paw"), ("tail", "right_paw")))


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> LabelledPeople:
    return write_people(tmp_path_factory.mktemp("people"), 3)


# --- pictures


def test_a_record_has_the_box_and_the_joints_in_the_middles_of_pixels(people: LabelledPeople) -> None:
    hidden = people.visibility.copy()
    hidden[1, 4] = 0
    found = records(replace(people, visibility=hidden))
    assert [Path(one["file_name"]) for one in found] == [people.folder / file for file in people.files]
    assert len({one["image_id"] for one in found}) == 3
    assert {(one["width"], one["height"]) for one in found} == {(120, 120)}
    for row, one in enumerate(found):
        (person,) = one["annotations"]
        assert person["bbox"] == people.boxes[row].tolist()
        assert (person["category_id"], person["iscrowd"], person["bbox_mode"]) == (0, 0, 0)
        points = np.array(person["keypoints"]).reshape(17, 3)
        expected = np.where(hidden[row, :, None] > 0, people.joints[row] + 0.5, 0)
        np.testing.assert_allclose(points[:, :2], expected, atol=1e-5)
        np.testing.assert_array_equal(points[:, 2], hidden[row])


def test_everybody_in_a_picture_is_in_its_record_joints_or_not(people: LabelledPeople, tmp_path: Path) -> None:
    """Or the network would learn that people without labelled joints are nobody."""
    content = json.loads(people.source.read_text())
    first, second = content["annotations"][:2]
    nothing = [0] * 51
    content["annotations"] += [
        {**second, "id": 11, "image_id": first["image_id"]},
        {**first, "id": 12, "bbox": [1, 2, 30, 40], "keypoints": nothing},
        {**first, "id": 13, "bbox": [5, 5, 9, 9], "keypoints": nothing, "iscrowd": 1},
        {**first, "id": 14, "bbox": [5, 5, 0, 9], "keypoints": nothing},
        {**first, "id": 15, "bbox": [5, 5, 9, 9], "keypoints": nothing, "image_id": 3},
    ]
    path = tmp_path / "more.json"
    path.write_text(json.dumps(content))
    found = records(read_coco(path, people.folder).named(["0000", "0001"]))
    assert [len(one["annotations"]) for one in found] == [3, 1]
    boxes = [one["bbox"] for one in found[0]["annotations"]]
    assert boxes[2] == [1, 2, 31, 42]
    np.testing.assert_allclose(boxes[1], people.boxes[1])
    assert found[0]["annotations"][2]["keypoints"] == nothing


def test_the_joints_that_change_places_in_a_mirror() -> None:
    pairs = mirrored_pairs(H36M17)
    assert {frozenset(map(H36M17.index, pair)) for pair in pairs} == {
        frozenset(pair) for pair in ((1, 4), (2, 5), (3, 6), (11, 14), (12, 15), (13, 16))
    }
    assert len(mirrored_pairs(COCO17)) == 8


class Catalogue(dict[str, Any]):
    """Detectron2's two."""

    def register(self, name, function):
        self[name] = function

    def get(self, name):
        self.setdefault(name, SimpleNamespace())
        return SimpleNamespace(set=vars(self[name]).update)

    def list(self):
        return list(self)

    def remove(self, name):
        del self[name]


def test_the_catalogue_knows_the_pictures_only_while_they_are_needed(people, monkeypatch) -> None:
    data, meta = Catalogue(), Catalogue()
    monkeypatch.setitem(sys.modules, "detectron2", SimpleNamespace())
    fake = SimpleNamespace(DatasetCatalog=data, MetadataCatalog=meta)
    monkeypatch.setitem(sys.modules, "detectron2.data", fake)

    def use() -> None:
        with registered(people):
            assert data["videopose3d_pictures"]() == records(people)
            told = meta["videopose3d_pictures"]
            assert told.keypoint_names == list(H36M17.joints)
            assert ("right_hip", "left_hip") in told.keypoint_flip_map
            raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            use()
        assert data == meta == {}


# --- settings


def test_the_schedule_is_the_papers() -> None:
    """1e-3 for 60k steps, 1e-4 for 10k, 1e-5 for 10k (section 5.2 and the supplement)."""
    found = settings(H36M17, KeypointRcnnConfig())
    assert (found["SOLVER.STEPS"], found["SOLVER.MAX_ITER"]) == ((60_000, 70_000), 80_000)
    assert (found["SOLVER.BASE_LR"], found["SOLVER.GAMMA"]) == (1e-3, 0.1)
    assert found["MODEL.ROI_KEYPOINT_HEAD.NUM_KEYPOINTS"] == len(found["TEST.KEYPOINT_OKS_SIGMAS"]) == 17
    assert found["TEST.KEYPOINT_OKS_SIGMAS"][:2] == [0.107, 0.107]
    alone = settings(PAWS, KeypointRcnnConfig(steps=(5,), learning_rate=1))
    assert (alone["SOLVER.STEPS"], alone["SOLVER.MAX_ITER"], alone["TEST.KEYPOINT_OKS_SIGMAS"]) == ((), 5, [])
    assert isinstance(alone["SOLVER.BASE_LR"], float)


@pytest.mark.parametrize("steps", [(), (0,), (5, 0), (5, -1)])
def test_phases_without_steps_are_refused(steps: tuple[int, ...]) -> None:
    with pytest.raises(VideoPose3DError, match="60000,10000,10000"):
        KeypointRcnnConfig(steps=steps)


def test_new_layers_stay_and_the_others_are_the_checkpoint(tmp_path: Path) -> None:
    """17 joints in both sets: to load all of it would pass, and be wrong."""
    head = SimpleNamespace(CONV_DIMS=[512] * 8)
    fresh = new_layers(SimpleNamespace(MODEL=SimpleNamespace(ROI_KEYPOINT_HEAD=head)))
    net = torch.nn.ModuleDict({"roi_heads": torch.nn.ModuleDict({"keypoint_head": torch.nn.ModuleDict()})})
    for name in ("conv_fcn7", "conv_fcn8", "score_lowres"):
        net["roi_heads"]["keypoint_head"][name] = torch.nn.Linear(2, 2)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    old = {key: torch.full_like(value, 7.0) for key, value in before.items()}
    old["roi_heads.keypoint_head.score_lowres.weight"] = torch.zeros(5, 5)  # of other joints
    fill(net, old, tmp_path, fresh)
    for key, value in net.state_dict().items():
        assert torch.equal(value, before[key] if ("fcn8" in key or "score" in key) else old[key]), key
    with pytest.raises(WeightsError, match=r"score_lowres\.weight does not fit"):
        fill(net, old, tmp_path)


# --- what comes out


@pytest.mark.parametrize("skeleton", [H36M17, PAWS])
def test_a_configuration_says_which_joints_its_weights_find(skeleton: Skeleton, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(note_of(skeleton, data="x") + "\nMODEL:\n  KEYPOINT_ON: true\n")
    assert joints_of(f"detectron2:{path}=model.pth") == skeleton
    assert joints_of(f"detectron2:{path.with_suffix('')}=model.pth") == skeleton
    assert joints_of(f"detectron2:{path}=model.pth+cpn") == COCO17  # the CPN's
    path.write_text("MODEL:\n  KEYPOINT_ON: true\n")
    assert joints_of(f"detectron2:{path}=model.pth") == COCO17
    for torn in (note_of(skeleton)[:-9], "# videopose3d 5", '# videopose3d {"name": 1, "joints": [2], "bones": []}'):
        path.write_text(torn)
        with pytest.raises(FileFormatError, match="note of the joints"):
            joints_of(f"detectron2:{path}=model.pth")


# --- an earlier run


def checkpoint(folder: Path, text: str = "A: 1\nDEVICE: cpu\n", **content: object) -> Path:
    folder.mkdir(exist_ok=True)
    torch.save({"model": {"x": torch.zeros(1)}, "trainer": {}, "iteration": 6, **content}, folder / "model_0000006.pth")
    (folder / "last_checkpoint").write_text("model_0000006.pth")
    (folder / "config.yaml").write_text(text)
    return folder


def test_a_run_goes_on_with_the_step_after_the_checkpoint(tmp_path: Path) -> None:
    assert last_step(tmp_path, "A: 1") is None
    run = checkpoint(tmp_path)
    assert last_step(run, "A: 1\nDEVICE: cuda\n") == 7
    with pytest.raises(WeightsError, match=r"other settings \(A: 1\)"):
        last_step(run, "A: 2\nDEVICE: cpu\n")
    with pytest.raises(WeightsError, match="not a checkpoint"):
        last_step(checkpoint(tmp_path, iteration="6"), "A: 1\nDEVICE: cpu\n")


class Hostile:
    def __reduce__(self):
        return print, ("ran",)


def test_a_checkpoint_never_runs_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = checkpoint(tmp_path, trainer=Hostile())
    with pytest.raises(WeightsError, match="nothing of it was run"):
        last_step(run, "A: 1\nDEVICE: cpu\n")
    (run / "model_0000006.pth").write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(WeightsError, match="nothing of it was run"):
        last_step(run, "A: 1\nDEVICE: cpu\n")
    assert capsys.readouterr().out == ""


# --- the command


class Config:
    """What `finetune_keypoint_rcnn` touches of Detectron2's."""

    def __init__(self, keypoints: bool = True) -> None:
        self.MODEL = SimpleNamespace(KEYPOINT_ON=keypoints, ROI_KEYPOINT_HEAD=SimpleNamespace(CONV_DIMS=[1] * 8))
        self.SOLVER = SimpleNamespace(MAX_ITER=2)
        self.told: list[object] = []

    def merge_from_list(self, told):
        self.told += told

    def dump(self):
        return f"TOLD: {self.told[:-4]}\n"


def refused(*words):
    """The one line that a wrong command ends with."""
    done = CliRunner().invoke(finetune, ["keypoint_rcnn", *map(str, words)], catch_exceptions=False)
    assert done.exit_code == 1, done.output
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Error: ")
    return lines[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--init", "nothing.pth"], "nothing.pth: cannot be read"),
        (["--config", "mine"], "Give a file of weights, --init FILE"),
        (["--config", "mine", "--init", "x.pth", "--no-reset-heads"], "the network finds coco17"),
        (["--config", "boxes"], "boxes only"),
        (["--train-on", "S1"], "no picture begins with 'S1'"),
        (["--images", "nowhere"], "no picture 0000.png"),
        (["--device", "cuda:99"], "GPU"),
        (["--steps", "0"], "60000,10000,10000"),
    ],
)
def test_wrong_input_is_one_line_and_leaves_nothing(words, message, people, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(keypoint_rcnn, "import_library", lambda: None)
    monkeypatch.setattr(keypoint_rcnn, "configuration", lambda _, name: Config(name != "boxes"))
    out = tmp_path / "run"
    assert message in refused(people.source.parent, "-o", out, "--device", "cpu", *words)
    assert not out.exists()


def test_a_missing_detectron2_is_one_line(people, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "detectron2", None)
    line = refused(people.source.parent, "-o", tmp_path / "run")
    assert "pip install --no-build-isolation git+https://github.com/facebookresearch/detectron2" in line
    assert not (tmp_path / "run").exists()


def test_an_earlier_run_is_not_replaced_unasked(people, tmp_path, monkeypatch) -> None:
    seen: list[Any] = []

    def train(cfg, _people, state, fresh, start, _report):
        seen.append((state, len(fresh), start, sorted(path.name for path in run.iterdir())))

    monkeypatch.setattr(keypoint_rcnn, "import_library", lambda: None)
    monkeypatch.setattr(keypoint_rcnn, "configuration", lambda *_: Config())
    monkeypatch.setattr(keypoint_rcnn, "train", train)
    run = tmp_path / "run"
    words = [str(people.source.parent), "-o", str(run), "--device", "cpu", "--init", "random"]

    def invoke(*more):
        return CliRunner().invoke(finetune, ["keypoint_rcnn", *words, *more], catch_exceptions=False)

    done = invoke()
    assert (done.exit_code, done.stdout.strip()) == (0, str(run / "model_final.pth"))
    assert "exists" in refused(*words)
    assert invoke("--resume", "--overwrite").exit_code == 2
    text = (run / "config.yaml").read_text()
    checkpoint(run, text, iteration=0)
    assert "other settings" in refused(*words, "--resume", "--seed", "5")
    assert invoke("--resume").exit_code == 0
    assert invoke("--overwrite", "--no-reset-heads").exit_code == 0
    assert seen == [
        (None, 4, 0, ["config.yaml"]),
        (None, 4, 1, ["config.yaml", "last_checkpoint", "model_0000006.pth"]),
        (None, 0, 0, ["config.yaml"]),
    ]
    checkpoint(run, (run / "config.yaml").read_text(), iteration=1)
    (run / "model_final.pth").touch()
    assert invoke("--resume", "--no-reset-heads").exit_code == 0
    assert len(seen) == 3  # it was finished

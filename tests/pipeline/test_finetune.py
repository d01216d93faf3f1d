"""Fine-tuning a CPN: what it starts from, what it is shown, that it learns, and goes on exactly where it stopped."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from golden_files import golden
from stick_people import write_network, write_people

from videopose3d.config import DetectConfig
from videopose3d.config_finetune import FinetuneConfig
from videopose3d.datasets.coco import LabelledPeople
from videopose3d.detectors import joints_of
from videopose3d.detectors.crops import rectangle
from videopose3d.detectors.loading import load_keypoint_network
from videopose3d.detectors.networks.targets import cpn_kernels, cpn_targets
from videopose3d.errors import FileFormatError, InputError, OutputError, SkeletonMismatchError, WeightsError
from videopose3d.pipeline.finetune import fit as fit_module
from videopose3d.pipeline.finetune.blobs import Blobs
from videopose3d.pipeline.finetune.network import start_network
from videopose3d.pipeline.finetune.run import finetune, split_people
from videopose3d.pipeline.finetune.samples import Feed, into_crop, sample, turned
from videopose3d.pipeline.finetune.score import score
from videopose3d.pipeline.training.stopping import Stopped
from videopose3d.skeleton import COCO17, H36M17
from videopose3d.types import Person

TINY = FinetuneConfig(steps=(4, 2), batch=2, validate_every=3, save_every=3, workers=2, learning_rate=1e-3)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    write_network(path)
    return str(path)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> LabelledPeople:
    return write_people(tmp_path_factory.mktemp("people"), 7)


# --- what it starts from


def test_new_heads_differ_and_everything_else_is_the_checkpoint(start: str) -> None:
    """17 joints in both sets: a strict load of the old last layers would pass, and be wrong."""
    old = load_keypoint_network(start).model.state_dict()
    network = start_network(start, H36M17, FinetuneConfig())
    new = network.model.state_dict()
    heads = [f"global_net.predict.{level}.{layer}" for level in range(4) for layer in (3, 5)]
    heads += ["refine_net.final_predict.1", "refine_net.final_predict.2"]
    assert old.keys() == new.keys()
    in_heads = {key for key in new if key.rpartition(".")[0] in heads}
    assert len(in_heads) == 5 * (1 + 5)
    for key, tensor in new.items():
        assert torch.equal(tensor, old[key]) != (key in in_heads), key


def test_heads_can_be_kept_and_then_nothing_differs(start: str) -> None:
    config = FinetuneConfig(reset_heads=False)
    old, new = load_keypoint_network(start), start_network(start, H36M17, config)
    assert all(torch.equal(tensor, old.model.state_dict()[key]) for key, tensor in new.model.state_dict().items())
    with pytest.raises(SkeletonMismatchError, match="reset-heads"):
        start_network(start, COCO17, config)


def test_other_joints_get_heads_of_their_number(start: str) -> None:
    fewer = replace(H36M17, name="ten", joints=H36M17.joints[:7], bones=())
    network = start_network(start, fewer, FinetuneConfig())
    assert network.model.joints == 7
    levels, refined = network.model.train()(torch.zeros(2, 3, 64, 64))
    assert {tuple(maps.shape) for maps in (*levels, refined)} == {(2, 7, 16, 16)}


def test_new_heads_give_maps_of_the_height_to_be_learned(start: str) -> None:
    """A map that is as good as can be but for its scale is the target after the last batch norm."""
    network = start_network(start, H36M17, FinetuneConfig())
    target = torch.from_numpy(cpn_targets(np.array([[32.0, 32.0]]), np.ones(1), (16, 16), [7]))
    norm = network.model.heads()[-1].requires_grad_(False)
    scaled = norm.train()((0.01 * target[:, :1] - 3).expand(1, 17, 16, 16))
    assert float((scaled[0, :1] - target[0]).abs().max()) < 2
    assert float(target.max()) == 255


def test_a_network_of_another_family_is_refused(tmp_path: Path) -> None:
    from videopose3d.detectors.loading import KeypointNetwork, save_keypoint_network
    from videopose3d.detectors.networks.hourglass import Hourglass
    from videopose3d.detectors.published import RECIPES
    from videopose3d.skeleton import MPII16

    other = KeypointNetwork(Hourglass(1), RECIPES["hourglass"], (256, 256), MPII16, "hg")
    save_keypoint_network(other, tmp_path / "hg.safetensors")
    with pytest.raises(WeightsError, match="not a CPN"):
        start_network(str(tmp_path / "hg.safetensors"), MPII16, FinetuneConfig())


# --- what it is shown


@pytest.mark.parametrize("size", [(384, 288), (256, 192), (64, 64)])
def test_blobs_are_the_targets(size: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    joints = random.uniform(-20, size[0] + 20, (40, 2)).astype(np.float32)
    joints[:4] = [(0, 0), (size[1] - 1, size[0] - 1), (size[1], 3), (3.99, 4.0)]
    visibility = random.integers(0, 3, 40)
    expected = cpn_targets(joints, visibility, (size[0] // 4, size[1] // 4), cpn_kernels(size))
    found = Blobs(size, cpn_kernels(size))(torch.from_numpy(joints)[None], torch.from_numpy(visibility)[None])
    assert expected.any((2, 3)).sum() > 8
    for level, maps in enumerate(found):
        np.testing.assert_allclose(maps[0], expected[level], atol=1e-3)


@pytest.mark.parametrize("size", [(384, 288), (256, 192)])
def test_joints_in_training_crops_match_the_original(size: tuple[int, int]) -> None:
    data, checked = golden("cpn_crop"), 0
    joints, expected = (data[f"{size[0]}x{size[1]}/train_joints_{name}"] for name in ("in", "in_crop"))
    for i, (box, (height, width)) in enumerate(zip(data["boxes_xyxy"], data["image_hw"], strict=True)):
        corners = rectangle(box, (int(height), int(width)), size, 1.25)
        seen = expected[i, :, 2] > 0
        found = into_crop(joints[i, :, :2], corners, size)
        np.testing.assert_allclose(found[seen], expected[i, seen, :2], atol=1e-3)
        checked += int(seen.sum())
    assert checked > 100


def test_the_test_sample_is_the_crop_and_joints_lie_on_their_colours(people: LabelledPeople) -> None:
    from stick_people import colours

    for row in range(len(people)):
        one = sample(people, row, (128, 96))
        assert one.picture.shape == (128, 96, 3)
        assert one.gains.tolist() == [1, 1, 1]
        assert one.visibility.tolist() == [2] * 17
        _on_their_colours(one.picture, one.joints, one.visibility, colours(17))


def _on_their_colours(image, joints, visibility, colour) -> int:
    inside = [k for k in range(17) if visibility[k]]
    at = np.rint(joints).astype(int).clip(0, (image.shape[1] - 1, image.shape[0] - 1))
    off = [np.abs(image[at[k, 1], at[k, 0]].astype(int) - colour[k]).max() for k in inside]
    assert np.median(off) < 25, off
    return len(inside)


def test_varied_samples_keep_every_joint_on_its_colour(people: LabelledPeople) -> None:
    """Also when mirrored: the colour of the left wrist is then where the right wrist's label is."""
    from stick_people import colours

    mirrored = [colours(17)[k] for k in H36M17.mirror]
    kinds = {"plain": 0, "mirrored": 0, "outside": 0}
    for seed in range(40):
        one = sample(people, 0, (128, 96), np.random.default_rng(seed))
        random = np.random.default_rng(seed)
        random.uniform()
        kind = random.integers(4)
        seen = _on_their_colours(one.picture, one.joints, one.visibility, mirrored if kind == 1 else colours(17))
        kinds["mirrored" if kind == 1 else "plain"] += 1
        kinds["outside"] += 17 - seen
        assert 0.8 <= one.gains.min() <= one.gains.max() <= 1.2
    assert min(kinds.values()) > 3, kinds


def test_a_turn_by_a_right_angle_is_that_of_numpy() -> None:
    image = np.random.default_rng(0).integers(0, 255, (40, 40, 3)).astype(np.uint8)
    found, joints = turned(image, np.array([[5.0, 10.0]]), 90.0)
    np.testing.assert_array_equal(found, np.rot90(image, -1))
    np.testing.assert_allclose(joints, [[29, 5]], atol=1e-9)


def test_every_pass_sees_everybody_once_and_in_another_order(people: LabelledPeople) -> None:
    feed = Feed(people, (64, 64), batch=3, seed=5)
    rows = [row for step in range(14) for row in feed.rows(step)]
    passes = [rows[i : i + 7] for i in range(0, 42, 7)]
    assert [sorted(part) for part in passes] == [list(range(7))] * 6
    assert len({tuple(part) for part in passes}) > 3
    large = Feed(people, (64, 64), batch=20, seed=5)  # several passes in one step
    assert large.rows(0) == rows[:20]


def test_samples_do_not_depend_on_threads_or_the_first_step(people: LabelledPeople) -> None:
    one = list(Feed(people, (64, 64), 3, 5, workers=1).batches(0, 6))
    many = list(Feed(people, (64, 64), 3, 5, workers=4).batches(4, 6))
    assert len(one) == 6
    for before, after in zip(one[4:], many, strict=True):
        for a, b in zip(before, after, strict=True):
            np.testing.assert_array_equal(a.picture, b.picture)
            np.testing.assert_array_equal(a.joints, b.joints)
    alone = list(Feed(people.select([0]), (64, 64), 2, 5).batches(0, 3))  # one person, in every pass another variation
    assert len({one.gains.tobytes() for batch in alone for one in batch}) == 6


# --- runs


def test_a_run_that_was_stopped_gives_the_same_weights(
    start: str, people: LabelledPeople, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = []
    test = people.select([0, 1])
    whole = finetune(
        people, tmp_path / "a", TINY, initial=start, test=test, device="cpu",
        report=lambda s: rows.append(s.row) if s.row else None,
    )  # fmt: skip
    assert [row["step"] for row in rows] == [3, 6]
    assert [row["lr"] for row in rows] == pytest.approx([1e-3, 1e-4])
    assert (tmp_path / "a" / "log.csv").read_text().splitlines()[0] == "step,lr,loss,pck,pixels,minutes"

    keep = fit_module.Fit._keep

    def stop_after_two(run, stop):
        if run.run.epoch == 2:
            stop.set()
        keep(run, stop)

    with monkeypatch.context() as patch:
        patch.setattr(fit_module.Fit, "_keep", stop_after_two)
        with pytest.raises(Stopped):
            finetune(people, tmp_path / "b", TINY, initial=start, test=test, device="cpu")
    assert not (tmp_path / "b" / "last.safetensors").exists()
    again = finetune(people, tmp_path / "b", TINY, initial=start, test=test, device="cpu", existing="resume")
    first, second = (load_keypoint_network(path).model.state_dict() for path in (whole, again))
    assert all(torch.equal(tensor, second[key]) for key, tensor in first.items())
    before = load_keypoint_network(start).model.state_dict()
    assert not torch.equal(first["resnet.conv1.weight"], before["resnet.conv1.weight"])
    assert not torch.equal(first["resnet.bn1.running_mean"], before["resnet.bn1.running_mean"])
    losses = [(tmp_path / name / "log.csv").read_text().splitlines()[1].split(",")[:5] for name in "ab"]
    assert losses[0] == losses[1]


def test_weights_say_what_they_are(start: str, people: LabelledPeople, tmp_path: Path) -> None:
    from safetensors import safe_open

    config = replace(TINY, steps=(1,), licence="CC-BY-4.0", precision="bfloat16")
    path = finetune(people, tmp_path, config, initial=start, device="cpu")
    network = load_keypoint_network(path)
    assert (network.skeleton, network.input_size, network.recipe.family) == (H36M17, (64, 64), "cpn")
    with safe_open(path, framework="pt") as file:
        note = file.metadata()
    assert note["licence"] == "CC-BY-4.0"
    assert "7 people" in note["training"]


def test_a_run_is_not_replaced_unasked_nor_taken_up_with_other_settings(
    start: str, people: LabelledPeople, tmp_path: Path
) -> None:
    short = replace(TINY, steps=(1,))
    finetune(people, tmp_path, short, initial=start, device="cpu")
    with pytest.raises(OutputError, match="exists"):
        finetune(people, tmp_path, short, initial=start, device="cpu")
    with pytest.raises(WeightsError, match="learning_rate"):
        finetune(people, tmp_path, replace(short, learning_rate=1e-5), initial=start, device="cpu", existing="resume")
    finetune(people, tmp_path, replace(short, workers=3), initial=start, device="cpu", existing="resume")
    exploding = replace(short, learning_rate=1e30, steps=(9,))
    with pytest.raises(InputError, match="not a number"):
        finetune(people, tmp_path, exploding, initial=start, device="cpu", existing="overwrite")
    assert not (tmp_path / "last.safetensors").exists()  # nobody takes the old weights for those of this run


def test_the_weights_are_a_detector_of_their_own_joints(
    start: str, people: LabelledPeople, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not of COCO's, which are 17, too: the joints that a fine-tuned network finds go with the keypoints."""
    from clips import Clip, make_clip

    from videopose3d.pipeline import watch_batches
    from videopose3d.pipeline.detect import detect

    name = f"mask_rcnn+cpn={start}"
    assert (joints_of(name), joints_of("mask_rcnn+cpn"), joints_of("mediapipe")) == (H36M17, COCO17, COCO17)
    box = np.array([10, 5, 50, 45], np.float32)
    nobody = np.full((17, 2), np.nan, np.float32)

    @contextmanager
    def boxes(*_, **__):
        yield lambda frames: [[Person(nobody, np.zeros(17, np.float32), box, 0.9)] for _ in frames]

    monkeypatch.setattr(watch_batches, "open_boxes", boxes)
    make_clip(Clip(frames=3), tmp_path / "clip.mp4")
    found = detect(tmp_path / "clip.mp4", DetectConfig(detector=name, parts=1))
    assert found.skeleton == H36M17
    assert np.isfinite(found.points).all()
    assert found.points.shape == (1, 3, 17, 2)


def test_joints_of_ones_own_are_in_the_file(people: LabelledPeople, start: str, tmp_path: Path) -> None:
    paws = replace(H36M17, name="cat", joints=("tail", *H36M17.joints[1:]), bones=())
    path = finetune(
        replace(people, skeleton=paws), tmp_path, replace(TINY, steps=(1,)), initial=start, device="cpu"
    )  # fmt: skip
    assert load_keypoint_network(path).skeleton == paws
    assert joints_of(f"mask_rcnn+cpn={path}") == paws


@pytest.mark.slow
def test_it_learns(start: str, tmp_path: Path) -> None:
    """35 s on one core; it was 0.98 after 60 steps."""
    train, held_out = write_people(tmp_path / "train", 64, 0), write_people(tmp_path / "test", 40, 1)
    config = FinetuneConfig(steps=(40, 25), batch=8, learning_rate=1e-3, lr_decay=0.2, augment=False, workers=1)
    before = score(start_network(start, H36M17, config), held_out)
    path = finetune(train, tmp_path / "run", config, initial=start, device="cpu")
    after = score(load_keypoint_network(path), held_out)
    assert before["pck"] < 0.3
    assert after["pck"] > 0.9
    assert after["pixels"] < 5


# --- data sets


def test_who_is_trained_and_tested_on(tmp_path: Path) -> None:
    groups = [write_people(tmp_path / s, 2, prefix=f"{s}/") for s in ("S1", "S11", "S9", "S6")]
    people = replace(
        groups[0], dataset="h36m", files=tuple(f for g in groups for f in g.files),
        **{n: np.concatenate([getattr(g, n) for g in groups]) for n in ("sizes", "boxes", "joints", "visibility")},
    )  # fmt: skip
    with pytest.raises(InputError, match="no picture begins with 'S5'"):
        split_people(people)
    train, test = split_people(people, ["S1"])
    assert {file[:3] for file in train.files} == {"S1/"}
    assert test is not None
    assert {file.split("/")[0] for file in test.files} == {"S9", "S11"}
    everybody, nobody = split_people(replace(people, dataset=""))
    assert (len(everybody), nobody) == (8, None)
    with pytest.raises(SkeletonMismatchError):
        split_people(people, ["S1"], held_out=replace(groups[1], skeleton=COCO17))


def test_pictures_that_are_not_those_of_the_annotations(people: LabelledPeople, tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="120 x 120 px, the annotations say 60 x 120"):
        sample(replace(people, sizes=people.sizes // (2, 1)), 0, (64, 64))
    path = tmp_path / "no.png"
    path.write_bytes(b"not a picture")
    with pytest.raises(InputError, match="cannot be read"):
        sample(replace(people, folder=tmp_path, files=("no.png",) * 7), 0, (64, 64))

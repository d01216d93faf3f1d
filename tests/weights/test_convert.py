"""Checkpoints of the original program and of MMPose against what those programs gave."""

from __future__ import annotations

import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from golden_files import FOLDER, golden, golden_json
from hostile import WRITERS, attacks, other_zip, write_legacy, write_zip

from videopose3d.errors import WeightsError
from videopose3d.lifter.model import TemporalModel
from videopose3d.lifter.weights import build_model, load_lifter, load_trajectory
from videopose3d.weights.convert import architecture_of, read_checkpoint
from videopose3d.weights.counts import Architecture, flops_per_frame, parameters, tensor_shapes
from videopose3d.weights.header import LifterHeader
from videopose3d.weights.importing import Told, import_checkpoint, joints_of
from videopose3d.weights.manifest import published
from videopose3d.weights.pickled import read_pickled

torch.set_num_threads(1)
EXPECTED = golden("checkpoints_expected")
MMPOSE = golden("mmpose_tcn")
ORIGINAL = {  # file: (the run it is of, container)
    "ckpt_supervised_epoch_2": ("supervised", "zip"),
    "ckpt_supervised_legacy": ("supervised", "legacy"),
    "ckpt_supervised_2018_like": ("supervised", "legacy"),
    "ckpt_released_like_legacy": ("supervised", "legacy"),
    "ckpt_semi_epoch_2": ("semi", "zip"),
    "ckpt_semi_legacy": ("semi", "legacy"),
}
FOREIGN = {  # file: (case of the golden arrays, causal, container)
    "mmpose_tcn_blocks2_27f": ("blocks2_27f", False, "zip"),
    "mmpose_tcn_blocks2_27f_v0": ("blocks2_27f", False, "legacy"),
    "mmpose_tcn_blocks2_causal": ("blocks2_causal", True, "zip"),
    "mmpose_tcn_blocks2_causal_v0": ("blocks2_causal", True, "legacy"),
    "mmpose_tcn_blocks4_243f": ("blocks4_243f", False, "zip"),
    "mmpose_tcn_blocks4_243f_v0": ("blocks4_243f", False, "legacy"),
    "mmpose_tcn_semi_27f_v0": ("semi_27f", False, "zip"),
}


def network(state: dict[str, torch.Tensor], joints_out: int = 17, causal: bool = False) -> TemporalModel:
    net = architecture_of(state)
    model = TemporalModel(
        17, net.inputs // 17, joints_out, net.filter_widths, causal=causal, channels=net.channels, dense=net.dense
    )
    model.load_state_dict(state)
    return model.eval()


def output(model: TemporalModel, frames: Any) -> np.ndarray:
    with torch.no_grad():
        return model(torch.from_numpy(np.ascontiguousarray(frames))[None])[0].numpy()


def padded(frames: np.ndarray, model: TemporalModel) -> np.ndarray:
    return np.pad(frames, (model.padding, (0, 0), (0, 0)), mode="edge")


# --- the original program


@pytest.mark.parametrize("name", ORIGINAL)
def test_original_checkpoints_give_what_their_program_gave(name: str) -> None:
    run, container = ORIGINAL[name]
    found = read_checkpoint(FOLDER / f"{name}.bin")
    assert (found.kind, found.container) == ("videopose3d", container)
    model = network(found.pose)
    np.testing.assert_allclose(output(model, padded(EXPECTED["input"], model)), EXPECTED[f"{run}/pose"], atol=1e-5)
    assert (found.trajectory is not None) == (run == "semi")
    if found.trajectory is not None:
        roots = output(network(found.trajectory, 1), padded(EXPECTED["input"], model))
        np.testing.assert_allclose(roots, EXPECTED[f"{run}/traj"], atol=1e-5)


@pytest.mark.parametrize("name", ["ckpt_supervised_epoch_2", "ckpt_supervised_legacy", "ckpt_semi_epoch_2"])
def test_every_tensor_is_read(name: str) -> None:
    run = ORIGINAL[name][0]
    found = read_checkpoint(FOLDER / f"{name}.bin")
    for part, state in (("model_pos", found.pose), ("model_traj", found.trajectory or {})):
        expected = {key.removeprefix(f"{run}/{part}/") for key in EXPECTED if key.startswith(f"{run}/{part}/")}
        assert state.keys() == expected
        for key, tensor in state.items():
            np.testing.assert_array_equal(tensor.numpy(), EXPECTED[f"{run}/{part}/{key}"])


@pytest.mark.parametrize("name", [name for name in ORIGINAL if "released" not in name])
def test_random_states_go_on_as_they_would_have(name: str) -> None:
    run = ORIGINAL[name][0]
    found = read_checkpoint(FOLDER / f"{name}.bin")
    assert found.random_state is not None
    np.testing.assert_array_equal(found.random_state.key, EXPECTED[f"{run}/rng_key"])
    assert found.random_state.pos == EXPECTED[f"{run}/rng_pos"]
    following = found.random_state.restore().permutation(10)
    np.testing.assert_array_equal(following, EXPECTED[f"{run}/rng_next_permutation10"])
    assert (found.random_state_semi is not None) == (run == "semi")
    if found.random_state_semi is not None:
        np.testing.assert_array_equal(found.random_state_semi.key, EXPECTED["semi/rng_semi_key"])
        assert found.random_state_semi.pos == EXPECTED["semi/rng_semi_pos"]


@pytest.mark.parametrize("run", ["supervised", "semi"])
def test_the_state_of_the_training_is_read(run: str) -> None:
    expected = golden_json("checkpoints_expected")[run]
    found = read_checkpoint(FOLDER / f"ckpt_{run}_epoch_2.bin")
    assert (found.epoch, found.lr) == (expected["epoch"], expected["lr"])
    assert found.optimizer is not None
    assert len(found.optimizer["state"]) == expected["optimizer_state_entries"]
    assert sorted(found.optimizer["state"][0]) == sorted(expected["state_keys"])
    group = found.optimizer["param_groups"][0]
    assert json.loads(json.dumps(group)) == expected["param_group"]
    networks = [network(state, joints) for state, joints in ((found.pose, 17), (found.trajectory, 1)) if state]
    numbers = [tensor for model in networks for tensor in model.parameters()]
    adam = torch.optim.Adam(numbers, amsgrad=True)
    adam.load_state_dict(found.optimizer)
    assert all(adam.state[number]["exp_avg"].shape == number.shape for number in numbers)


def test_the_start_of_a_run_has_the_weights_of_the_rule() -> None:
    found = read_checkpoint(FOLDER / "ckpt_semi_start_epoch_0.bin")
    assert (found.epoch, found.optimizer) == (0, None)
    for state, depth in ((found.pose, 0.0), (found.trajectory, 5.0)):
        assert state is not None
        keys = sorted(key for key in state if not key.endswith("num_batches_tracked"))
        for n, key in enumerate(keys):
            expected = rule_d(n, key, state[key].shape)
            if key == "shrink.bias":
                expected[2] += depth
            np.testing.assert_allclose(state[key].numpy(), expected, atol=1e-6)


def rule_d(n: int, key: str, shape: tuple[int, ...]) -> np.ndarray:
    i = np.arange(np.prod(shape))
    wave = np.sin(0.37 * i + n + 0.011 * ((i * i) % 9973))
    if len(shape) > 1:
        values = np.sqrt(2 / np.prod(shape[1:])) * wave
    elif key.endswith("running_var"):
        values = 1 + np.abs(0.1 * wave)
    else:
        values = 0.1 * wave + key.endswith("weight")
    return values.reshape(shape)


# --- MMPose


@pytest.mark.parametrize("name", FOREIGN)
def test_mmpose_checkpoints_give_what_their_program_gave(name: str) -> None:
    case, causal, container = FOREIGN[name]
    found = read_checkpoint(FOLDER / f"{name}.pth")
    assert (found.kind, found.container) == ("mmpose", container)
    assert found.epoch == (200 if "semi" in name else 160)
    model = network(found.pose, causal=causal)
    poses = output(model, MMPOSE[f"{case}/network_input"].T.reshape(-1, 17, 2))
    expected = MMPOSE.get(f"{case}/output", MMPOSE.get(f"{case}/pose"))
    np.testing.assert_allclose(poses[0], expected, atol=1e-5)
    if f"{case}/output_sliding" in MMPOSE:
        poses = output(model, MMPOSE[f"{case}/network_input_sliding"].T.reshape(-1, 17, 2))
        np.testing.assert_allclose(poses, MMPOSE[f"{case}/output_sliding"], atol=1e-5)
    assert (found.trajectory is not None) == ("semi" in name)
    if found.trajectory is not None:
        roots = output(network(found.trajectory, 1), MMPOSE[f"{case}/network_input"].T.reshape(-1, 17, 2))
        np.testing.assert_allclose(roots[0], MMPOSE[f"{case}/traj"], atol=1e-5)


# --- other ways to write the same


def test_prefixes_bare_states_and_halves_are_read(tmp_path: Path) -> None:
    state = read_checkpoint(FOLDER / "ckpt_supervised_epoch_2.bin").pose
    write_zip({f"module.{key}": tensor for key, tensor in state.items()}, tmp_path / "bare.bin")
    bare = read_checkpoint(tmp_path / "bare.bin")
    assert (bare.layout, bare.pose.keys()) == ("a bare state_dict", state.keys())
    for kind, tolerance in ((torch.float16, 1e-3), (torch.bfloat16, 1e-2), (torch.float64, 0.0)):
        halved = {key: tensor.to(kind) if tensor.is_floating_point() else tensor for key, tensor in state.items()}
        write_zip({"model_pos": halved}, tmp_path / "half.bin")
        for key, tensor in read_checkpoint(tmp_path / "half.bin").pose.items():
            assert tensor.dtype == state[key].dtype
            torch.testing.assert_close(tensor, state[key], rtol=tolerance, atol=tolerance)


def test_views_transposed_tensors_and_newer_protocols_are_read(tmp_path: Path) -> None:
    grid = torch.arange(12.0).reshape(3, 4)
    content = {"part": grid[1:, ::2], "turned": grid.T, "none": torch.zeros(0, 3), "one": torch.tensor(7)}
    for protocol in (2, 3, 4):
        torch.save(content, tmp_path / "a.pt", pickle_protocol=protocol)
        found = read_pickled(tmp_path / "a.pt").content
        for key, tensor in content.items():
            np.testing.assert_array_equal(found[key], tensor.numpy())


def test_numpy_values_of_any_protocol_are_read(tmp_path: Path) -> None:
    generator = np.random.RandomState(3)
    generator.normal()  # leaves a spare number
    content = {
        "grid": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "number": np.float64(2.5),
        "big": np.arange(3, dtype=">i4"),
        "rng": generator,
    }
    for protocol in (2, 4):
        torch.save(content, tmp_path / "a.pt", pickle_protocol=protocol)
        found = read_pickled(tmp_path / "a.pt").content
        np.testing.assert_array_equal(found["grid"], content["grid"])
        assert found["number"] == 2.5
        np.testing.assert_array_equal(found["big"], [0, 1, 2])
        restored = found["rng"].restore()
        copy = pickle.loads(pickle.dumps(generator))
        np.testing.assert_array_equal(restored.normal(size=5), copy.normal(size=5))


# --- files that are no checkpoint, or a trap


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("attack", attacks(Path("x")))
def test_a_hostile_file_is_refused_and_nothing_runs(attack: str, writer: str, tmp_path: Path) -> None:
    mark = tmp_path / "run"
    file = tmp_path / "hostile.bin"
    WRITERS[writer](attacks(mark)[attack], file)
    with pytest.raises(WeightsError) as caught:
        read_checkpoint(file)
    assert not mark.exists()
    assert "nothing" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_attack_works_on_an_ordinary_unpickler(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(attacks(tmp_path / "run")["os.system"], protocol=2))
    assert (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html>404</html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"just a text", "not a PyTorch checkpoint"),
        (b"PK\x03\x04 and no more", "cut short"),
        (other_zip(), "zip file"),
        (pickle.dumps({"a": 1}, protocol=2), "not a PyTorch checkpoint"),
        (b"\x80\x02}", "cut short"),
        (b"\x80\x02X\xff\xff\xff\x7f", "truncated"),
    ],
)
def test_other_files_are_refused_in_one_line(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(content)
    with pytest.raises(WeightsError, match=says) as caught:
        read_checkpoint(tmp_path / "a.bin")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["ckpt_semi_epoch_2.bin", "ckpt_semi_legacy.bin", "ckpt_released_like_legacy.bin"])
def test_a_file_cut_short_anywhere_is_refused(name: str, tmp_path: Path) -> None:
    whole = (FOLDER / name).read_bytes()
    for share in (0.001, 0.02, 0.1, 0.5, 0.9, 0.9999):
        (tmp_path / "a.bin").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(WeightsError) as caught:
            read_checkpoint(tmp_path / "a.bin")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("protocol", [2, 4])
def test_an_array_of_objects_is_refused(protocol: int, tmp_path: Path) -> None:
    torch.save({"model_pos": np.array([None, 1], dtype=object)}, tmp_path / "a.pt", pickle_protocol=protocol)
    with pytest.raises(WeightsError, match="not plain numbers"):
        read_checkpoint(tmp_path / "a.pt")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.bin", tmp_path):
        with pytest.raises(WeightsError, match="cannot be read"):
            read_checkpoint(path)


def test_a_file_of_ours_needs_no_import(tmp_path: Path) -> None:
    import_checkpoint(FOLDER / "ckpt_semi_legacy.bin", tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match="safetensors"):
        read_checkpoint(tmp_path / "a.safetensors")


def other_networks() -> dict[str, Callable[[dict[str, Any]], Any]]:
    def without(state: dict[str, Any], key: str) -> dict[str, Any]:
        return {k: v for k, v in state.items() if k != key}

    return {
        "conv1": lambda _: {"state_dict": {"conv1.weight": torch.zeros(3)}},
        "no lifter": lambda _: {"state_dict": [1]},
        "no tensor": lambda state: {"model_pos": state | {"shrink.bias": "seventeen"}},
        "list": lambda _: [1, 2],
        "expand_bn.weight is missing": lambda state: {"model_pos": without(state, "expand_bn.weight")},
        "another network": lambda state: {"model_pos": state | {"attention.weight": torch.zeros(3)}},
        "has the shape": lambda state: {"model_pos": state | {"shrink.bias": torch.zeros(3)}},
        "not the tensors of a lifter": lambda state: {"model_pos": without(state, "shrink.weight")},
        "no lifter has": lambda state: {"model_pos": state | {"shrink.weight": torch.zeros(50, 16, 1)}},
        "no numbers": lambda state: {"model_pos": state | {"shrink.bias": torch.full((51,), torch.nan)}},
        "another architecture": lambda state: {"model_pos": state, "model_traj": state},
        "backbone.attention": lambda state: {
            "state_dict": {
                "backbone.expand_conv.conv.weight": state["expand_conv.weight"],
                "head.conv.weight": state["shrink.weight"],
                "backbone.attention": torch.zeros(3),
            }
        },
    }


@pytest.mark.parametrize("says", other_networks())
def test_other_networks_are_refused_in_one_line(says: str, tmp_path: Path) -> None:
    state = read_checkpoint(FOLDER / "ckpt_supervised_epoch_2.bin").pose
    write_zip(other_networks()[says](state), tmp_path / "a.pth")
    with pytest.raises(WeightsError, match=says) as caught:
        read_checkpoint(tmp_path / "a.pth")
    assert "a.pth" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "was", "becomes"),
    [
        (torch.zeros(4), b"K\x04\x85", b"K\x05\x85"),  # the size (4,) in the pickle
        (torch.zeros(8)[4:], b"K\x04K\x04\x85", b"K\x05K\x04\x85"),  # the offset 4 before it
        (torch.zeros(4), b"K\x01\x85", b"K\x02\x85"),  # the stride (1,)
    ],
    ids=["size", "offset", "stride"],
)
def test_a_tensor_beyond_its_storage_is_refused(
    content: torch.Tensor, was: bytes, becomes: bytes, tmp_path: Path
) -> None:
    write_zip({"a": content}, tmp_path / "a.pt")
    with zipfile.ZipFile(tmp_path / "a.pt") as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    assert sum(data.count(was) for data in entries.values()) == 1
    with zipfile.ZipFile(tmp_path / "b.pt", "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data.replace(was, becomes))
    with pytest.raises(WeightsError, match="beyond its storage"):
        read_pickled(tmp_path / "b.pt")


# --- architectures


@pytest.mark.parametrize(
    ("widths", "dense", "joints", "features", "joints_out"),
    [
        ((3, 3, 3), False, 17, 2, 17),
        ((3, 3, 3), True, 17, 2, 17),
        ((3, 3), True, 17, 2, 17),
        ((3, 5, 3), True, 17, 3, 15),
        ((1, 1, 1), False, 17, 2, 17),
        ((1, 1, 1, 1, 1), False, 15, 2, 15),
        ((3, 3, 7), False, 17, 2, 1),
        ((3, 5, 3), False, 16, 2, 16),
        ((3, 3, 3, 3, 3), False, 17, 3, 17),
        ((7,), False, 17, 2, 17),
        ((1, 3, 3), False, 17, 2, 17),
    ],
)
def test_the_architecture_and_its_counts_are_those_of_the_network(
    widths: tuple[int, ...], dense: bool, joints: int, features: int, joints_out: int
) -> None:
    model = TemporalModel(joints, features, joints_out, widths, dense=dense, channels=8)
    expected = Architecture(widths, 8, joints * features, joints_out, dense)
    state = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    assert architecture_of(state) == expected
    assert tensor_shapes(expected) == {key: tuple(tensor.shape) for key, tensor in state.items()}
    assert parameters(expected) == sum(number.numel() for number in model.parameters())
    convs = [module for module in model.modules() if isinstance(module, torch.nn.Conv1d)]
    assert flops_per_frame(expected) == 2 * sum(conv.weight.numel() for conv in convs)
    assert joints_of(expected.inputs) == (joints, features)


def test_a_kernel_of_two_meanings_can_be_told() -> None:
    state = TemporalModel(17, 2, 17, (3, 7), channels=8).state_dict()
    assert architecture_of(state).filter_widths == (3, 3)
    assert architecture_of(state, dense=False).filter_widths == (3, 7)
    with pytest.raises(WeightsError, match="dense"):
        architecture_of(TemporalModel(17, 2, 17, (3, 3), channels=8).state_dict(), dense=True)


@pytest.mark.parametrize(
    ("inputs", "skeleton", "features", "expected"),
    [
        (34, None, None, (17, 2)),
        (51, None, None, (17, 3)),
        (30, None, None, (15, 2)),
        (45, None, None, (15, 3)),
        (32, None, None, (16, 2)),
        (48, None, None, (16, 3)),
        (66, None, None, (33, 2)),
        (68, "coco17", None, (17, 4)),
        (48, None, 2, (24, 2)),
    ],
)
def test_inputs_are_joints_times_features(
    inputs: int, skeleton: str | None, features: int | None, expected: tuple[int, int]
) -> None:
    assert joints_of(inputs, skeleton, features) == expected


def test_inputs_that_do_not_divide_are_refused() -> None:
    for inputs, skeleton, features in ((35, None, None), (34, "humaneva15", None), (34, "coco17", 3)):
        with pytest.raises(WeightsError, match="--skeleton-in"):
            joints_of(inputs, skeleton, features)


# --- becoming ours


def test_an_import_is_the_same_network_with_a_full_header(tmp_path: Path) -> None:
    done = import_checkpoint(FOLDER / "ckpt_semi_legacy.bin", tmp_path / "a.safetensors")
    model, header = load_lifter(done.path)
    assert header == done.header
    assert (header.filter_widths, header.channels, header.features) == ((3, 3), 16, 2)
    assert (header.skeleton_in, header.skeleton_out, header.normalisation) == ("h36m17", "h36m17", "screen")
    assert (header.fps, header.trajectory, header.causal) == (50.0, True, False)
    assert "CC BY-NC" in header.licence
    assert "2 epochs" in header.training
    assert any("--causal" in remark for remark in done.remarks)
    assert any("--skeleton-in" in remark for remark in done.remarks)
    np.testing.assert_allclose(output(model, padded(EXPECTED["input"], model)), EXPECTED["semi/pose"], atol=1e-5)
    trajectory = load_trajectory(done.path)
    assert trajectory is not None
    np.testing.assert_allclose(output(trajectory, padded(EXPECTED["input"], model)), EXPECTED["semi/traj"], atol=1e-5)


def test_what_the_user_tells_goes_before_what_is_assumed(tmp_path: Path) -> None:
    told = Told(causal=True, skeleton_in="coco17", name="mine", licence="mine alone")
    done = import_checkpoint(FOLDER / "mmpose_tcn_blocks2_causal_v0.pth", tmp_path / "a.safetensors", told)
    assert (done.header.causal, done.header.skeleton_in) == (True, "coco17")
    assert (done.header.name, done.header.licence) == ("mine", "mine alone")
    assert done.remarks == ()
    model, _ = load_lifter(done.path)
    frames = MMPOSE["blocks2_causal/network_input_sliding"].T.reshape(-1, 17, 2)
    np.testing.assert_allclose(output(model, frames), MMPOSE["blocks2_causal/output_sliding"], atol=1e-5)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (Told(skeleton_in="humaneva15"), "do not fit humaneva15"),
        (Told(skeleton_out="humaneva15"), "has 15 joints and this network 17"),
        (Told(features=3), "do not fit"),
        (Told(dense=True), "dense"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(told: Told, says: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=says):
        import_checkpoint(FOLDER / "ckpt_semi_legacy.bin", tmp_path / "a.safetensors", told)
    assert list(tmp_path.iterdir()) == []


def test_a_dense_network_of_15_joints_becomes_ours(tmp_path: Path) -> None:
    header = LifterHeader("x", (3, 3, 3), 8, 3, dense=True, skeleton_in="humaneva15", skeleton_out="humaneva15")
    model = build_model(header).eval()
    write_zip({"model_pos": model.state_dict(), "model_traj": None}, tmp_path / "a.bin")
    made, found = load_lifter(import_checkpoint(tmp_path / "a.bin", tmp_path / "a.safetensors").path)
    assert (found.dense, found.filter_widths, found.features) == (True, (3, 3, 3), 3)
    assert (found.skeleton_in, found.skeleton_out, found.fps) == ("humaneva15", "humaneva15", 60.0)
    frames = torch.randn(1, 30, 15, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(made(frames), model(frames))


@pytest.mark.parametrize(
    ("name", "features", "joints_out", "expected"),
    [
        ("cpn-ft-243-dbb-causal", 2, 17, (True, "h36m17", "h36m17")),
        ("pretrained_h36m_cpn", 2, 17, (False, "h36m17", "h36m17")),
        ("pretrained_h36m_detectron_coco", 2, 17, (False, "coco17", "h36m17")),
        ("cpn-pt-243", 3, 17, (False, "coco17", "h36m17")),
        ("d-pt-243", 3, 17, (False, "coco17", "h36m17")),
        ("pretrained_humaneva15_detectron", 2, 15, (False, "coco17", "humaneva15")),
    ],
)
def test_a_published_file_is_known_by_its_name(
    name: str, features: int, joints_out: int, expected: tuple[bool, str, str], tmp_path: Path
) -> None:
    lifter = published()[name]
    model = TemporalModel(17, features, joints_out, lifter.filter_widths, channels=4)
    write_legacy({"epoch": 80, "model_pos": model.state_dict()}, tmp_path / lifter.file)
    done = import_checkpoint(tmp_path / lifter.file, tmp_path / "a.safetensors")
    header = done.header
    assert (header.causal, header.skeleton_in, header.skeleton_out) == expected
    assert (header.name, header.licence, header.features) == (name, lifter.licence, features)
    assert done.remarks == ()
    told = Told(causal=not header.causal)
    assert import_checkpoint(tmp_path / lifter.file, tmp_path / "b.safetensors", told).header.causal is told.causal


def test_a_published_name_on_another_network_is_not_believed(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "ckpt_semi_legacy.bin", tmp_path / "cpn-ft-243-dbb-causal.bin")
    done = import_checkpoint(tmp_path / "cpn-ft-243-dbb-causal.bin", tmp_path / "a.safetensors")
    assert (done.published, done.header.causal) == (None, False)
    assert any("another" in remark for remark in done.remarks)

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from stiff import FOCAL, FPS, SIZE, dance, joints, result

from tests.export.ground import HEIGHT, grounded
from videopose3d.errors import OutputError, VideoPose3DError
from videopose3d.export import export_result
from videopose3d.export.gltf import Gltf
from videopose3d.export.rotations import matrices
from videopose3d.export.skeletal import rig
from videopose3d.export.upright import upright
from videopose3d.skeleton import H36M17

SIZES = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}
TYPES = {5121: np.uint8, 5125: np.uint32, 5126: np.float32}


class Glb:
    """A reader of our own that refuses what section 3 and 4 of the glTF 2.0 specification forbid."""

    def __init__(self, path):
        data = path.read_bytes()
        magic, version, length = struct.unpack_from("<4sII", data)
        assert (magic, version, length) == (b"glTF", 2, len(data))
        chunks, start = [], 12
        while start < length:
            size, kind = struct.unpack_from("<I4s", data, start)
            assert size % 4 == 0
            chunks.append((kind, data[start + 8 : start + 8 + size]))
            start += 8 + size
        assert start == length
        assert [kind for kind, _ in chunks] == [b"JSON", b"BIN\0"][: len(chunks)]
        self.json = json.loads(chunks[0][1])
        self.binary = chunks[1][1] if len(chunks) > 1 else b""
        assert [buffer["byteLength"] for buffer in self.json.get("buffers", [])] == (
            [len(self.binary)] if self.binary else []
        )
        self.arrays = [self._array(accessor) for accessor in self.json.get("accessors", [])]
        self._check_nodes()

    def _array(self, accessor):
        view, dtype = self.json["bufferViews"][accessor["bufferView"]], TYPES[accessor["componentType"]]
        width = SIZES[accessor["type"]]
        assert view["byteOffset"] % 4 == 0
        assert view["byteLength"] == accessor["count"] * width * np.dtype(dtype).itemsize
        assert view["byteOffset"] + view["byteLength"] <= len(self.binary)
        array = np.frombuffer(self.binary, dtype, accessor["count"] * width, view["byteOffset"]).reshape(-1, width)
        if "min" in accessor:
            np.testing.assert_array_equal(array.min(0), np.array(accessor["min"], dtype))
            np.testing.assert_array_equal(array.max(0), np.array(accessor["max"], dtype))
        assert np.isfinite(array).all()
        return array

    def _check_nodes(self):
        nodes = self.json.get("nodes", [])
        parents = [child for node in nodes for child in node.get("children", [])]
        assert len(set(parents)) == len(parents)
        roots = set(range(len(nodes))) - set(parents)
        assert set(self.json["scenes"][0].get("nodes", [])) == roots  # everything is in the scene, roots once
        for node in nodes:
            assert np.linalg.norm(node.get("rotation", [0, 0, 0, 1])) == pytest.approx(1)

    def pose(self, frame: int | None) -> np.ndarray:
        """(N, 4, 4) world matrices of all nodes in a frame of the animation, or at rest."""
        nodes = self.json["nodes"]
        values = [{"translation": [0, 0, 0], "rotation": [0, 0, 0, 1], "scale": [1, 1, 1]} | node for node in nodes]
        animation = self.json["animations"][0]
        for channel in animation["channels"] if frame is not None else []:
            output = self.arrays[animation["samplers"][channel["sampler"]]["output"]]
            values[channel["target"]["node"]][channel["target"]["path"]] = output[frame]
        world = np.tile(np.eye(4), (len(nodes), 1, 1))

        def place(number: int, parent: np.ndarray) -> None:
            x, y, z, w = values[number]["rotation"]
            local = np.eye(4)
            local[:3, :3] = matrices(np.array([w, x, y, z], float)) * values[number]["scale"]
            local[:3, 3] = values[number]["translation"]
            world[number] = parent @ local
            for child in nodes[number].get("children", []):
                place(child, world[number])

        for root in self.json["scenes"][0]["nodes"]:
            place(root, np.eye(4))
        return world

    def node(self, name: str, occurrence: int = 0) -> int:
        return [number for number, node in enumerate(self.json["nodes"]) if node["name"] == name][occurrence]

    def samplers(self, path: str):
        animation = self.json["animations"][0]
        for channel in animation["channels"]:
            if channel["target"]["path"] == path:
                sampler = animation["samplers"][channel["sampler"]]
                yield channel["target"]["node"], sampler, self.arrays[sampler["output"]]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two people, of whom the second is away in frames 10 to 14; the clip and the file."""
    clip = result(joints(dance(40)), joints(dance(40, 1.3)))
    clip.poses.poses[1, 10:15] = clip.poses.trajectory[1, 10:15] = np.nan
    path = tmp_path_factory.mktemp("glb") / "out.glb"
    export_result(clip, path)
    return clip, Glb(path)


def test_the_bones_are_where_the_joints_are(pair):
    clip, glb = pair
    want = upright(clip)
    for frame in (0, 9, 15, 39):
        world = glb.pose(frame)
        for person in range(2):
            for bone in rig(H36M17):
                found = world[glb.node(bone.name, person)][:3, 3]
                np.testing.assert_allclose(found, want[person, frame, H36M17.index(bone.at)], atol=1e-5)


def test_the_animation_is_exact_linear_and_continuous(pair):
    clip, glb = pair
    animation = glb.json["animations"][0]
    times = glb.arrays[animation["samplers"][0]["input"]][:, 0]
    np.testing.assert_allclose(times, np.arange(40) / float(FPS), rtol=1e-6)
    assert {sampler["input"] for sampler in animation["samplers"]} == {animation["samplers"][0]["input"]}
    assert "min" in glb.json["accessors"][animation["samplers"][0]["input"]]  # the specification wants them
    targets = [tuple(channel["target"].values()) for channel in animation["channels"]]
    assert len(set(targets)) == len(targets) == 2 * (1 + 17) + 1
    for _, sampler, turns in glb.samplers("rotation"):
        assert sampler["interpolation"] == "LINEAR"
        np.testing.assert_allclose(np.linalg.norm(turns, axis=-1), 1, atol=1e-6)
        assert (turns[1:] * turns[:-1]).sum(-1).min() > 0.9
    assert {number for number, *_ in glb.samplers("translation")} == {glb.node("Hips", 0), glb.node("Hips", 1)}


def test_who_is_away_has_no_size(pair):
    _, glb = pair
    [(number, sampler, sizes)] = glb.samplers("scale")
    assert number == glb.node("Hips", 1)
    assert sampler["interpolation"] == "STEP"
    away = (sizes == 0).all(-1)
    np.testing.assert_array_equal(np.flatnonzero(away), np.arange(10, 15))
    assert (sizes[~away] == 1).all()


def test_the_skin_is_bound_at_rest_and_follows_its_bones(pair):
    clip, glb = pair
    want = upright(clip)
    rest = glb.pose(None)
    for person, skin in enumerate(glb.json["skins"]):
        inverse = glb.arrays[skin["inverseBindMatrices"]].reshape(-1, 4, 4).transpose(0, 2, 1)
        np.testing.assert_allclose(rest[skin["joints"]] @ inverse, np.tile(np.eye(4), (21, 1, 1)), atol=1e-6)
        [body] = [node for node in glb.json["nodes"] if node.get("skin") == person]
        attributes = glb.json["meshes"][body["mesh"]]["primitives"][0]["attributes"]
        points = glb.arrays[attributes["POSITION"]]
        owner = glb.arrays[attributes["JOINTS_0"]][:, 0]
        moved = np.einsum(
            "nab,nb->na", (glb.pose(20)[skin["joints"]] @ inverse)[owner], np.c_[points, np.ones(len(points))]
        )
        for number, bone in enumerate(rig(H36M17)):
            if bone.to:
                ends = want[person, 20, H36M17.indices([bone.at, bone.to])]
                np.testing.assert_allclose(moved[owner == number, :3].mean(0), ends.mean(0), atol=0.01)


def test_the_mesh_is_closed_and_faces_outward(pair):
    _, glb = pair
    assert [material["name"] for material in glb.json["materials"]] == ["Left", "Right", "Middle"]
    for mesh in glb.json["meshes"]:
        for primitive in mesh["primitives"]:
            attributes = {name: glb.arrays[number] for name, number in primitive["attributes"].items()}
            assert len({len(array) for array in attributes.values()}) == 1
            np.testing.assert_array_equal(attributes["WEIGHTS_0"].sum(-1, dtype=int), 255)
            assert attributes["JOINTS_0"].max() < 21
            np.testing.assert_allclose(np.linalg.norm(attributes["NORMAL"], axis=-1), 1, atol=1e-5)
            faces = glb.arrays[primitive["indices"]].reshape(-1, 3)
            assert faces.max() < len(attributes["POSITION"])
            a, b, c = np.moveaxis(attributes["POSITION"][faces], 1, 0)
            outward = np.cross(b - a, c - a)
            assert np.linalg.norm(outward, axis=-1).min() > 0
            assert (outward * attributes["NORMAL"][faces].mean(1)).sum(-1).min() > 0
            side = {"Left": 1, "Right": -1, "Middle": 0}[glb.json["materials"][primitive["material"]]["name"]]
            assert np.sign(np.round(attributes["POSITION"][faces].mean((0, 1))[0], 2)) == side


def test_the_camera_sees_what_was_filmed(pair):
    clip, glb = pair
    camera = glb.json["nodes"][glb.node("Camera")]
    view = glb.json["cameras"][camera["camera"]]["perspective"]
    place = np.array(camera["translation"])
    focal = SIZE[1] / 2 / np.tan(view["yfov"] / 2)
    assert view["aspectRatio"] == pytest.approx(SIZE[0] / SIZE[1])
    seen = clip.poses.poses[0, 5] + clip.poses.trajectory[0, 5]
    for name, joint in (("LeftHand", "left_wrist"), ("RightFoot", "right_ankle")):
        x, y, z = glb.pose(5)[glb.node(name)][:3, 3] - place  # looks along -Z
        u, v, w = seen[H36M17.index(joint)]
        assert (focal * x / -z, focal * y / z) == pytest.approx((FOCAL * u / w, FOCAL * v / w), abs=0.1)


def test_the_tilted_camera_above_the_ground_sees_what_was_filmed(tmp_path):
    clip = grounded(result(joints(dance(8))))
    export_result(clip, tmp_path / "out.glb")
    glb = Glb(tmp_path / "out.glb")
    camera = glb.pose(None)[glb.node("Camera")]
    assert camera[:3, 3] == pytest.approx([0, HEIGHT, 0])
    view = glb.json["cameras"][0]["perspective"]
    focal = SIZE[1] / 2 / np.tan(view["yfov"] / 2)
    for name, joint in (("LeftHand", "left_wrist"), ("RightFoot", "right_ankle")):
        x, y, z, _ = np.linalg.inv(camera) @ glb.pose(5)[glb.node(name)][:, 3]
        u, v, w = (clip.poses.poses[0, 5] + clip.poses.trajectory[0, 5])[H36M17.index(joint)]
        assert (focal * x / -z, focal * y / z) == pytest.approx((FOCAL * u / w, FOCAL * v / w), abs=0.1)


def test_contacts_are_frames_in_the_extras(tmp_path):
    clip = grounded(result(joints(dance(8))))
    export_result(clip, tmp_path / "out.glb")
    [contacts] = Glb(tmp_path / "out.glb").json["animations"][0]["extras"]["contacts"]
    assert contacts == {"left": [[0, 1], [4, 5]], "right": [[2, 3], [6, 7]]}


VALIDATE = """
require("gltf-validator").validateBytes(new Uint8Array(require("fs").readFileSync(process.argv[1])))
  .then((report) => console.log(JSON.stringify(report)));
"""
"""For node: the report of the Khronos validator. Install it with npm and name its folder in NODE_PATH."""


def khronos(path) -> dict:
    """What the validator of the Khronos Group counts and says."""
    if (node := shutil.which("node")) is None:
        pytest.skip("no node")
    done = subprocess.run([node, "-e", VALIDATE, str(path)], capture_output=True, text=True, check=False)
    if "Cannot find module 'gltf-validator'" in done.stderr:
        pytest.skip("no gltf-validator: npm install gltf-validator, and NODE_PATH=.../node_modules")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("clip", ["one", "two with gaps", "on the ground", "nobody", "one frame"])
def test_the_khronos_validator_finds_nothing(make_result, tmp_path, clip):
    made = {
        "one": lambda: result(joints(dance(40))),
        "two with gaps": make_result,
        "on the ground": lambda: grounded(make_result()),
        "nobody": lambda: make_result(0, 5),
        "one frame": lambda: make_result(1, 1),
    }
    export_result(made[clip](), tmp_path / "out.glb")
    report = khronos(tmp_path / "out.glb")
    assert report["validatorVersion"]
    counts = [report["issues"][f"num{kind}"] for kind in ("Errors", "Warnings", "Hints")]
    assert counts == [0, 0, 0], report["issues"]["messages"]


@pytest.mark.slow
def test_the_khronos_validator_can_complain(pair, tmp_path):
    gltf = Gltf({"asset": {"version": "2.0"}, "nodes": [{"rotation": [0, 0, 0, 2]}]})
    gltf.write(tmp_path / "bad.glb")
    assert khronos(tmp_path / "bad.glb")["issues"]["numErrors"] == 1


def test_the_facts_are_in_the_file(pair):
    _, glb = pair
    assert glb.json["asset"]["version"] == "2.0"
    facts = glb.json["asset"]["extras"]
    assert facts["unit"] == "m"
    assert "Y up" in facts["axes"]
    assert facts["fps"] == [FPS.numerator, FPS.denominator]
    assert facts["frame_count"] == 40
    assert facts["joint_names"][:3] == ["Hips", "LHipJoint", "LeftUpLeg"]
    assert facts["source"] == "some where/dance.mp4"


def test_another_library_reads_it(pair, tmp_path):
    library = pytest.importorskip("pygltflib")
    export_result(pair[0], tmp_path / "out.glb")
    other = library.GLTF2().load(str(tmp_path / "out.glb"))
    assert len(other.skins) == len(other.meshes) == 2
    assert len(other.skins[0].joints) == 21
    assert len(other.binary_blob()) == other.buffers[0].byteLength
    assert other.nodes[other.skins[1].skeleton].name == "Hips"


def test_odd_lengths_are_padded(tmp_path):
    gltf = Gltf({"asset": {"version": "2.0"}, "scenes": [{"name": "ä"}]})
    gltf.array(np.arange(3, dtype=np.uint8), bounds=True)
    gltf.array(np.array([[1, 2, 3]], np.float32))
    gltf.write(tmp_path / "out.glb")
    first, second = Glb(tmp_path / "out.glb").arrays
    assert first.ravel().tolist() == [0, 1, 2]
    assert second.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(("people", "frames"), [(0, 5), (2, 0), (1, 1)])
def test_empty_and_short_results_are_whole_files(make_result, tmp_path, people, frames):
    export_result(make_result(people, frames), tmp_path / "out.glb")
    glb = Glb(tmp_path / "out.glb")
    assert len(glb.json.get("skins", [])) == (people if frames else 0)
    assert "[]" not in json.dumps(glb.json | {"asset": None})  # empty lists are forbidden


def test_noise_and_unknown_places_give_whole_files(make_result, tmp_path):
    clip = make_result()
    clip.poses.trajectory[1] = np.nan
    export_result(clip, tmp_path / "out.glb")
    Glb(tmp_path / "out.glb")
    export_result(replace(clip, focal=None), tmp_path / "out.glb")
    assert "cameras" not in Glb(tmp_path / "out.glb").json


def test_what_cannot_be_written_leaves_nothing(make_result, tmp_path):
    with pytest.raises(VideoPose3DError, match="2D keypoints only"):
        export_result(make_result(lifted=False), tmp_path / "out.glb")
    (tmp_path / "a.glb").mkdir()
    with pytest.raises(OutputError, match="folder"):
        export_result(make_result(), tmp_path / "a.glb")
    assert [path.name for path in tmp_path.iterdir()] == ["a.glb"]

"""The rules of the house, each also shown to fail on a small tree that breaks it.

A rule is a function from the package folder to complaints, ``file:line: what``; an empty list means it holds.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatch
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "videopose3d"

FLOORS = {
    0: ["errors", "skeleton", "config", "config_*", "data"],
    1: ["types", "files", "opencv", "safe_pickle", "silence"],
    2: [
        *(
            "geometry",
            "calibration",
            "lens",
            "levelling",
            "smoothing",
            "video",
            "remap",
            "metrics",
            "metrics_2d",
            "joint_angles",
        ),
        *("result_file", "weights"),
    ],
    3: ["detectors", "lifter", "datasets", "world", "render", "export"],
    4: ["pipeline"],
    5: ["cli", "cli_*", "__main__"],
}
ROOMS = FLOORS[3]
HOMES = {  # library: the only modules that may import it
    "torch": ["lifter", "detectors", "datasets.virtual*", "datasets.synth.body", "pipeline", "weights.convert"],
    "torchvision": ["detectors"],
    "matplotlib": ["render"],
    "click": ["cli", "cli_*"],
    "ffmpeg": ["video"],
    "imageio_ffmpeg": ["video"],
}
HEAVY = {"torch", "matplotlib", "cv2", "mediapipe"}
MAX_FILE, MAX_FUNCTION = 400, 60  # [lines]
MAX_GOLDEN = 1_200_000  # [bytes] the data sets in the layout of the original program are the largest
MAX_HELP = 5.0  # [s] generous: it takes a tenth of that on an idle machine

Rule = Callable[[Path], list[str]]


# --- reading the source


def sources(package: Path) -> list[Path]:
    return sorted(package.rglob("*.py"))


def module_of(package: Path, file: Path) -> str:
    """Return "lifter.model" for lifter/model.py, "lifter" for lifter/__init__.py, "" for the front door."""
    parts = file.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(package: Path, file: Path) -> Iterator[tuple[str, str]]:
    """Yield ("file:line", dotted name) for every import, also inside functions and by import_module."""
    here = ["videopose3d", *file.relative_to(package).parts]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = [*(here[: -node.level] if node.level else []), *(node.module or "").split(".")]
            names = [".".join([*filter(None, base), alias.name]) for alias in node.names]
        elif isinstance(node, ast.Call) and re.search(r"(import_module|__import__)$", ast.unparse(node.func)):
            names = [arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)]
        for name in names:
            yield f"{file.relative_to(package)}:{node.lineno}", name


def unit(module: str) -> str:
    return module.partition(".")[0]


def floor(name: str) -> int | None:
    fits = (number for number, names in FLOORS.items() if any(fnmatch(name, pattern) for pattern in names))
    return next(fits, None)


def steps(package: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (place, importing unit, imported unit) inside the package; the front door may import anything."""
    for file in sources(package):
        user = unit(module_of(package, file))
        for place, name in imports(package, file) if user else ():
            head, *rest = name.split(".")
            used = rest[0] if rest else ""
            if head == "videopose3d" and used not in (user, "__version__"):
                yield place, user, used


# --- rules


def every_module_has_a_floor(package: Path) -> list[str]:
    units = {unit(module_of(package, file)) for file in sources(package)} - {""}
    return [f"{name}: give it a floor" for name in sorted(units) if floor(name) is None]


def imports_go_down(package: Path) -> list[str]:
    def complaint(user: str, used: str) -> str | None:
        below, above = floor(used), floor(user)
        if below is None:
            return f"{user} imports videopose3d.{used}, which has no floor; name the module it lives in"
        return f"{user} imports {used}, up the floors" if above is not None and below > above else None

    found = ((place, complaint(user, used)) for place, user, used in steps(package))
    return [f"{place}: {what}" for place, what in found if what]


def rooms_are_strangers(package: Path) -> list[str]:
    return [
        f"{place}: room {user} imports room {used}"
        for place, user, used in steps(package)
        if user in ROOMS and used in ROOMS
    ]


def no_circles(package: Path) -> list[str]:
    graph = TopologicalSorter[str]()
    for _, user, used in steps(package):
        graph.add(user, used)
    try:
        graph.prepare()
    except CycleError as error:
        return ["in a circle: " + " <- ".join(error.args[1])]
    return []


def libraries_stay_home(package: Path) -> list[str]:
    def at_home(module: str, library: str) -> bool:
        return any(fnmatch(module, home) or fnmatch(module, f"{home}.*") for home in HOMES[library])

    return [
        f"{place}: {library} belongs in {', '.join(HOMES[library])}"
        for file in sources(package)
        for place, name in imports(package, file)
        for library in HOMES.keys() & set(name.split("."))  # safetensors.torch is torch, too
        if not name.startswith("videopose3d.") and not at_home(module_of(package, file), library)
    ]


def files_are_short(package: Path) -> list[str]:
    lengths = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in sources(package)}
    return [f"{file.relative_to(package)}: {n} lines" for file, n in lengths.items() if n > MAX_FILE]


def functions_are_short(package: Path) -> list[str]:
    return [
        f"{file.relative_to(package)}:{node.lineno}: {node.name} has {length} lines"
        for file in sources(package)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > MAX_FUNCTION
    ]


RULES: list[Rule] = [
    every_module_has_a_floor,
    imports_go_down,
    rooms_are_strangers,
    no_circles,
    libraries_stay_home,
    files_are_short,
    functions_are_short,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_package_keeps(rule: Rule) -> None:
    assert rule(PACKAGE) == []


SOUND = {
    "__init__.py": "from importlib import import_module\nimport_module('videopose3d.pipeline.infer')",
    "errors.py": "import os",
    "types.py": "from videopose3d.errors import InputError",
    "video.py": "import ffmpeg, imageio_ffmpeg\nfrom videopose3d import __version__, types",
    "geometry.py": "from . import types",
    "metrics.py": "from videopose3d.geometry import similarity",
    "lifter/__init__.py": "from videopose3d.lifter.model import Model",
    "lifter/model.py": "import torch.nn\nfrom ..types import Poses3D\nfrom . import losses",
    "lifter/losses.py": "def loss():\n    import torch",
    "weights/convert.py": "from safetensors.torch import load_file",
    "datasets/virtual_cameras.py": "import torch",
    "detectors/torchvision.py": "import torchvision",
    "render/scene.py": "import matplotlib.pyplot",
    "pipeline/infer.py": "from videopose3d.lifter import lift\nfrom videopose3d.render import scene",
    "cli_options.py": "import click",
    "cli.py": "import click\nfrom videopose3d import cli_options\nfrom videopose3d.pipeline import infer",
}
BROKEN: list[tuple[Rule, str, str, str]] = [  # rule, file, its text, what the complaint names
    (every_module_has_a_floor, "utils.py", "", "utils"),
    (imports_go_down, "errors.py", "import videopose3d.types", "errors.py:1"),
    (imports_go_down, "types.py", "from videopose3d import geometry", "imports geometry"),
    (imports_go_down, "metrics.py", "\ndef f():\n    from videopose3d.render import scene", "metrics.py:3"),
    (imports_go_down, "lifter/model.py", "from ..pipeline.infer import infer", "lifter/model.py:1"),
    (imports_go_down, "lifter/__init__.py", "from ..pipeline import infer", "imports pipeline"),
    (
        imports_go_down,
        "pipeline/infer.py",
        "if TYPE_CHECKING:\n    from videopose3d.cli import main",
        "imports cli",
    ),
    (
        imports_go_down,
        "weights/convert.py",
        "importlib.import_module('videopose3d.lifter')",
        "imports lifter",
    ),
    (imports_go_down, "video.py", "from videopose3d import infer", "no floor"),
    (imports_go_down, "video.py", "import videopose3d", "no floor"),
    (rooms_are_strangers, "render/scene.py", "from videopose3d.export import bvh", "room render"),
    (rooms_are_strangers, "lifter/model.py", "from ..detectors import tracking", "room lifter"),
    (no_circles, "geometry.py", "from videopose3d import metrics", "metrics"),
    (libraries_stay_home, "metrics.py", "import torch", "torch"),
    (libraries_stay_home, "geometry.py", "def f():\n    from torch import nn", "geometry.py:2"),
    (libraries_stay_home, "weights/store.py", "from safetensors.torch import load_file", "torch"),
    (libraries_stay_home, "datasets/windows.py", "import torch", "torch"),
    (libraries_stay_home, "lifter/model.py", "import torchvision", "torchvision"),
    (libraries_stay_home, "export/html.py", "import matplotlib", "render"),
    (libraries_stay_home, "pipeline/infer.py", "import click", "cli"),
    (libraries_stay_home, "render/compose.py", "import ffmpeg", "video"),
    (libraries_stay_home, "pipeline/infer.py", "from imageio_ffmpeg import get_ffmpeg_exe", "video"),
    (files_are_short, "metrics.py", "x = 1\n" * (MAX_FILE + 1), "401 lines"),
    (
        functions_are_short,
        "metrics.py",
        "class A:\n    def f():\n" + "        x = 1\n" * MAX_FUNCTION,
        "61 lines",
    ),
]


def build(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_sound_tree_passes(rule: Rule, tmp_path: Path) -> None:
    assert rule(build(tmp_path, SOUND)) == []


@pytest.mark.parametrize(("rule", "file", "text", "names"), BROKEN)
def test_a_broken_tree_fails(rule: Rule, file: str, text: str, names: str, tmp_path: Path) -> None:
    complaints = rule(build(tmp_path, SOUND | {file: text}))
    assert len(complaints) == 1
    assert names in complaints[0]


def test_every_rule_is_shown_to_fail() -> None:
    assert {rule for rule, *_ in BROKEN} == set(RULES)


# --- what is loaded when

HELP = """
from videopose3d.cli import main
try:
    main(["--help"])
except SystemExit as end:
    assert not end.code
"""


def loaded_after(code: str) -> set[str]:
    """Return which of the heavy libraries a fresh interpreter has loaded after ``code``."""
    report = f"import sys\nprint(*sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def test_importing_the_package_is_light() -> None:
    assert loaded_after("import videopose3d") == set()


def test_the_look_at_loaded_modules_can_fail() -> None:
    assert "cv2" in loaded_after("import cv2")


def test_help_answers_at_once() -> None:
    start = time.perf_counter()
    assert loaded_after(HELP) == set()
    assert time.perf_counter() - start < MAX_HELP


# --- what is in the repository


def repository_files() -> list[Path]:
    """Return what is tracked, or would be with `git add`; without git, what lies in the source folders."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    if listing.returncode == 0:
        files = [ROOT / name for name in listing.stdout.split("\0") if name]
    else:
        files = [file for folder in ("videopose3d", "tests", "docs") for file in (ROOT / folder).rglob("*")]
    return [file for file in files if file.is_file() and "__pycache__" not in file.parts]


def machine_paths(files: Iterable[Path]) -> list[str]:
    """Return the files that name a folder of the machine they were written on (URLs may hold such a part)."""
    pattern = re.compile(rb"(?<![\w.-])/(work|root)/")
    return [str(file) for file in files if pattern.search(file.read_bytes())]


def big_goldens(files: Iterable[Path], tests: Path) -> list[str]:
    return [
        f"{file}: {file.stat().st_size} bytes"
        for file in files
        if tests in file.parents and file.suffix != ".py" and file.stat().st_size >= MAX_GOLDEN
    ]


def test_no_file_names_a_folder_of_this_machine() -> None:
    assert machine_paths(repository_files()) == []


def test_golden_files_are_small() -> None:
    assert big_goldens(repository_files(), ROOT / "tests") == []


@pytest.mark.parametrize(("text", "caught"), [("'/{}/a'", True), ("see /{}/a", True), ("http://a.org/{}/b", False)])
@pytest.mark.parametrize("folder", ["work", "root"])
def test_a_machine_path_is_caught(text: str, caught: bool, folder: str, tmp_path: Path) -> None:
    file = tmp_path / "notes.md"
    file.write_text(text.format(folder))
    assert bool(machine_paths([file])) is caught


@pytest.mark.parametrize(("size", "caught"), [(MAX_GOLDEN, True), (MAX_GOLDEN - 1, False)])
def test_a_big_golden_file_is_caught(size: int, caught: bool, tmp_path: Path) -> None:
    file = tmp_path / "golden" / "array.npz"
    file.parent.mkdir()
    file.write_bytes(bytes(size))
    assert bool(big_goldens([file], tmp_path)) is caught

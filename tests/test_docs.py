"""The documents say what is: their examples run, their commands parse, their links and numbers hold."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from clips import MakeVideo
from golden_files import FOLDER
from stand_in import StandIn

from videopose3d import infer, save_result
from videopose3d.cli import main
from videopose3d.config import DetectConfig, LiftConfig, MocapTrainConfig, RenderConfig, TrainConfig
from videopose3d.config_finetune import FinetuneConfig
from videopose3d.export import export_result
from videopose3d.lifter.weights import build_model, save_lifter
from videopose3d.types import Result
from videopose3d.weights.header import LifterHeader
from videopose3d.weights.store import bundled_lifters, read_header

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
GUIDES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
TEXTS = [*GUIDES, *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "NOTICE.md", "tools/README.md"))]
PLANS = "decisions.md"  # names options to come
TO_COME: set[str] = set()
FRAMES = 12
FOREIGN_FLAGS = {
    *(
        "--render",
        *("--viz-", "--viz-subject", "--viz-action", "--viz-camera", "--viz-video", "--viz-output", "--viz-export"),
        *("--viz-size", "--viz-bitrate", "--viz-downsample", "--viz-limit", "--viz-skip", "--viz-no-ground-truth"),
        "--export-training-curves",
        "--checkpoint-frequency",
        "--evaluate",
        "--subset",
        "--downsample",
    ),
    *("--no-deps", "--no-build-isolation"),
    *("--disable-optimizations", "--linear-projection", "--no-eval", "--no-proj"),
}
"""Of the original program (docs/training.md says what they are called here) and of pip."""


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def without_blocks(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def shell_lines(text: str) -> list[str]:
    lines = (line.partition("  #")[0].strip() for block in blocks(text, "sh") for line in block.splitlines())
    return [line for line in lines if line]


def code_spans(text: str) -> list[str]:
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", without_blocks(text))]


def named_command(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that words after ``videopose3d`` name, and the words after its name."""
    command: click.Command = main
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        assert words[0] in command.commands, f"no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    return command, words


def options_of(command: click.Command) -> set[str]:
    flags = {flag for p in command.params for flag in (*p.opts, *p.secondary_opts)}
    return flags | {"-h", "--help"}


def every_command(group: click.Group = main) -> Iterator[click.Command]:
    yield group
    for command in group.commands.values():
        if isinstance(command, click.Group):
            yield from every_command(command)
        else:
            yield command


@pytest.fixture
def folder(make_video: MakeVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with all that the examples read, and a detector that finds somebody."""
    StandIn().install(monkeypatch)
    clip = make_video(name="walk.mp4", size=(96, 128), frames=FRAMES)
    for name in ("clip.mp4", "dance.mov", "videos/one.mp4", "more/two.mov", "mocap/split.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(clip, tmp_path / name)
    shutil.copytree(FOLDER / "data", tmp_path / "data")
    shutil.copy(tmp_path / "data/data_2d_h36m_gt.npz", tmp_path / "data/data_2d_h36m_cpn_ft_h36m_dbb.npz")
    shutil.copy(FOLDER / "ckpt_supervised_epoch_2.bin", tmp_path / "model.bin")
    header = LifterHeader("h36m", (3, 3), 8, 2, skeleton_in="h36m17", normalisation="screen")
    save_lifter(build_model(header), header, tmp_path / "runs/h36m/last.safetensors")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def result(folder: Path) -> Result:
    return infer("clip.mp4")


# --- examples


def test_every_language_of_a_block_is_known() -> None:
    found = {tag for path in TEXTS for tag in re.findall(r"^```(\S*)\n(?!\n|$)", path.read_text(), re.MULTILINE)}
    assert found - {""} <= {"sh", "python", "text", "bibtex"}
    assert "sh" in found
    assert "python" in found


def test_shell_examples_of_the_readme_run_in_their_order(folder: Path) -> None:
    lines = [line for line in shell_lines(README.read_text()) if line.startswith("videopose3d ")]
    assert len(lines) >= 9
    run = 0
    for line in lines:
        words = shlex.split(line)[1:]
        if words[0] in ("demo", "train", "prepare"):  # minutes or downloads; they have tests of their own
            continue
        done = CliRunner().invoke(main, words, catch_exceptions=False)
        assert done.exit_code == 0, f"{line}: {done.stderr}"
        if words[0] not in ("evaluate", "weights"):  # these print tables
            assert all(Path(path).is_file() for path in done.stdout.split())
        run += 1
    assert run >= 8
    assert {path.name for path in folder.glob("clip_*")} >= {"clip_3d.mp4", "clip_3d.npz", "clip_lifted.npz"}
    assert {path.name for path in (folder / "results").glob("*.mp4")} == {"one_3d.mp4", "two_3d.mp4"}


PYTHON = [(name_of(path), code) for path in GUIDES for code in blocks(path.read_text(), "python")]


@pytest.mark.parametrize(("file", "code"), PYTHON, ids=[f"{file}-{n}" for n, (file, _) in enumerate(PYTHON)])
def test_python_examples_run(file: str, code: str, folder: Path, result: Result) -> None:
    for name in ("out.npz", "clip_3d.npz"):
        save_result(result, folder / name)
    export_result(result, folder / "out.csv")
    exec(compile(code, file, "exec"), {"__name__": "example"})


@pytest.mark.slow
def test_the_python_example_of_the_readme_runs_with_the_real_detector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mediapipe")
    shutil.copy(ROOT / "videopose3d/data/demo.mp4", tmp_path / "clip.mp4")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Result] = {}
    exec(blocks(README.read_text(), "python")[0], names)
    assert names["result"].poses_3d.shape[2:] == (17, 3)
    assert names["result"].people == 1


def test_the_readme_has_three_lines_of_python() -> None:
    assert len([line for line in blocks(README.read_text(), "python")[0].splitlines() if line]) == 3


# --- commands


SHELL = [(name_of(path), line) for path in TEXTS for line in shell_lines(path.read_text())]


@pytest.mark.parametrize(("file", "line"), [pair for pair in SHELL if pair[1].startswith("videopose3d")])
def test_shell_examples_parse(file: str, line: str, folder: Path) -> None:
    command, words = named_command(shlex.split(line)[1:])
    parent = click.Context(main, **main.context_settings)
    with command.make_context(command.name, words, parent=parent):
        pass


@pytest.mark.parametrize(
    ("file", "span"),
    [(name_of(p), s) for p in TEXTS for s in code_spans(p.read_text()) if re.match(r"videopose3d [a-z]", s)],
)
def test_commands_in_the_text_exist(file: str, span: str) -> None:
    if "|" in span and file.endswith(PLANS):
        return
    command, words = named_command(span.split()[1:])
    assert {word for word in words if word.startswith("-")} <= options_of(command)


@pytest.mark.parametrize("path", [path for path in GUIDES if path.name != PLANS], ids=name_of)
def test_options_in_the_text_exist(path: Path) -> None:
    known = set().union(FOREIGN_FLAGS, *(options_of(command) for command in every_command()))
    named = {match[0] for span in code_spans(path.read_text()) if (match := re.match(r"--[a-z][a-z-]+", span))}
    assert named <= known


def test_scripts_and_targets_in_the_text_exist() -> None:
    texts = "\n".join(path.read_text() for path in TEXTS)
    scripts = set(re.findall(r"python ((?:benchmarks|tools)/\w+\.py)", texts))
    assert "benchmarks/render.py" in scripts
    assert [script for script in scripts if not (ROOT / script).is_file()] == []
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"demo", "test"} <= targets
    named = {word for line in re.findall(r"(?:^|`)make ([a-z][a-z ]*)", texts, re.MULTILINE) for word in line.split()}
    assert {"demo", "test"} <= named <= targets


def test_the_command_reference_is_fresh() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/make_cli_reference.py"), "--check"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_command_is_in_the_reference_and_in_the_readme() -> None:
    reference = (ROOT / "docs/cli.md").read_text()
    named = {" ".join(span.split()[:2]) for span in code_spans(README.read_text())}
    named |= {" ".join(line.split()[:2]) for line in shell_lines(README.read_text())}
    for name in main.commands:
        assert f"## videopose3d {name}\n" in reference
        assert f"videopose3d {name}" in named


# --- links, numbers, tables


def links(text: str) -> list[str]:
    return re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", without_blocks(text))


def broken_links(path: Path) -> list[str]:
    broken = []
    for link in links(path.read_text()):
        target, _, anchor = link.partition("#")
        if "://" in link or target in TO_COME:
            continue
        file = path.parent / target if target else path
        headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE) if anchor and file.is_file() else []
        slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        if not file.exists() or (anchor and anchor not in slugs):
            broken.append(link)
    return broken


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    assert broken_links(path) == []


def test_pictures_are_small_and_each_is_shown() -> None:
    pictures = [path for path in (ROOT / "docs/images").rglob("*") if path.is_file() and path.suffix != ".md"]
    shown = {(path.parent / link).resolve() for path in GUIDES for link in links(path.read_text())}
    assert [path.name for path in pictures if path not in shown] == []
    assert sum(path.stat().st_size for path in pictures) < 3_000_000


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    page.write_text("# One two\n[a](a.md#one-two) [b](gone.md) [c](#three) [d](https://h/x)")
    assert broken_links(page) == ["gone.md", "#three"]


def test_every_guide_is_linked_from_the_readme_or_a_guide() -> None:
    linked = {(path.parent / link.partition("#")[0]).resolve() for path in GUIDES for link in links(path.read_text())}
    assert [name_of(path) for path in GUIDES[1:] if path not in linked] == []


def test_defaults_in_the_text_are_those_of_the_configuration() -> None:
    defaults = {
        f.name: f.default
        for c in (DetectConfig, FinetuneConfig, LiftConfig, MocapTrainConfig, RenderConfig, TrainConfig)
        for f in fields(c)
    }
    found = [
        (option, value)
        for path in GUIDES
        for option, value in re.findall(r"`--([a-z-]+)`\s\(default\s([\d.]*\d)", path.read_text())
    ]
    assert {option for option, _ in found} >= {"height", "max-gap"}
    assert [(o, v) for o, v in found if float(v) != defaults[o.replace("-", "_")]] == []


def test_the_size_of_the_bundled_lifter_in_the_text() -> None:
    header = read_header(bundled_lifters()["open"])
    for name in ("lifter.md", "model_card_open.md"):
        text = " ".join((ROOT / "docs" / name).read_text().split())
        assert f"{header.channels} channels" in text
        assert f"{np.prod(header.filter_widths)} frames" in text


def rows(text: str) -> list[list[str]]:
    """Cells of all table rows."""
    lines = (line.strip() for line in text.splitlines())
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


def test_outputs_in_the_readme_are_there_and_have_the_shapes(result: Result) -> None:
    shapes = 0
    for cells in rows(README.read_text()):
        for expression in re.findall(r"`(result\.[\w.]+)`", cells[0]):
            value = eval(expression, {"result": result})
            if cells[1].startswith("("):
                expected = tuple({"P": 1, "T": FRAMES}.get(n) or int(n) for n in cells[1].strip("()").split(", "))
                assert value.shape == expected, expression
                shapes += 1
            elif cells[1].endswith("names"):
                assert f"{len(value)} names" == cells[1]
    assert shapes == 8


def test_the_keys_of_the_result_file(folder: Path, result: Result) -> None:
    save_result(result, "out.npz")
    listed: dict[str, str] = {}
    for cells in rows((ROOT / "docs/result_file.md").read_text()):
        if len(cells) == 4:
            listed |= dict.fromkeys(re.findall(r"`(\w+)`", cells[0]), cells[1])
    with np.load("out.npz", allow_pickle=False) as npz:
        assert listed.keys() == set(npz.files)
        for key, said in listed.items():
            if said == "text":
                assert npz[key].shape == ()
                assert npz[key].dtype.kind == "U"
                continue
            shape, kind = re.fullmatch(r"\((.*)\) (\w+)", said).groups()
            expected = tuple({"P": 1, "T": FRAMES}.get(n) or int(n) for n in re.findall(r"\w+", shape))
            assert npz[key].shape == expected, key
            assert npz[key].dtype.kind == "U" if kind == "text" else npz[key].dtype == kind, key


def test_every_module_is_in_the_layout() -> None:
    layout = (ROOT / "docs/architecture.md").read_text()
    names = {path.stem for path in (ROOT / "videopose3d").glob("*.py") if not path.stem.startswith(("_", "cli_"))}
    names |= {path.parent.name for path in (ROOT / "videopose3d").glob("*/__init__.py")}
    assert [name for name in sorted(names) if not re.search(rf"\b{name}(\.py|/)", layout)] == []


def test_no_placeholder_is_left() -> None:
    assert [name_of(path) for path in TEXTS if re.search(r"@@\w+@@", path.read_text())] == []

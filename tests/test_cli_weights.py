"""The ``weights`` commands, in this process and without a network."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from golden_files import FOLDER

from videopose3d import cli_weights
from videopose3d.cli import main
from videopose3d.weights.manifest import published
from videopose3d.weights.store import bundled_lifters, file_hash, read_header

SEMI = FOLDER / "ckpt_semi_legacy.bin"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VIDEOPOSE3D_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def run(*args: object) -> Result:
    return CliRunner().invoke(main, ["weights", *(str(arg) for arg in args)], catch_exceptions=False)


def fails(*args: object, code: int = 1) -> str:
    done = run(*args)
    assert done.exit_code == code, done.output
    lines = done.stderr.strip().splitlines()
    if code == 1:
        assert len(lines) == 1, done.stderr
    return lines[-1]


# --- list


def test_list_has_bundled_pulled_and_published_lifters(cache: Path) -> None:
    run("import", SEMI, "-o", cache / "mine.safetensors")
    text = run("list").stdout
    assert "open  coco17 to h36m17" in text
    assert "open-causal  coco17 to h36m17, filters 9x3x1, 512 channels, causal\n  bundled, " in text
    assert "nan" not in text
    assert "mine  h36m17 to h36m17, filters 3x3, 16 channels\n  pulled, " in text
    assert "pretrained_h36m_cpn " in text
    assert "46.8 / 36.5" in text
    assert ", causal" in text
    values = json.loads(run("list", "--json").stdout)
    assert {values[name]["status"] for name in ("open", "mine", "d-pt-243")} == {"bundled", "pulled", "to pull"}
    assert values["open"]["features"] == 4
    assert values.keys() == {"open", "open-causal", "mine", *published()}


def test_list_shows_a_damaged_file(cache: Path) -> None:
    cache.mkdir()
    (cache / "mine.safetensors").write_bytes(b"no")
    done = run("list")
    assert done.exit_code == 0
    assert "mine  pulled, damaged" in done.stdout


# --- info


@pytest.mark.parametrize(
    ("widths", "options", "parameters", "flops", "frames"),
    [  # table 5 of the paper
        ("3,3,3", [], 8_555_571, 17_090_560, 27),
        ("3,3,3,3", [], 12_753_971, 25_479_168, 81),
        ("3,3,3,3,3", [], 16_952_371, 33_867_776, 243),
        ("3,3,3", ["--dense"], 29_527_091, 59_033_600, 27),
    ],
)
def test_the_sizes_of_the_paper(widths: str, options: list[str], parameters: int, flops: int, frames: int) -> None:
    values = json.loads(run("info", "--architecture", widths, "--json", *options).stdout)
    assert (values["parameters"], values["flops_per_frame"], values["receptive_field"]) == (parameters, flops, frames)
    assert f"{parameters:,}" in run("info", "--architecture", widths, *options).stdout


def test_the_other_sizes_of_an_architecture() -> None:
    options = ["--joints-in", 17, "--features", 3, "--joints-out", 15, "--channels", 1024, "--json"]
    assert json.loads(run("info", "--architecture", "3,3,3", *options).stdout)["parameters"] == 8_601_645


def test_info_of_the_bundled_lifter_tells_the_whole_header() -> None:
    path = bundled_lifters()["open"]
    values = json.loads(run("info", "open", "--json").stdout)
    assert values["sha256"] == file_hash(path)
    assert values["size"] == path.stat().st_size
    assert tuple(values["filter_widths"]) == read_header(path).filter_widths
    assert values["metrics"] == read_header(path).metrics
    text = run("info", "open").stdout
    for said in ("coco17", "h36m17", "rays", "Apache-2.0", values["sha256"], "1.7 m", f"{values['parameters']:,}"):
        assert said in text


def test_info_of_a_checkpoint_of_another_program() -> None:
    values = json.loads(run("info", SEMI, "--json").stdout)
    assert (values["kind"], values["container"], values["epoch"]) == ("videopose3d", "legacy", 2)
    assert (values["optimizer"], values["random_state"], values["trajectory"]) == (True, True, True)
    assert (values["receptive_field"], values["receptive_field_seconds"]) == (9, 0.18)
    text = run("info", SEMI).stdout
    assert "9 frames" in text
    assert "0.18 s" in text
    assert "--causal" in text


def test_info_of_a_published_lifter_that_is_not_here() -> None:
    text = run("info", "pretrained_h36m_cpn").stdout
    for said in ("to pull", "46.8 mm", "https://dl.fbaipublicfiles.com/", "non-commercial", "16,952,371"):
        assert said in text


def test_info_needs_one_thing_to_tell_of() -> None:
    assert "NAME or --architecture" in fails("info", code=2)
    assert "NAME or --architecture" in fails("info", "open", "--architecture", "3,3", code=2)
    for widths in ("3,4", "three", "", "3,,3", "-3"):
        assert "odd widths" in fails("info", f"--architecture={widths}", code=2)
    assert "no such lifter" in fails("info", "nothing")


# --- import


def test_import_says_what_it_found_and_assumed() -> None:
    done = run("import", SEMI, "-o", "a.safetensors")
    assert done.exit_code == 0
    assert done.stdout == "a.safetensors\n"
    for said in (
        "VideoPose3D checkpoint",
        "filters 3,3, 16 channels, symmetric, receptive field 9 frames, 3,619 parameters",
        "with a trajectory network; 2 epochs",
        "CC BY-NC",
        "joints in taken as h36m17",
        "give --causal",
    ):
        assert said in done.stderr
    assert read_header(Path("a.safetensors")).skeleton_in == "h36m17"
    assert run("import", SEMI, "-o", "b.safetensors", "--quiet").stderr == ""


def test_import_takes_what_it_is_told() -> None:
    options = ["--causal", "--skeleton-in", "coco17", "--name", "mine", "--licence", "mine alone"]
    done = run("import", FOLDER / "mmpose_tcn_blocks2_causal.pth", "-o", "a.safetensors", *options)
    assert "note:" not in done.stderr
    assert "MMPose checkpoint" in done.stderr
    header = read_header(Path("a.safetensors"))
    assert (header.causal, header.skeleton_in, header.name, header.licence) == (True, "coco17", "mine", "mine alone")


def test_import_as_json() -> None:
    values = json.loads(run("import", SEMI, "-o", "a.safetensors", "--json").stdout)
    assert (values["kind"], values["file"], len(values["assumed"])) == ("videopose3d", "a.safetensors", 2)


def test_import_keeps_what_is_there() -> None:
    run("import", SEMI, "-o", "a.safetensors")
    before = Path("a.safetensors").read_bytes()
    assert "exists already" in fails("import", FOLDER / "mmpose_tcn_blocks2_27f.pth", "-o", "a.safetensors")
    assert Path("a.safetensors").read_bytes() == before
    done = run("import", FOLDER / "mmpose_tcn_blocks2_27f.pth", "-o", "a.safetensors", "--overwrite")
    assert done.exit_code == 0
    assert Path("a.safetensors").read_bytes() != before


def test_a_wrong_import_is_one_line_and_writes_nothing() -> None:
    Path("page.bin").write_text("<html>")
    assert "web page" in fails("import", "page.bin", "-o", "a.safetensors")
    assert "cannot be read" in fails("import", "nothing.bin", "-o", "a.safetensors")
    assert "17" in fails("import", SEMI, "-o", "a.safetensors", "--skeleton-out", "humaneva15")
    assert ".safetensors" in fails("import", SEMI, "-o", "a.bin", code=2)
    assert [path.name for path in Path().iterdir()] == ["page.bin"]


def test_a_checkpoint_given_as_lifter_is_told_to_be_imported() -> None:
    done = CliRunner().invoke(main, ["infer", "clip.mp4", "--lifter", str(SEMI)])
    assert done.exit_code == 1
    Path("clip.mp4").touch()
    done = CliRunner().invoke(main, ["infer", "clip.mp4", "--lifter", str(SEMI)])
    assert "weights import" in done.stderr


# --- pull and verify


def by_hand(cache: Path, name: str) -> None:
    cache.mkdir()
    shutil.copy(SEMI, cache / published()[name].file)


def test_pull_makes_a_file_put_there_by_hand_ours(cache: Path) -> None:
    by_hand(cache, "d-pt-243")
    done = run("pull", "d-pt-243")
    assert done.stdout == f"{cache / 'd-pt-243.safetensors'}\n"
    assert "d-pt-243: CC BY-NC 4.0" in done.stderr
    assert run("pull", "d-pt-243.bin").stdout == done.stdout
    assert json.loads(run("pull", "d-pt-243", "--json").stdout)["name"] == "d-pt-243"
    values = json.loads(run("list", "--json").stdout)
    assert values["d-pt-243"]["status"] == "pulled"
    assert run("pull", "d-pt-243", "-o", "a.safetensors", "-q").stderr == ""
    assert "exists already" in fails("pull", "d-pt-243", "-o", "a.safetensors", "-q")


def test_pull_of_an_unknown_name_is_one_line() -> None:
    assert "weights list" in fails("pull", "nothing")
    assert ".safetensors" in fails("pull", "d-pt-243", "-o", "a.bin", code=2)


def test_the_progress_of_a_download(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    monkeypatch.setattr(cli_weights, "monotonic", lambda: now[0])
    bar = cli_weights._Bytes("net.bin", quiet=False)
    for second in range(32):
        now[0] = float(second)
        bar(second * 1_000_000, 100_000_000)
    bar.close()
    assert capsys.readouterr().err == "net.bin:  15%  15.0/100.0 MB\nnet.bin:  30%  30.0/100.0 MB\n"
    quiet = cli_weights._Bytes("net.bin", quiet=True)
    quiet(1, 1)
    assert capsys.readouterr().err == ""


def test_verify_checks_everything_that_is_here(cache: Path) -> None:
    by_hand(cache, "d-pt-243")
    run("pull", "d-pt-243")
    done = run("verify")
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["d-pt-243", "open", "open-causal"]
    file = cache / "d-pt-243.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert "hash" in fails("verify")
    assert run("verify", "open").exit_code == 0
    report = json.loads(run("verify", "--json").stdout)
    assert report["open"]["error"] is None
    assert "hash" in report["d-pt-243"]["error"]
    assert "no such lifter" in fails("verify", "nothing")

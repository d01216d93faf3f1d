"""Running the jobs of a command line: errors to one line, results to stdout, exit codes to the shell."""

from __future__ import annotations

import json
import logging
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn

import click

from videopose3d.cli_progress import ProgressPrinter
from videopose3d.errors import VideoPose3DError

FAILED, NOBODY, INTERRUPTED = 1, 3, 130
_REFINED = {
    "reprojection": "off the keypoints by {:g} -> {:g} px",
    "sliding": "standing feet slide {:g} -> {:g} mm/frame",
    "jitter": "jitter {:g} -> {:g} mm/frame^2",
    "bones": "bones vary by {:g} -> {:g} mm",
}


class NothingToDo(Exception):  # noqa: N818 - not an error
    """Everything a job would write is there."""

    def __init__(self, outputs: Sequence[Path]) -> None:
        super().__init__("done before")
        self.outputs = outputs


def one(
    source: str | Path,
    output: Path,
    run: Callable[[Any, ProgressPrinter], Any],
    options: dict[str, Any],
    *,
    overwrite: bool,
    lifts: bool = True,
) -> None:
    """Run one job that makes one file of one source; ``lifts`` as for `each`."""
    from videopose3d.files import check_overwrite

    with reported():
        check_overwrite(output, overwrite)
    each([source], run, options, lifts=lifts)


def each(
    jobs: Sequence[Any], run: Callable[[Any, ProgressPrinter], Any], options: dict[str, Any], *, lifts: bool = True
) -> None:
    """Run jobs one after the other; a failed one is reported and the others go on. Ends the process.

    Camera and refinement are told of only where the jobs have lifted, and not read what had been.
    """
    codes, summaries = [], []
    logging.getLogger("videopose3d").setLevel(logging.ERROR if options["quiet"] else logging.NOTSET)
    for job in jobs:
        name = str(job[0]) if isinstance(job, tuple) else str(job)
        progress = ProgressPrinter(Path(name).name, quiet=options["quiet"])
        code, summary = _attempt(job, run, progress)
        codes.append(code)
        summaries.append({"source": name, "exit_code": code, **summary})
        if not options["as_json"]:
            _tell(name, code, summary, options, lifts=lifts)
    if options["as_json"]:
        click.echo(json.dumps(summaries if len(summaries) > 1 else summaries[0]))
    sys.exit(FAILED if FAILED in codes else max(codes))


def _attempt(
    job: Any, run: Callable[[Any, ProgressPrinter], Any], progress: ProgressPrinter
) -> tuple[int, dict[str, Any]]:
    try:
        with _interruptible():
            result = run(job, progress)
            progress.close()
    except NothingToDo as done:
        return 0, {"outputs": [str(path) for path in done.outputs], "skipped": True}
    except (VideoPose3DError, OSError) as error:
        progress.close(finished=False)
        click.echo(f"Error: {_one_line(error)}", err=True)
        return FAILED, {"error": _one_line(error)}
    except KeyboardInterrupt:
        progress.close(finished=False)
        click.echo("Interrupted. Nothing was left half written; infer --resume skips stages that were done.", err=True)
        sys.exit(INTERRUPTED)
    return (0 if result.people else NOBODY), _summary(result)


def _summary(result: Any) -> dict[str, Any]:
    kp = result.keypoints
    return {
        "outputs": list(result.outputs),
        "people": result.people,
        "frames": kp.frames,
        "frames_with_person": int(kp.present.any(0).sum()),
        "fps": [kp.fps.numerator, kp.fps.denominator],
        "size": list(kp.size),
        "detector": kp.detector,
        "lifter": result.poses.lifter if result.poses else None,
        "camera": result.lens and {"focal": float(f"{result.focal:.6g}"), "from": result.lens.origin},
        "refinement": _refinement(result),
        "seconds": {stage: round(seconds, 3) for stage, (seconds, _) in result.timings.items()},
    }


def _refinement(result: Any) -> dict[str, list[float | None]] | None:
    """Every figure before and after, to three digits; None where nothing was refined."""
    if result.refinement is None:
        return None
    before, after = (vars(quality) for quality in result.refinement)
    return {name: [_short(before[name]), _short(after[name])] for name in before}


def _short(value: float) -> float | None:
    return float(f"{value:.3g}") if isfinite(value) else None


def _tell(name: str, code: int, summary: dict[str, Any], options: dict[str, Any], *, lifts: bool) -> None:
    """Results to stdout, remarks to stderr."""
    if code == NOBODY and not options["quiet"]:
        click.echo(f"{name}: nobody found in {summary['frames']} frames; the result is empty.", err=True)
    elif summary.get("skipped") and not options["quiet"]:
        click.echo(f"{name}: done before, nothing to do.", err=True)
    if lifts and (camera := summary.get("camera")) and not options["quiet"]:
        click.echo(f"{name}: camera: focal length {camera['focal']:g} px ({camera['from']})", err=True)
    if lifts and (figures := summary.get("refinement")) and not options["quiet"]:
        said = "; ".join(f"{what.format(*figures[key])}" for key, what in _REFINED.items() if None not in figures[key])
        click.echo(f"{name}: refined: {said}", err=True)
    for path in summary.get("outputs", []):
        click.echo(path)
    if options.get("profile"):
        for stage, seconds in summary.get("seconds", {}).items():
            rate = f"  {summary['frames'] / seconds:8.1f} frames/s" if seconds >= 0.01 else ""
            click.echo(f"{stage:8} {seconds:7.2f} s{rate}", err=True)


@contextmanager
def reported() -> Iterator[None]:
    """Turn our errors into one line on stderr and exit code 1."""
    try:
        with _interruptible():
            yield
    except BrokenPipeError:  # whoever read stdout has gone: Click ends quietly
        raise
    except (VideoPose3DError, OSError) as error:
        click.echo(f"Error: {_one_line(error)}", err=True)
        sys.exit(FAILED)
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        sys.exit(INTERRUPTED)


def _one_line(error: Exception) -> str:
    """The message of one of our errors; of the system (disk full, no permission) what it says, and where."""
    if isinstance(error, OSError) and error.strerror:
        error = VideoPose3DError(
            f"the system says: {error.strerror}", where=error.filename, fix="Check free space and permissions."
        )
    return " ".join(str(error).split())


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let a polite kill (SIGTERM) clean up as Ctrl-C does."""

    def stop(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

"""The ``weights`` commands: what is here, what it is, and how more comes."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from videopose3d.cli_jobs import reported
from videopose3d.cli_options import HELP, PathOption, json_option, overwrite_option, quiet_option
from videopose3d.skeleton import SKELETONS

if TYPE_CHECKING:
    from videopose3d.weights.importing import Imported
    from videopose3d.weights.info import Listed

_LOG_EVERY = 15.0  # s
_joints = click.Choice(sorted(SKELETONS))


@click.group(context_settings=HELP)
def weights() -> None:
    """Weights that are here, what they are, and how to get others.

    \b
    videopose3d weights list
    videopose3d weights info open
    videopose3d weights pull pretrained_h36m_cpn
    videopose3d weights import epoch_80.bin -o mine.safetensors
    """


# --- list


@weights.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Lifters that are bundled, that were pulled, and that can be."""
    with reported():
        from videopose3d.weights.info import listed

        lifters = listed()
        if as_json:
            click.echo(json.dumps({one.name: _as_json(one) for one in lifters}))
            return
        for one in lifters:
            if one.status != "to pull":
                _print_installed(one)
        _print_published([one for one in lifters if one.status == "to pull"])


def _as_json(one: Listed) -> dict[str, Any]:
    extra = {"status": one.status, "file": str(one.path) if one.path else one.values.get("file"), "error": one.error}
    return dict(one.values) | extra


def _print_installed(one: Listed) -> None:
    assert one.path is not None
    if one.error:
        click.echo(f"{one.name}  {one.status}, damaged: {one.error}")
        return
    header = one.values
    frames = "x".join(str(width) for width in header["filter_widths"])
    causal = ", causal" if header["causal"] else ""
    click.echo(
        f"{one.name}  {header['skeleton_in']} to {header['skeleton_out']}, filters {frames}, "
        f"{header['channels']} channels{causal}"
    )
    click.echo(f"  {one.status}, {one.path.stat().st_size / 1e6:.1f} MB, {header['licence'] or 'licence not stated'}")
    _print_metrics(header["metrics"])


def _print_metrics(metrics: Mapping[str, float]) -> None:
    if metrics:
        click.echo("  errors on held-out people, MPJPE / after alignment (P-MPJPE):")
    for metric, value in metrics.items():
        if metric.endswith("_mpjpe") and not metric.endswith(("_p_mpjpe", "_n_mpjpe")):
            kind = metric.removesuffix("_mpjpe")
            aligned = metrics.get(f"{kind}_p_mpjpe", float("nan"))
            click.echo(f"    {kind.replace('_', ' '):17} {value:6.1f} / {aligned:5.1f} mm")


def _print_published(lifters: list[Listed]) -> None:
    if not lifters:
        return
    click.echo("\nTo pull (videopose3d weights pull NAME), with the published MPJPE / P-MPJPE:")
    width = max(len(one.name) for one in lifters)
    for one in lifters:
        found = one.values
        errors = " / ".join("-" if found[key] is None else f"{found[key]:.1f}" for key in ("mpjpe", "p_mpjpe"))
        frames = "x".join(str(number) for number in found["filter_widths"])
        causal = ", causal" if found["causal"] else ""
        click.echo(
            f"  {one.name:{width}}  {errors:>11}  {found['skeleton_in']} to {found['skeleton_out']}, {frames}{causal}"
        )
    click.echo("  Their licences do not allow commercial use, or their training data does not: see weights info NAME.")


# --- info


@weights.command()
@click.argument("name", required=False)
@click.option("--architecture", metavar="W,W,...", help="Count for these kernel widths; no NAME then.")
@click.option("--channels", type=click.IntRange(1), default=1024, show_default=True, help="With --architecture.")
@click.option("--joints-in", type=click.IntRange(1), default=17, show_default=True, help="With --architecture.")
@click.option("--features", type=click.IntRange(1), default=2, show_default=True, help="With --architecture.")
@click.option("--joints-out", type=click.IntRange(1), default=17, show_default=True, help="With --architecture.")
@click.option("--dense", is_flag=True, help="With --architecture: ordinary instead of dilated convolutions.")
@json_option
def info(name: str | None, architecture: str | None, as_json: bool, **net: Any) -> None:
    """Everything about NAME: a lifter of the list, a weight file, or a checkpoint of another program.

    \b
    videopose3d weights info open
    videopose3d weights info epoch_80.bin --json
    videopose3d weights info --architecture 3,3,3,3,3

    FLOPs are per frame as in table 5 of the paper: two for every weight of a convolution.
    """
    if (name is None) == (architecture is None):
        raise click.UsageError("Give a NAME or --architecture.")
    with reported():
        from videopose3d.weights.info import cost, describe

        values = describe(name) if name else cost(_architecture(architecture or "", net))
        if as_json:
            click.echo(json.dumps(values))
            return
        for key, value in values.items():
            if value not in (None, "", [], {}, ()):
                click.echo(f"{key.replace('_', ' '):24} {_readable(key, value)}")


def _architecture(widths: str, net: Mapping[str, Any]) -> Any:
    from videopose3d.weights.counts import Architecture

    try:
        numbers = tuple(int(width) for width in widths.split(","))
    except ValueError:
        numbers = ()
    if not numbers or any(number < 1 or number % 2 == 0 for number in numbers):
        raise click.UsageError(f"--architecture takes odd widths with commas between, such as 3,3,3; got {widths!r}.")
    inputs = net["joints_in"] * net["features"]
    return Architecture(numbers, net["channels"], inputs, net["joints_out"], net["dense"])


def _readable(key: str, value: Any) -> str:
    if key == "metrics":
        return ", ".join(f"{name} {number:g}" for name, number in value.items())
    if key == "skeletons":
        return ", ".join(f"{name} ({len(one['joints'])} joints)" for name, one in value.items())
    if key == "assumed":
        return "; ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ",".join(f"{entry:g}" if isinstance(entry, float) else str(entry) for entry in value)
    unit = {
        "size": " bytes", "receptive_field": " frames", "receptive_field_seconds": " s",
        "mpjpe": " mm", "p_mpjpe": " mm", "stature": " m", "fps": " frames/s",
    }  # fmt: skip
    number = f"{value:,}" if isinstance(value, int) else str(value)
    return number + unit.get(key, "")


# --- import


@weights.command("import")
@click.argument("file", type=PathOption)
@click.option("-o", "--output", type=PathOption, required=True, help="Weights to write (.safetensors).")
@click.option("--causal/--symmetric", default=None, help="The tensors do not tell.  [default: as published, symmetric]")
@click.option("--dense/--dilated", default=None, help="Kind of the convolutions.  [default: by their kernels]")
@click.option("--skeleton-in", type=_joints, help="Joints it takes.  [default: as published, else by their number]")
@click.option("--skeleton-out", type=_joints, help="Joints it gives.  [default: as published, else by their number]")
@click.option("--features", type=click.IntRange(1), help="Numbers per 2D joint.  [default: by the inputs]")
@click.option("--name", help="Name in the header.  [default: as published, else that of FILE]")
@click.option("--licence", help="Licence in the header.")
@overwrite_option
@json_option
@quiet_option
def import_(file: Path, output: Path, overwrite: bool, as_json: bool, quiet: bool, **told: Any) -> None:
    """A checkpoint of the original program (.bin) or of MMPose (.pth) as weights of ours.

    \b
    videopose3d weights import pretrained_h36m_cpn.bin -o cpn.safetensors
    videopose3d weights import epoch_80.bin -o mine.safetensors --skeleton-in coco17 --causal

    Nothing in FILE is run. Whether a network is causal cannot be read from its tensors: it is taken as
    symmetric. Nor can the joints that go in: 17 of them are taken as those of Human3.6M. Published files are known.
    """
    _check_name(output)
    with reported():
        from videopose3d.files import check_overwrite
        from videopose3d.weights.importing import Told, import_checkpoint

        check_overwrite(output, overwrite)
        done = import_checkpoint(file, output, Told(**told))
        if as_json:
            from videopose3d.weights.info import describe

            click.echo(json.dumps(describe(str(output)) | {"kind": done.source.kind, "assumed": done.remarks}))
            return
        if not quiet:
            _tell(done)
        click.echo(output)


def _tell(done: Imported) -> None:
    """What an import found and assumed, to stderr."""
    from videopose3d.weights.counts import parameters

    header, net = done.header, done.architecture
    frames = ",".join(str(width) for width in net.filter_widths)
    kind = {"videopose3d": "VideoPose3D", "mmpose": "MMPose"}[done.source.kind]
    known = f", published as {done.published.name}" if done.published else ""
    lines = [
        f"{kind} checkpoint ({done.source.layout}; {done.source.container} container){known}",
        f"filters {frames}{' dense' if net.dense else ''}, {net.channels} channels, "
        f"{'causal' if header.causal else 'symmetric'}, receptive field {net.receptive_field} frames, "
        f"{parameters(net):,} parameters",
        f"{header.skeleton_in} x {header.features} to {header.skeleton_out}; "
        + ("with a trajectory network" if header.trajectory else "no trajectory network")
        + (f"; {done.source.epoch} epochs" if done.source.epoch is not None else ""),
        f"licence: {header.licence}",
        *(f"note: {remark}" for remark in done.remarks),
    ]
    for line in lines:
        click.echo(line, err=True)


def _check_name(output: Path) -> None:
    if output.suffix.lower() != ".safetensors":
        raise click.UsageError(f"{output}: the name must end in .safetensors.")


# --- pull and verify


@weights.command()
@click.argument("name")
@click.option("-o", "--output", type=PathOption, help="Weights to write (.safetensors).  [default: in the cache]")
@overwrite_option
@json_option
@quiet_option
def pull(name: str, output: Path | None, overwrite: bool, as_json: bool, quiet: bool) -> None:
    """Download the published lifter NAME and make it ours, so that --lifter NAME finds it.

    \b
    videopose3d weights pull pretrained_h36m_detectron_coco
    videopose3d weights pull torchvision:keypointrcnn_resnet50_fpn

    NAME may also be a network that finds people or keypoints; `videopose3d detectors` lists them.

    The cache is $VIDEOPOSE3D_CACHE or the usual folder of this system. A download that stopped goes on; a
    file put into the cache by hand is used without the network.
    """
    if output:
        _check_name(output)
    with reported():
        from videopose3d.detectors.pulling import find_offers
        from videopose3d.weights.manifest import find_published
        from videopose3d.weights.pull import pull as fetch

        if offers := find_offers(name):
            _pull_for_detectors(name, offers, output, quiet=quiet, as_json=as_json)
            return
        lifter = find_published(name)
        if not quiet:
            click.echo(f"{lifter.name}: {lifter.licence}", err=True)
        bar = _Bytes(lifter.file, quiet)
        try:
            done = fetch(lifter, output, again=overwrite, progress=bar)
        finally:
            bar.close()
        if done.imported and not quiet:
            _tell(done.imported)
        click.echo(json.dumps({"name": lifter.name, "file": str(done.path)}) if as_json else done.path)


def _pull_for_detectors(name: str, offers: Sequence[Any], output: Path | None, *, quiet: bool, as_json: bool) -> None:
    """The files that a detector or keypoint network needs, into the cache."""
    from videopose3d.detectors.pulling import pull_offer

    if output:
        raise click.UsageError(f"{name} is no lifter: its file stays as it is, in the cache; leave out -o.")
    paths = []
    for offer in offers:
        bar = _Bytes(offer.file, quiet)
        try:
            paths.append(pull_offer(offer, bar))
        finally:
            bar.close()
    if as_json:
        click.echo(json.dumps({"name": name, "files": [str(path) for path in paths]}))
        return
    for path in paths:
        click.echo(path)


class _Bytes:
    """Progress of a download on stderr: a living line on a terminal, now and then a line in a log."""

    def __init__(self, label: str, quiet: bool) -> None:
        self._label, self._quiet = label, quiet
        self._live = sys.stderr.isatty()
        self._shown = monotonic() if not self._live else 0.0
        self._open = False

    def __call__(self, done: int, total: int | None) -> None:
        now = monotonic()
        if self._quiet or (now - self._shown < (0.1 if self._live else _LOG_EVERY) and done != total):
            return
        self._shown, self._open = now, self._live
        share = (
            f"{100 * done / total:3.0f}%  {done / 1e6:.1f}/{total / 1e6:.1f} MB" if total else f"{done / 1e6:.1f} MB"
        )
        click.echo(f"{chr(13) if self._live else ''}{self._label}: {share}", err=True, nl=not self._live)

    def close(self) -> None:
        """End a living line."""
        if self._open:
            click.echo(err=True)
        self._open = False


@weights.command()
@click.argument("names", nargs=-1, metavar="[NAME...]")
@json_option
def verify(names: tuple[str, ...], as_json: bool) -> None:
    """Check weights to the last number: hash, header, tensors. Without a NAME, everything that is here.

    \b
    videopose3d weights verify
    """
    from videopose3d.errors import WeightsError

    with reported():
        from videopose3d.weights.store import check_lifter, find_lifter, installed_lifters

        report: dict[str, dict[str, str | None]] = {}
        for name in names or installed_lifters():
            try:
                report[name] = {"sha256": check_lifter(find_lifter(name)), "error": None}
            except WeightsError as error:
                report[name] = {"sha256": None, "error": " ".join(str(error).split())}
        if as_json:
            click.echo(json.dumps(report))
        for name, result in report.items():
            if result["error"]:
                click.echo(f"Error: {result['error']}", err=True)
            elif not as_json:
                click.echo(f"{name}  whole, sha256 {result['sha256']}")
    sys.exit(1 if any(result["error"] for result in report.values()) else 0)

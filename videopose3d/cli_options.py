"""Command line options made from the configuration dataclasses, so that the two cannot disagree."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import click

from videopose3d.config import ABOVE, LIMITS, choices

Command = TypeVar("Command", bound=Callable[..., Any])
Config = TypeVar("Config")

HELP = {"help_option_names": ["-h", "--help"]}
"""Context of a command, also where it is called without its group."""

PathOption = click.Path(path_type=Path, dir_okay=False)
PictureOption = click.Path(path_type=Path)
"""A file, or a folder of pictures."""
json_option = click.option("--json", "as_json", is_flag=True, help="Print a machine-readable summary to stdout.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress and no remarks on stderr.")
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace files that are there already.")
folder_option = click.option(
    "--output-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("."),
    help="Folder for outputs without a name of their own.  [default: the current folder]",
)
keypoints_option = click.option(
    "-k", "--keypoints", help="2D keypoints: NAME of data_2d_DATASET_NAME.npz, or a path.  [default: gt]"
)
data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data"),
    show_default=True,
    help="Folder with the data_2d_* and data_3d_* files.",
)


_FORMS = {"size": "W,H", "input_size": "H,W"}
"""How tuples are typed that are more than a list of numbers."""


class NumberList(click.ParamType):  # type: ignore[type-arg]
    """Whole numbers with commas between them, as a tuple."""

    name = "N,N,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Parse one value of the option."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(int(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not a list of whole numbers such as 3,3,3.", param, ctx)


class NameList(click.ParamType):  # type: ignore[type-arg]
    """Names with commas between them, as a tuple."""

    name = "NAME,NAME,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Parse one value of the option."""
        if isinstance(value, tuple):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())


def options_from(config: type, *, leave_out: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """A decorator that gives a command one option per field, with the field's default and description."""
    described = _descriptions(config)

    def decorate(command: Command) -> Command:
        hints = get_type_hints(config)
        for field in reversed(fields(config)):
            if field.name not in leave_out:
                command = _option(config, field.name, hints[field.name], field.default, described[field.name])(command)
        return command

    return decorate


def config_from(config: type[Config], values: dict[str, Any]) -> Config:
    """The configuration that a command's options describe; other options are ignored."""
    names = {field.name for field in fields(config)}  # type: ignore[arg-type]
    return config(**{name: value for name, value in values.items() if name in names})


def _option(config: type, name: str, hint: Any, default: Any, text: str) -> Callable[[Any], Any]:
    flag = "--" + name.replace("_", "-")
    if hint is bool:
        return click.option(f"{flag}/--no-{flag[2:]}", name, default=default, show_default=True, help=text)
    if bool in get_args(hint):
        return click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=text)
    if get_origin(hint) is tuple and get_args(hint)[0] is str:
        return click.option(flag, name, multiple=True, default=default, help=text)
    if get_origin(hint) is tuple:
        if default:  # Click would show a tuple as Python writes it
            text += f"  [default: {','.join(str(part) for part in default)}]"
        return click.option(flag, name, type=NumberList(), metavar=_FORMS.get(name), default=default, help=text)
    kind: Any = next((t for t in get_args(hint) if t is not type(None)), hint) if get_args(hint) else hint
    if known := choices(config, name):
        kind = click.Choice(known)
    elif name in LIMITS:
        low, high = LIMITS[name]
        span: type = click.FloatRange if kind is float else click.IntRange
        kind = span(low, high, min_open=name in ABOVE)
    return click.option(flag, name, type=kind, default=default, show_default=default is not None, help=text)


def _descriptions(config: type) -> dict[str, str]:
    """Field name -> its text in the class docstring's Attributes section."""
    _, _, section = (config.__doc__ or "").partition("Attributes:")
    found: dict[str, str] = {}
    names: list[str] = []
    for line in section.splitlines():
        if entry := re.match(r"\s{8}(\w+(?:, \w+)*): (.*)", line):
            names = entry[1].split(", ")
            found |= dict.fromkeys(names, entry[2])
        elif line.strip():
            for name in names:
                found[name] += " " + line.strip()
    return {name: text.replace("``", "") for name, text in found.items()}

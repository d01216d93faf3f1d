"""Write docs/cli.md from the help texts of the commands; with --check, only say whether it is up to date."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import click

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
WIDTH = 88
HEAD = "# Commands\n\nWritten by `make docs` from the help texts; edit those instead.\n"


def walk(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[tuple[str, str]]:
    """Yield ("videopose3d infer", its help) for a command and all below it, in the order of the help."""
    # A fixed width: the file must not depend on the terminal it was written from.
    settings = {**command.context_settings, "terminal_width": WIDTH, "color": False}
    context = click.Context(command, info_name=name, parent=parent, **settings)
    yield context.command_path, context.get_help()
    if not isinstance(command, click.Group):
        return
    for child_name in command.list_commands(context):
        child = command.get_command(context, child_name)
        if child is not None and not child.hidden:
            yield from walk(child, child_name, context)


def reference(command: click.Command, name: str = "videopose3d") -> str:
    """Return the whole file as Markdown: one heading and one block of help for each command."""
    sections = [f"## {path}\n\n```text\n{clean(text)}\n```\n" for path, text in walk(command, name)]
    return "\n".join([HEAD, *sections])


def clean(text: str) -> str:
    """Return the help without the spaces Click leaves at line ends."""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the file is stale")
    check = parser.parse_args().check

    from videopose3d.cli import main as commands

    text = reference(commands)
    if REFERENCE.is_file() and REFERENCE.read_text(encoding="utf-8") == text:
        return 0
    if check:
        print(f"{REFERENCE} is stale. Run `make docs`.", file=sys.stderr)
        return 1
    REFERENCE.parent.mkdir(exist_ok=True)
    REFERENCE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

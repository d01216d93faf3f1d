"""Writing files so that a reader never meets half of one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from videopose3d.errors import OutputError


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside ``path`` that is moved into place when the block ends well.

    The temporary name keeps the suffix, so that writers which choose a format by suffix work. When the
    block raises (Ctrl-C included) the temporary file is removed and an older ``path`` stays as it was.

    Raises:
        OutputError: The folder is missing and cannot be made, or is not writable, or ``path`` is a folder.
    """
    final = Path(path)
    if os.path.isdir(final):
        raise OutputError("this is a folder", where=final, fix="Give the name of a file in it.")
    partial = final.with_name(f".{final.stem[:40]}.{secrets.token_hex(4)}.partial{final.suffix}")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        partial.touch()
    except OSError as error:
        raise OutputError(
            f"cannot write here ({error.strerror})", where=final, fix="Choose another place for it."
        ) from error
    try:
        yield partial
        os.replace(partial, final)
    finally:
        partial.unlink(missing_ok=True)


def check_folder(path: str | os.PathLike[str]) -> None:
    """Make a folder if need be, and find out now whether files can be written in it.

    Raises:
        OutputError: It cannot be made or written in.
    """
    probe = Path(path) / f".{secrets.token_hex(4)}.partial"
    try:
        probe.parent.mkdir(parents=True, exist_ok=True)
        probe.touch()
    except OSError as error:
        raise OutputError(
            f"cannot write in this folder ({error.strerror})", where=path, fix="Choose another one."
        ) from error
    probe.unlink(missing_ok=True)


def check_overwrite(path: str | os.PathLike[str], overwrite: bool) -> None:
    """Refuse to replace a file unless asked to.

    Raises:
        OutputError: The file is there and ``overwrite`` is False.
    """
    if Path(path).exists() and not overwrite:
        raise OutputError("the file exists already", where=path, fix="Give --overwrite to replace it, or another name.")

"""The life of an ffmpeg process: found, started, listened to, and always ended."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from videopose3d.errors import MissingDependencyError, VideoError

QUIET = ("-hide_banner", "-nostdin", "-nostats", "-loglevel", "error")
"""Global options of a process whose stderr should hold nothing but complaints."""

_TAIL = 4000  # bytes of stderr kept with an error
_PIPE_SIZE = 1 << 20  # bytes; what Linux grants an ordinary user


def ffmpeg_path() -> str:
    """The ffmpeg binary: the one on PATH, else the one that imageio-ffmpeg brings.

    Raises:
        MissingDependencyError: There is neither.
    """
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise MissingDependencyError(
            "ffmpeg was not found", fix="Install ffmpeg, or run: pip install imageio-ffmpeg"
        ) from error


def input_url(source: str | Path) -> str:
    """``source`` as ffmpeg must be told it: a file here never reads as an option, protocol or pattern."""
    return f"file:{source}" if os.path.exists(source) else str(source)


@dataclass(frozen=True)
class Running:
    """A running ffmpeg: its process, its command and where it complains."""

    process: subprocess.Popen[bytes]
    log: IO[bytes]

    @property
    def stdin(self) -> IO[bytes]:
        """The pipe it reads from."""
        assert self.process.stdin is not None
        return self.process.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """The pipe it writes to."""
        assert self.process.stdout is not None
        return self.process.stdout

    def complaints(self) -> str:
        """The end of what it wrote to stderr."""
        self.log.seek(0, 2)
        self.log.seek(max(0, self.log.tell() - _TAIL))
        return self.log.read().decode("utf-8", "replace").strip()


@contextmanager
def running(
    command: Sequence[str], *, stdin: int = subprocess.DEVNULL, stdout: int = subprocess.DEVNULL
) -> Iterator[Running]:
    """A started ffmpeg that is gone when the block ends, however it ends.

    Its stderr goes to a temporary file, so that it can never block on a full pipe.
    """
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=log, bufsize=0)
        try:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    _widen(pipe)
            yield Running(process, log)
        finally:
            process.kill()  # does nothing once it has ended
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
            process.wait()


def run(command: Sequence[str], data: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run a short ffmpeg to its end; the caller looks at the return code."""
    if data is None:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return subprocess.run(command, input=data, capture_output=True, check=False)


def failure(what: str, *, where: object, fix: str, details: str) -> VideoError:
    """A one-line ``VideoError`` that carries the end of ffmpeg's stderr as a note."""
    error = VideoError(what, where=where, fix=fix)
    vars(error)["__notes__"] = [f"ffmpeg said:\n{details[-_TAIL:]}"]  # add_note, for Python 3.10 too
    return error


def last_line(complaints: str) -> str:
    """The last thing ffmpeg said, without its ``[component @ 0x...]`` prefix."""
    lines = [line for line in complaints.splitlines() if line.strip()]
    return lines[-1].rpartition("] ")[2].strip() if lines else "no reason given"


def _widen(pipe: IO[bytes]) -> None:
    """Give the pipe room for a whole picture (Linux): ffmpeg runs ahead while Python works."""
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)

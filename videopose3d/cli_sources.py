"""Which videos a command line means, and where their results go."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from videopose3d.errors import InputError

RESULT_SUFFIX = "_3d.mp4"
"""What is put after a source's name to name the video of its result."""

LONGEST_STEM = 60
"""What is kept of the name in a URL, which may be longer than a file's may be."""

VIDEO_SUFFIXES = (
    *(".3gp", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"),
    *(".mts", ".ogv", ".ts", ".vob", ".webm", ".wmv"),
)


def expand_sources(sources: Sequence[str]) -> list[str]:
    """Files and URLs as they are, the videos of folders, the matches of globs; sorted within each, each once.

    In folders and globs, ``NAME_3d.mp4`` beside a video ``NAME.*`` is a result of ours and left out.

    Raises:
        InputError: A folder without videos, or a pattern without matches.
    """
    found: list[str] = []
    for source in sources:
        found += _expand(source)
    return list(dict.fromkeys(found))


def _expand(source: str) -> list[str]:
    if is_url(source) or os.path.isfile(source):
        return [source]
    if os.path.isdir(source):
        inside = sorted(p for p in Path(source).iterdir() if p.suffix.lower() in VIDEO_SUFFIXES and p.is_file())
        if not inside:
            raise InputError("no videos in this folder", where=source, fix="Name the files themselves.")
        return _without_results([os.fspath(p) for p in inside])
    if glob.has_magic(source):
        matches = sorted(p for p in glob.glob(source, recursive=True) if os.path.isfile(p))
        if not matches:
            raise InputError("no file matches this pattern", where=source, fix="Check the folder and the spelling.")
        return _without_results(matches)
    return [source]  # opening it says best what is wrong


def _without_results(videos: list[str]) -> list[str]:
    stems = {os.path.splitext(video)[0] for video in videos}
    return [video for video in videos if _source_stem(video) not in stems]


def _source_stem(video: str) -> str | None:
    """``folder/NAME`` of ``folder/NAME_3d.mp4`` and ``folder/NAME_2_3d.mp4``; None for other names."""
    result = re.fullmatch(rf"(.+?)(_\d+)?{re.escape(RESULT_SUFFIX)}", video)
    return result[1] if result else None


def is_url(source: str) -> bool:
    """Whether a source is to be fetched by ffmpeg from elsewhere."""
    return "://" in source


def stem_of(source: str) -> str:
    """Name for the results of a source, without folder and suffix."""
    if not is_url(source):
        return Path(source).stem or "video"
    return Path(unquote(urlsplit(source).path)).stem[:LONGEST_STEM] or "video"


def default_outputs(sources: Sequence[str], folder: Path, suffix: str = RESULT_SUFFIX) -> list[Path]:
    """``<folder>/<name><suffix>`` for every source; equal names get a number added."""
    taken: set[str] = set()
    outputs = []
    for source in sources:
        stem, number = stem_of(source), 1
        while stem.casefold() in taken:
            number += 1
            stem = f"{stem_of(source)}_{number}"
        taken.add(stem.casefold())
        outputs.append(folder / f"{stem}{suffix}")
    return outputs

"""What a video is. ffmpeg alone is asked, since its pip-installable builds bring no ffprobe.

Two short runs: one decodes the first picture, whose header tells everything but the timing and whose
output tells the true upright size; one copies the packets (without decoding) and lists their time stamps.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from videopose3d.errors import InputError
from videopose3d.types import VideoInfo
from videopose3d.video import rates
from videopose3d.video.headers import VIDEO_STREAM, Header, read_header
from videopose3d.video.process import QUIET, ffmpeg_path, input_url, run

# Packets whose time stamps are read: about 1 GB/s, a 20 minute clip takes a third of a second. The rest
# of a longer clip, and of a clip that comes over the network, is believed to go on like its beginning.
_SCAN_PACKETS, _SCAN_PACKETS_REMOTE, _SCAN_BYTES = 40_000, 500, 4 << 30
_REORDERED = 16  # pictures that follow their packet late, in H.264 and H.265: holes where a listing is cut
_OTHER_SHAPE = 0.03  # logarithm of the ratio of the widths at one height
_DAMAGED = re.compile(r"partial file|ended prematurely|truncated|End of file", re.IGNORECASE)


@dataclass(frozen=True)
class Packets:
    """When the pictures of a file are shown.

    Attributes:
        first: Time stamp of the first picture after ``Header.start`` [s].
        stamps: (T,) sorted times since the first picture [s].
        end: When the last picture ends, after the first began [s].
        count: Pictures; more than T where the last stamps are not to be trusted.
        tick: Resolution of the time stamps [s].
        whole: The file was read to its end.
        damaged: The file ends before it should.
    """

    first: float
    stamps: NDArray[np.float64]
    end: float
    count: int
    tick: float
    whole: bool
    damaged: bool


def probe(source: str | os.PathLike[str]) -> VideoInfo:
    """What the video ``source`` is: any file or URL that ffmpeg opens.

    Raises:
        VideoError: The source is missing, empty, no video, or not decodable.
        MissingDependencyError: There is no ffmpeg.
    """
    name = os.fspath(source)
    header = read_header(name)
    packets = _read_packets(name, _scan_limit(name))
    rate, variable = _rate(header, packets)
    count = _frame_count(header, packets, rate, variable)
    start = header.start + (packets.first if packets else 0.0)
    assert header.size is not None  # read_header has seen a picture
    return VideoInfo(
        source=name,
        width=header.size[0],
        height=header.size[1],
        fps=rate,
        frame_count=count,
        duration=float(count / rate) if count else header.duration,
        start=round(start, 6),
        rotation=header.rotation,
        sample_aspect_ratio=header.sample_aspect_ratio,
        variable_frame_rate=variable,
        has_audio=header.audio is not None,
        codec=header.codec,
        pixel_format=header.pixel_format,
        focal_35mm=header.focal_35mm,
    )


def probe_matching(source: str | os.PathLike[str], size: tuple[int, int]) -> VideoInfo:
    """What the video is that a result of pictures of ``size`` (width, height) [px] was made from; it may be scaled.

    Raises:
        InputError: Its pictures are of another shape.
        VideoError, MissingDependencyError: As `probe`.
    """
    info = probe(source)
    if abs(math.log(info.width / info.height * size[1] / size[0])) > _OTHER_SHAPE:
        raise InputError(
            f"it is {info.width}x{info.height}, the result was made from {size[0]}x{size[1]}",
            where=info.source,
            fix="Give the video that the result was made from.",
        )
    return info


def first_frame_delay(source: str) -> float:
    """How long after ``Header.start`` the first picture is shown [s]; 0 where there are no time stamps."""
    packets = _read_packets(source, 64)  # more than any encoder reorders
    return packets.first if packets else 0.0


def _scan_limit(source: str) -> int:
    """How many packets are worth reading before the real work begins."""
    path = Path(source)
    return _SCAN_PACKETS if path.is_file() and path.stat().st_size <= _SCAN_BYTES else _SCAN_PACKETS_REMOTE


def _read_packets(source: str, limit: int) -> Packets | None:
    """The time stamps of the first video packets, without decoding; None where they carry none."""
    options: dict[str, Any] = {"format": "framecrc", "c": "copy", "frames:v": limit}
    listing = ffmpeg.output(ffmpeg.input(input_url(source))[VIDEO_STREAM], "pipe:1", **options)
    done = run(listing.global_args(*QUIET).compile(cmd=ffmpeg_path()))
    damaged = _DAMAGED.search(done.stderr.decode("utf-8", "replace")) is not None
    return parse_packets(done.stdout.decode("ascii", "replace"), limit, damaged)


def parse_packets(listing: str, limit: int, damaged: bool) -> Packets | None:
    """The packets that ffmpeg's ``framecrc`` writer lists: stream, dts, pts, duration, size, crc, flags."""
    base = re.search(r"^#tb 0: (\d+)/(\d+)", listing, re.MULTILINE)
    rows = [line.split(",") for line in listing.splitlines() if line.startswith("0,")]
    timed = [(int(row[2]), int(row[3])) for row in rows if int(row[2]) > -(1 << 62) and not _discarded(row)]
    if base is None or not timed:
        return None
    tick = int(base[1]) / int(base[2])
    shown = sorted(timed)
    first = shown[0][0] * tick
    end = (shown[-1][0] + shown[-1][1]) * tick - first
    whole = len(rows) < limit
    if (damaged or not whole) and len(shown) > 2 * _REORDERED:
        shown = shown[:-_REORDERED]
    stamps = np.array([pts * tick - first for pts, _ in shown])
    return Packets(first, stamps, end, len(timed), tick, whole, damaged)


def _discarded(row: list[str]) -> bool:
    """An edit list hides this packet's picture (flag 4)."""
    return any(int(field.strip()[2:], 16) & 4 for field in row[6:] if field.strip().startswith("F="))


def _rate(header: Header, packets: Packets | None) -> tuple[Fraction, bool]:
    """The rate to read frames at [1/s], and whether the frames are unevenly spaced."""
    said = header.said() or [25.0]  # ffmpeg's own guess for pictures without any timing
    if packets is None or len(packets.stamps) < 2:
        return rates.exact_rate(said[0]), False
    rate = rates.constant_rate(packets.stamps, packets.tick, said)
    if rate is None:
        return rates.nominal_rate(packets.stamps, said), True
    drifts_later = not packets.whole and abs(said[0] - float(rate)) > 0.01 * float(rate)
    return rate, drifts_later


def _frame_count(header: Header, packets: Packets | None, rate: Fraction, variable: bool) -> int | None:
    """Frames to expect; what the header promises where the file ends before that."""
    length = header.duration
    if length is not None and packets is not None:
        length -= packets.first
    promised = round(length * float(rate)) if length is not None else None
    if packets is None or not packets.whole:
        return promised
    count = max(1, round(packets.end * float(rate))) if variable else packets.count
    if promised is None or not (packets.damaged or header.audio is None):
        return count  # the header's duration may be that of a longer sound track
    return promised if promised > 1.02 * count + 1 else count

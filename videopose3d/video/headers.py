"""What ffmpeg says about a file while it opens it and decodes the first picture."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import ffmpeg

from videopose3d.errors import VideoError
from videopose3d.video.process import failure, ffmpeg_path, input_url, last_line, run

VIDEO_STREAM = "V:0"
"""The first video stream that is not a cover picture."""

UNDECODABLE = "Check that it plays elsewhere, or convert it to MP4."
_STREAM = re.compile(r"^ +Stream #0:\d+(?:\[\w+\])?(?:\(.*?\))?: (\w+): (.*)$")
# As phones write it: com.apple.quicktime.camera.focal_length.35mm_equivalent, or EXIF's FocalLengthIn35mmFilm.
_FOCAL_35MM = re.compile(
    r"^ +[\w.-]*(?:focal_length\.35mm_equivalent|FocalLengthIn35mm\w*) *: *(\d+(?:\.\d+)?) *(?:mm)? *$",
    re.MULTILINE | re.IGNORECASE,
)
# Never lose a pixel: wide pixels widen the picture, tall ones heighten it.
_SQUARE = ("if(gt(sar,1),round(iw*sar),iw)", "if(lt(sar,1),round(ih/sar),ih)")


@dataclass(frozen=True)
class Header:
    """What ffmpeg says about a file before and while decoding its first picture.

    Attributes:
        kind: The container, as ffmpeg names its reader.
        start: Smallest time stamp of all streams [s].
        duration: Longest stream [s]; None where not said.
        video: The description of the video stream; None without one.
        audio: Codec of the first sound track; None without one.
        rotation: Clockwise turn of the display matrix [degrees].
        size: (width, height) of the upright, square-pixel picture [px]; None where none was decoded.
        focal_35mm: Focal length of the lens, as for 35 mm film [mm]; None where not said.
    """

    kind: str
    start: float
    duration: float | None
    video: str | None
    audio: str | None
    rotation: int
    size: tuple[int, int] | None
    focal_35mm: float | None = None

    @property
    def codec(self) -> str:
        """The codec of the pictures."""
        return re.split(r"[ ,]", self.video or "")[0]

    @property
    def pixel_format(self) -> str:
        """How the pictures are stored."""
        parts = re.split(r", (?![^(\[]*[)\]])", self.video or "")  # at commas outside brackets
        return parts[1].partition("(")[0] if len(parts) > 1 else ""

    @property
    def sample_aspect_ratio(self) -> Fraction:
        """Width / height of a stored pixel."""
        said = re.findall(r"SAR (\d+):([1-9]\d*)", self.video or "")  # the container's word comes last
        return Fraction(int(said[-1][0]), int(said[-1][1])) if said else Fraction(1)

    def said(self) -> list[float]:
        """The mean and the nominal frame rate the header states [1/s]."""
        found = (re.search(rf"([\d.]+)(k?) {unit}", self.video or "") for unit in ("fps", "tbr"))
        return [float(m[1]) * (1000 if m[2] else 1) for m in found if m and float(m[1]) > 0]


def read_header(source: str) -> Header:
    """What ffmpeg says about ``source`` while decoding its first picture.

    Raises:
        VideoError: There is no picture to decode.
    """
    _check_file(source)
    chosen = ffmpeg.input(input_url(source))[VIDEO_STREAM].filter("scale", *_SQUARE)
    output = ffmpeg.output(chosen, "-", format="null", vframes=1)
    command = output.global_args("-hide_banner", "-nostdin").compile(cmd=ffmpeg_path())
    said = run(command).stderr.decode("utf-8", "replace")
    header = parse_header(said)
    if header is None:
        raise _cannot_open(source, said)
    if header.kind == "tty":  # ffmpeg draws any .txt as a film of a terminal
        what = "this is a text file, not a video"
        raise failure(what, where=source, fix="Give a video file.", details=said)
    if header.video is None:
        what = "has no video stream" + (", only sound" if header.audio else "")
        raise failure(what, where=source, fix="Give a file with pictures.", details=said)
    if header.size is None:
        what = f"no picture could be decoded ({last_line(said)})"
        raise failure(what, where=source, fix=UNDECODABLE, details=said)
    return header


def parse_header(said: str) -> Header | None:
    """What ffmpeg's stderr tells about its first input; None where it could not open it."""
    opened = re.search(r"^Input #0, (.*?), from ", said, re.MULTILINE)
    if opened is None:
        return None
    told = said[opened.start() :]
    described, _, written = told.partition("\nOutput #0")
    seconds = re.search(r"^  Duration: (\d+):(\d+):([\d.]+)", described, re.MULTILINE)
    start = re.search(r"^  Duration: .*?, start: (-?[\d.]+)", described, re.MULTILINE)
    size = re.search(r"Video: .*?, (\d+)x(\d+)(?=[ ,]|$)", written, re.MULTILINE)
    focal = _FOCAL_35MM.search(described)
    header = Header(
        kind=opened[1],
        start=float(start[1]) if start else 0.0,
        duration=int(seconds[1]) * 3600 + int(seconds[2]) * 60 + float(seconds[3]) if seconds else None,
        video=None,
        audio=None,
        rotation=0,
        size=(int(size[1]), int(size[2])) if size else None,
        focal_35mm=float(focal[1]) if focal else None,
    )
    return _with_streams(header, described)


def _with_streams(header: Header, described: str) -> Header:
    """``header`` with its first video and audio stream, as described line by line."""
    current = False
    for line in described.splitlines():
        stream = _STREAM.match(line)
        if stream:
            current = stream[1] == "Video" and header.video is None and "(attached pic)" not in line
            if current:
                header = replace(header, video=stream[2])
            elif stream[1] == "Audio" and header.audio is None:
                header = replace(header, audio=re.split(r"[ ,]", stream[2])[0])
        turned = re.search(r"rotation of (-?[\d.]+) degrees", line)
        if turned and current:  # ffmpeg counts counter-clockwise
            header = replace(header, rotation=-90 * round(float(turned[1]) / 90) % 360)
    return header


def _check_file(source: str) -> None:
    """Refuse what ffmpeg has no good words for.

    Raises:
        VideoError: A folder or an empty file.
    """
    path = Path(source)
    if path.is_dir():
        raise VideoError("this is a folder, not a video", where=source, fix="Give a video file in it.")
    if path.is_file() and path.stat().st_size == 0:
        raise VideoError("the file is empty (0 bytes)", where=source, fix="Copy or record it again.")


def _cannot_open(source: str, said: str) -> VideoError:
    """Why ffmpeg could not open ``source``, in words."""
    reason = last_line(said).rpartition(": ")[2]
    if "No such file" in reason:
        what, fix = "there is no such file", "Check the path."
    elif "Permission denied" in reason:
        what, fix = "no permission to read it", "Change its permissions, or copy it elsewhere."
    elif "low score" not in said and "moov atom not found" in said:
        what, fix = "the file is cut off: its index is missing", "Copy or record it again."
    elif "Invalid data" in reason:
        what, fix = "this is not a video that ffmpeg can read", "Check that it plays elsewhere."
    else:
        what, fix = f"cannot be opened ({reason})", "Check the address and that it plays elsewhere."
    return failure(what, where=source, fix=fix, details=said)

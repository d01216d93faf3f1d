"""Pictures in, a finished MP4, WebM or GIF out; or nothing at all."""

from __future__ import annotations

import functools
import logging
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np

from videopose3d.errors import OutputError, VideoError
from videopose3d.files import replacing
from videopose3d.types import Frame
from videopose3d.video.headers import read_header
from videopose3d.video.probing import first_frame_delay
from videopose3d.video.process import QUIET, Running, failure, ffmpeg_path, input_url, last_line, run, running
from videopose3d.video.rates import exact_rate

logger = logging.getLogger(__name__)

_H264 = ("libx264", "h264_videotoolbox", "h264_nvenc", "libopenh264", "mpeg4")  # mpeg4: old, but always there
_GIF_MAX_FPS = 50  # viewers show shorter delays than 20 ms at 10 frames per second
_LARGEST_TERM = 65535  # of a frame rate, in MPEG-4


@dataclass(frozen=True)
class Container:
    """What goes into a kind of file.

    Attributes:
        encoders: Of the pictures, best first.
        copied: Sound codecs that are carried as they are.
        sound: Encoder for other sound.
        options: Of ffmpeg's writer.
    """

    encoders: tuple[str, ...]
    copied: frozenset[str] = frozenset()
    sound: str = "aac"
    options: dict[str, str] = field(default_factory=dict)


_MP4 = Container(_H264, frozenset({"aac", "mp3", "ac3", "alac"}), options={"movflags": "+faststart"})
_CONTAINERS = {
    ".mp4": _MP4,
    ".mov": _MP4,
    ".mkv": Container(_H264, frozenset({"aac", "mp3", "ac3", "alac", "flac", "opus", "vorbis"})),
    ".webm": Container(("libvpx-vp9",), frozenset({"opus", "vorbis"}), "libopus"),
    ".gif": Container(("gif",)),
}
SUFFIXES = tuple(_CONTAINERS)
"""File names that ``open_writer`` takes."""


@dataclass
class FrameWriter:
    """Takes pictures for a file that is being written; ``open_writer`` makes it.

    Attributes:
        path: The file that is there in the end.
        size: (width, height) of the pictures [px].
        encoder: ffmpeg's name of the encoder in use.
        frames: Pictures taken so far.
    """

    path: Path
    size: tuple[int, int]
    encoder: str
    _ffmpeg: Running
    frames: int = 0

    def write(self, frame: Frame) -> None:
        """Add one (H, W, 3) RGB picture.

        Raises:
            OutputError: The picture has another size or type than the file.
            VideoError: ffmpeg gave up (disk full, encoder failure).
        """
        expected = (self.size[1], self.size[0], 3)
        if frame.shape != expected or frame.dtype != np.uint8:
            got = f"{frame.shape} {frame.dtype}"
            what = f"expected a frame {expected} uint8, got {got}"
            raise OutputError(what, where=self.path, fix="Write frames of the size given to open_writer.")
        rest = np.ascontiguousarray(frame).data.cast("B")
        try:
            while len(rest):
                rest = rest[self._ffmpeg.stdin.write(rest) :]
        except OSError as error:  # BrokenPipeError; EINVAL on Windows
            self._ffmpeg.process.wait()
            raise self._failure() from error
        self.frames += 1

    def _finish(self) -> None:
        """Let ffmpeg write the last bytes."""
        if self.frames == 0:
            raise OutputError("no frame was written", where=self.path, fix="Write at least one.")
        with suppress(OSError):
            self._ffmpeg.stdin.close()
        if self._ffmpeg.process.wait() != 0:
            raise self._failure()

    def _failure(self) -> VideoError:
        return _encoding_failure(self.path, self._ffmpeg.complaints())


@contextmanager
def open_writer(
    path: str | os.PathLike[str],
    size: tuple[int, int],
    fps: Fraction | float,
    *,
    audio_from: str | os.PathLike[str] | None = None,
    audio_start: float = 0.0,
    crf: int = 20,
    bitrate: int | None = None,
    encoder: str | None = None,
) -> Iterator[FrameWriter]:
    """A writer of RGB pictures; ``path`` appears, whole, when the block ends well, and not otherwise.

    Args:
        path: .mp4, .mov, .mkv (H.264), .webm (VP9) or .gif.
        size: (width, height) of the pictures [px]; an odd side gets a black line in all but GIF.
        fps: Frame rate [1/s], kept exactly.
        audio_from: A video whose sound is carried; never an obstacle: without usable sound it is left out.
        audio_start: Where in that video the written frames begin [s after its first frame].
        crf: Constant quality, 0 (best) to 51, in the steps of x264.
        bitrate: On average [bit/s], instead of a constant quality; nothing to a GIF.
        encoder: ffmpeg's name of the one to use; the first that works when left out.

    Raises:
        OutputError: Unknown suffix, folder not writable, GIF too fast, no frame written.
        VideoError: No encoder works, or encoding failed.
        MissingDependencyError: There is no ffmpeg.
    """
    final = Path(path)
    rate = exact_rate(fps) if isinstance(fps, float) else Fraction(fps).limit_denominator(1001)
    container = _container(final, rate)
    gif = final.suffix.lower() == ".gif"
    name = "ffv1" if gif else choose_encoder(container.encoders if encoder is None else (encoder,), size)
    picture_options = _picture_options(name, size, rate, crf, bitrate)
    with (
        replacing(final) as partial,
        tempfile.TemporaryDirectory(dir=final.parent, prefix=".film-") as folder,
    ):
        pictures = Path(folder) / ("pictures.nut" if gif else f"pictures{final.suffix}")
        command = _encode("pipe:0", pictures, size, rate, {**picture_options, **container.options})
        with running(command, stdin=subprocess.PIPE) as process:
            writer = FrameWriter(final, size, "gif" if gif else name, process)
            logger.info("%s: encoding with %s", final, writer.encoder)
            yield writer
            writer._finish()
        length = writer.frames / rate
        if gif:
            _quantize(pictures, partial, final)
        elif audio_from is None or not _carry_sound(
            pictures, os.fspath(audio_from), partial, container, audio_start, length
        ):
            os.replace(pictures, partial)


def choose_encoder(names: tuple[str, ...], size: tuple[int, int]) -> str:
    """The first of ``names`` that encodes a picture of ``size`` (width, height) on this machine.

    Raises:
        VideoError: None of them does.
    """
    binary = ffmpeg_path()
    complaints = ""
    for name in names:
        works, said = _try_encoder(binary, name, size)
        if works:
            return name
        complaints += f"{name}: {said}\n"
        logger.info("encoder %s does not work here: %s", name, last_line(said))
    raise failure(
        f"ffmpeg cannot encode {size[0]}x{size[1]} pictures with {' or '.join(names)}",
        where=binary,
        fix="Leave the encoder to be chosen, or install a fuller ffmpeg.",
        details=complaints,
    )


@functools.lru_cache(maxsize=32)
def _try_encoder(binary: str, name: str, size: tuple[int, int]) -> tuple[bool, str]:
    """Encode one black picture; being listed by ``ffmpeg -encoders`` proves nothing (drivers, licences)."""
    options = _picture_options(name, size, Fraction(25), 20)
    command = _encode("pipe:0", None, size, Fraction(25), options)
    done = run([binary, *command[1:]], bytes(3 * size[0] * size[1]))
    return done.returncode == 0, done.stderr.decode("utf-8", "replace")


def _container(path: Path, rate: Fraction) -> Container:
    """What goes into ``path``.

    Raises:
        OutputError: The suffix is unknown, or the rate is nothing for a GIF.
    """
    container = _CONTAINERS.get(path.suffix.lower())
    if container is None:
        raise OutputError(
            f"cannot write a video as '{path.suffix}'", where=path, fix=f"Use one of {' '.join(SUFFIXES)}."
        )
    if path.suffix.lower() == ".gif" and rate > _GIF_MAX_FPS:
        what = f"a GIF cannot show {float(rate):g} frames per second"
        raise OutputError(what, where=path, fix=f"Write at most {_GIF_MAX_FPS}.")
    if rate <= 0 or max(rate.numerator, rate.denominator) > _LARGEST_TERM:
        raise OutputError(f"cannot write {rate} frames per second", where=path, fix="Use a common rate.")
    return container


def _picture_options(
    encoder: str, size: tuple[int, int], rate: Fraction, crf: int, bitrate: int | None = None
) -> dict[str, Any]:
    """Options for ffmpeg's ``encoder`` that give ``bitrate`` [bit/s], or about the quality ``crf`` means to x264."""
    if encoder == "ffv1":
        return {"c:v": encoder, "pix_fmt": "bgr0", "g": 1}
    bits = round(0.1 * size[0] * size[1] * float(rate) * 2 ** ((23 - crf) / 6))  # for those without a quality
    qualities: dict[str, dict[str, Any]] = {
        "libx264": {"crf": crf, "preset": "superfast"},
        "h264_nvenc": {"rc": "vbr", "cq": crf + 3, "b:v": 0},
        "mpeg4": {"q:v": max(2, round(crf / 6))},
        "libvpx-vp9": {"crf": min(63, crf + 10), "b:v": 0, "deadline": "realtime", "cpu-used": 6, "row-mt": 1},
    }
    quality = qualities.get(encoder, {"b:v": max(bits, 100_000)})
    if bitrate is not None:
        speed = ("preset", "deadline", "cpu-used", "row-mt")
        quality = {name: value for name, value in quality.items() if name in speed} | {"b:v": bitrate}
    colours = {"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709", "color_range": "tv"}
    return {"c:v": encoder, "pix_fmt": "yuv420p", **quality, **colours}


def _encode(
    source: str, target: Path | None, size: tuple[int, int], rate: Fraction, options: dict[str, Any]
) -> list[str]:
    """The command that encodes raw RGB from ``source`` into ``target`` (None: into nothing)."""
    picture, rate_text = f"{size[0]}x{size[1]}", f"{rate.numerator}/{rate.denominator}"
    stream = ffmpeg.input(source, format="rawvideo", pix_fmt="rgb24", s=picture, r=rate_text)
    if options["pix_fmt"] == "yuv420p":  # players take untagged colours for BT.709 or BT.601 as they please
        if size[0] % 2 or size[1] % 2:
            stream = stream.filter("pad", "ceil(iw/2)*2", "ceil(ih/2)*2")
        stream = stream.filter("scale", out_color_matrix="bt709", out_range="tv", flags="bilinear")
        stream = stream.filter("format", "yuv420p")
    if target is None:
        return _compiled(ffmpeg.output(stream, "-", format="null", **options))
    output = ffmpeg.output(stream, f"file:{target}", **options)
    return _compiled(output)


def _quantize(pictures: Path, target: Path, final: Path) -> None:
    """Turn lossless ``pictures`` into a GIF with the best 256 colours for the whole clip.

    Two runs over a file rather than one with ``split``, which would hold every picture in memory.

    Raises:
        VideoError: ffmpeg failed.
    """
    palette = pictures.with_name("palette.png")
    film = ffmpeg.input(f"file:{pictures}")
    colours = ffmpeg.output(film.filter("palettegen"), f"file:{palette}", update=1, vframes=1)
    inputs = [film, ffmpeg.input(f"file:{palette}")]
    mapped = ffmpeg.filter(inputs, "paletteuse", dither="bayer", bayer_scale=3)
    for output in (colours, ffmpeg.output(mapped, f"file:{target}", format="gif")):
        done = run(_compiled(output))
        if done.returncode != 0:
            raise _encoding_failure(final, done.stderr.decode("utf-8", "replace"))


def _carry_sound(
    pictures: Path, source: str, target: Path, container: Container, start: float, length: Fraction
) -> bool:
    """Put ``pictures`` and the sound of ``source`` together; False, after a warning, where it cannot be.

    The written frames begin ``start`` [s] after the first frame of ``source`` and last ``length`` [s].
    """
    try:
        header = read_header(source)
        skip = start + first_frame_delay(source)
    except VideoError as error:
        logger.warning("the sound is left out: %s", error)
        return False
    if header.audio is None:
        return False
    said = ""
    for codec in ("copy", container.sound) if header.audio in container.copied else (container.sound,):
        sound = ffmpeg.input(input_url(source), **({"ss": f"{skip:.6f}"} if skip > 0.001 else {}))["a:0"]
        film = ffmpeg.input(f"file:{pictures}")["v:0"]
        limits = {"c:v": "copy", "c:a": codec, "t": f"{float(length):.6f}", **container.options}
        done = run(_compiled(ffmpeg.output(film, sound, f"file:{target}", **limits)))
        if done.returncode == 0:
            return True
        said = done.stderr.decode("utf-8", "replace")
    logger.warning("the sound of %s (%s) is left out: %s", source, header.audio, last_line(said))
    return False


def _encoding_failure(path: Path, said: str) -> VideoError:
    what = f"ffmpeg could not write it ({last_line(said)})"
    return failure(what, where=path, fix="Check the free disk space, or choose another format.", details=said)


def _compiled(output: Any) -> list[str]:
    command: list[str] = output.global_args(*QUIET, "-y").compile(cmd=ffmpeg_path())
    return command

"""Video in, video out: the only place that knows ffmpeg.

``probe`` says what a video is, ``read_frames`` yields its upright RGB pictures one at a time,
``open_writer`` takes pictures and makes an MP4, WebM or GIF of them, ``open_pictures`` one PNG or JPEG or many. See
docs/video.md.
"""

from videopose3d.video.pictures import PictureWriter, check_pictures, kind_of, open_pictures
from videopose3d.video.probing import probe, probe_matching
from videopose3d.video.process import ffmpeg_path
from videopose3d.video.reading import fitted_size, read_frames
from videopose3d.video.writing import SUFFIXES, FrameWriter, open_writer

__all__ = [
    "SUFFIXES",
    "FrameWriter",
    "PictureWriter",
    "check_pictures",
    "ffmpeg_path",
    "fitted_size",
    "kind_of",
    "open_pictures",
    "open_writer",
    "probe",
    "probe_matching",
    "read_frames",
]

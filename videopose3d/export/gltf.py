"""The container of glTF 2.0: arrays in one binary block, described by JSON, both in one GLB file.

Format: Khronos Group, "glTF 2.0 Specification" (2021), sections 3.6 (binary data) and 4 (GLB).
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videopose3d.files import replacing

Json = dict[str, Any]

ATTRIBUTE, INDEX = 34962, 34963
"""What a piece of the binary block is for on the graphics card: vertices, triangles."""
_COMPONENTS = {"uint8": 5121, "uint32": 5125, "float32": 5126}
_TYPES = {(): "SCALAR", (3,): "VEC3", (4,): "VEC4", (16,): "MAT4"}
_MAGIC, _VERSION, _JSON, _BINARY = 0x46546C67, 2, 0x4E4F534A, 0x004E4942


@dataclass
class Gltf:
    """A glTF document while it is put together.

    Attributes:
        document: The JSON; lists such as ``nodes`` grow by `add`.
        chunks: The arrays behind its accessors, as bytes, each a multiple of four long.
    """

    document: Json
    chunks: list[bytes] = field(default_factory=list)

    def add(self, kind: str, item: Json) -> int:
        """Append to a list of the document, e.g. ``nodes``; its index there."""
        items = self.document.setdefault(kind, [])
        items.append(item)
        return len(items) - 1

    def array(
        self,
        values: NDArray[Any],
        *,
        target: int | None = None,
        bounds: bool = False,
        normalized: bool = False,
    ) -> int:
        """Append (N,), (N, 3), (N, 4) or (N, 16) numbers (float32, uint8, uint32); the index of their accessor."""
        contents = np.ascontiguousarray(values).tobytes()
        view: Json = {"buffer": 0, "byteOffset": sum(map(len, self.chunks)), "byteLength": len(contents)}
        if target:
            view["target"] = target
        self.chunks.append(contents + bytes(-len(contents) % 4))
        accessor: Json = {
            "bufferView": self.add("bufferViews", view),
            "componentType": _COMPONENTS[values.dtype.name],
            "count": len(values),
            "type": _TYPES[values.shape[1:]],
        }
        if bounds:
            accessor["min"], accessor["max"] = (np.atleast_1d(edge(values, 0)).tolist() for edge in (np.min, np.max))
        if normalized:
            accessor["normalized"] = True
        return self.add("accessors", accessor)

    def write(self, path: Path) -> None:
        """Write ``path`` as GLB, whole or not at all."""
        size = sum(map(len, self.chunks))
        document = self.document | ({"buffers": [{"byteLength": size}]} if size else {})
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        total = 12 + 8 + len(text) + (8 + size if size else 0)
        with replacing(path) as partial, partial.open("wb") as file:
            file.write(struct.pack("<5I", _MAGIC, _VERSION, total, len(text), _JSON) + text)
            if size:
                file.write(struct.pack("<2I", size, _BINARY))
                file.writelines(self.chunks)

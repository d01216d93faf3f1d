"""Video in, 3D human motion out. Importing this package loads neither torch nor matplotlib."""

__version__ = "0.1.0"

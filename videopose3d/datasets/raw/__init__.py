"""Data sets as their makers hand them out: CDF, MATLAB and HDF5 files, archives of them, detections per video."""

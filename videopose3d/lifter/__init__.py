"""2D keypoints in, 3D poses out: the temporal network, its losses, and the trajectory."""

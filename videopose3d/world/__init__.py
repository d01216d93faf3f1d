"""Motion in the world: the ground under people's feet, feet that stay where they stand, motion without jitter."""

"""Training a lifter on a data set, with labels alone or with unlabelled video, too (sections 3 and 4 of the paper)."""

"""Fine-tuning a keypoint network on labelled pictures (section 5.2 of the paper)."""

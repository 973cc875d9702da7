"""`make bench`: speed as ratios, each against something that runs in the same process, interleaved."""

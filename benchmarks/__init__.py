"""CPU per operation and memory per item beside the originals, in one run. See README.md for the method."""

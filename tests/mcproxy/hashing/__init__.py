"""Tests of the hash functions: published vectors, the original programs and libraries, and what they promise."""

"""Tests of the process shell; daemons in subprocesses are small scripts of our own."""

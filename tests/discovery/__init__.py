"""Tests of discovery: pure parts with plain values, the rest against a real DNS server on loopback."""

"""Tests mirror the packages; conformance/, e2e/, cluster/ and support/ stand beside them."""

"""Tests of mcproxy.config."""

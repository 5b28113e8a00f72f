"""Tests of mcproxy.routes."""

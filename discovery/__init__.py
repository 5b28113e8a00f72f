"""Finds the endpoints behind a name and watches them come and go."""

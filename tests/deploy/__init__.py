"""Manifests, images, and the commands a reader runs with them."""

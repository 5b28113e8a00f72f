"""What the proxy says of itself."""

from importlib.metadata import PackageNotFoundError, version

try:
    OUR_VERSION = version("mcfleet")
except PackageNotFoundError:  # run from a checkout that is not installed
    OUR_VERSION = "0.0.0"

VERSION_TEXT = f"mcrouter mcfleet-{OUR_VERSION}"
"""Begins as mcrouter's own does, so that what looks for it finds it."""

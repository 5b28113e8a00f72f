"""Two versions: ours, and that of the memcached whose behaviour this server has."""

from importlib.metadata import PackageNotFoundError, version

MEMCACHED_VERSION = "1.6.42"

try:
    OUR_VERSION = version("mcfleet")
except PackageNotFoundError:  # run from a checkout that is not installed
    OUR_VERSION = "0.0.0"

"""`python -m memcache_server`."""

import os
import sys

from mcdaemon import cli
from memcache_server.settings import USAGE_EXIT, VALUE_EXIT, Settings
from memcache_server.store import hash_seed, memory_file
from memcache_server.versions import MEMCACHED_VERSION, OUR_VERSION

LICENSE_TEXT = """\
Licensed under the Apache License, Version 2.0 (the "License"); you may not use this program except in compliance
with the License, a copy of which is at http://www.apache.org/licenses/LICENSE-2.0. It is distributed on an "AS IS"
BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. It is written anew after the behaviour
of memcached and contains none of its code; uvloop, its event loop, has licenses of its own (MIT, Apache 2.0)."""


def main(argv: list[str] | None = None) -> int:
    """Run until told to stop; the exit status."""
    settings = cli.parse_settings(
        Settings,
        sys.argv[1:] if argv is None else argv,
        os.environ,
        prog="memcache-server",
        env_prefix="MEMCACHE_SERVER",
        description="A memcached server in pure Python.",
        version_text=f"memcached {MEMCACHED_VERSION} (mcfleet {OUR_VERSION})",
        license_text=LICENSE_TEXT,
        usage_exit=USAGE_EXIT,
        value_exit=VALUE_EXIT,
    )
    if settings.memory_file and argv is None:
        hash_seed.keep(memory_file.saved_seed(settings.memory_file))
    from memcache_server.run import run  # only now: what is loaded before the interpreter starts anew is in vain

    return run(settings)


if __name__ == "__main__":
    sys.exit(main())

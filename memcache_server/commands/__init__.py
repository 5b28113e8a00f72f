"""COMMANDS: every command word and the function that answers it. The only dispatch table of the server."""

from mcproto.request_parser import Command
from memcache_server.commands import (
    arithmetic,
    crawler_admin,
    deletion,
    lru_admin,
    meta_arithmetic,
    meta_debug,
    meta_delete,
    meta_get,
    meta_set,
    retrieval,
    server_admin,
    slabs_admin,
    stats_commands,
    storage,
    touch,
    watch,
)

COMMANDS: dict[bytes, Command] = {
    b"get": Command(retrieval.get, long_handler=retrieval.get_long),
    b"gets": Command(retrieval.gets, long_handler=retrieval.gets_long),
    b"gat": Command(touch.gat),
    b"gats": Command(touch.gats),
    b"set": Command(storage.set_, value_token=4),
    b"add": Command(storage.add, value_token=4),
    b"replace": Command(storage.replace, value_token=4),
    b"append": Command(storage.append, value_token=4),
    b"prepend": Command(storage.prepend, value_token=4),
    b"cas": Command(storage.cas, value_token=4),
    b"delete": Command(deletion.delete),
    b"incr": Command(arithmetic.incr),
    b"decr": Command(arithmetic.decr),
    b"touch": Command(touch.touch),
    b"mg": Command(meta_get.meta_get),
    b"ms": Command(meta_set.meta_set, value_token=2),
    b"md": Command(meta_delete.meta_delete),
    b"ma": Command(meta_arithmetic.meta_arithmetic),
    b"me": Command(meta_debug.meta_debug),
    b"mn": Command(meta_get.meta_noop),
    b"flush_all": Command(deletion.flush_all),
    b"stats": Command(stats_commands.stats),
    b"version": Command(server_admin.version),
    b"verbosity": Command(server_admin.verbosity),
    b"cache_memlimit": Command(server_admin.cache_memlimit),
    b"slabs": Command(slabs_admin.slabs),
    b"lru": Command(lru_admin.lru),
    b"lru_crawler": Command(crawler_admin.lru_crawler),
    b"watch": Command(watch.watch),
    b"quit": Command(server_admin.quit_),
    b"shutdown": Command(server_admin.shutdown),
    b"refresh_certs": Command(server_admin.refresh_certs),
}

DEBUG_COMMANDS: dict[bytes, Command] = {
    b"debugtime": Command(server_admin.debugtime),
}
"""Only with -o debug_commands."""

"""COMMANDS: every command word and the function that answers it. The only dispatch table of the server."""

from mcproto.request_parser import Command
from memcache_server.commands import arithmetic, deletion, retrieval, server_admin, stats_commands, storage, touch

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
    b"flush_all": Command(deletion.flush_all),
    b"stats": Command(stats_commands.stats),
    b"version": Command(server_admin.version),
    b"verbosity": Command(server_admin.verbosity),
    b"quit": Command(server_admin.quit_),
}

"""From configuration text to an immutable route tree.

source.py   where the text comes from        jsonc.py    JSON with comments, and lines for messages
builder.py  JSON → ProxyConfig               fields.py   a route's fields, typed
pools.py    server strings → destinations
"""

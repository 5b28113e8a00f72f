"""From configuration text to an immutable route tree.

source.py      where the text is, one reading of it           jsonc.py, yaml_source.py   values that know their line
preprocess.py  macros; builtins.py, special_forms.py          document.py     the whole as one plain object
builder.py     that object to a ProxyConfig; tree.py its routes, pools.py its pools (pool_fields, servers, discovered)
fields.py      a route's fields, typed                        environment.py  what the command line adds
upstreams.py   the tree of --upstream                         file_watch.py   tells when a file has changed
"""

"""A memcached proxy in the manner of mcrouter: pools, consistent hashing, endpoints by DNS.

    __main__ · settings        the process: options, workers, the admin port
    proxy                      one worker: listeners, watchers, the tree in force, drain
    client_connection · session · commands      a client: shell, pure state, PROXY_COMMANDS
    request · multiget · gather · reply_queue   a request on its way, and replies in order (pure)
    outcome · routing_prefix   what a reply means; what of a key is routed (pure)
    service · tick             what clients of one process share; one write a turn
    routes/ · hashing/ · config/                ROUTE_HANDLES, HASH_FUNCTIONS, config text → tree
    upstream/                  one server: connection, FIFO, health, probes
    stats · snapshot · admin · exposition       counters over all workers; `stats`; /metrics
    embedded_cluster           three servers of our own, when no others are named

A get: client_connection → PROXY_COMMANDS → Request → routing.route → PoolRoute → Destination.send → one flush
… ReplyParser → Request.waiter (a route's continuation, or the session) → reply_queue → one write.
"""

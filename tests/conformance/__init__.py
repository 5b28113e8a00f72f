"""Conformance: the same bytes go to the original memcached and to memcache_server, and the replies must agree."""

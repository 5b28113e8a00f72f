"""A memcached proxy in the manner of mcrouter: pools, consistent hashing, endpoints by DNS."""

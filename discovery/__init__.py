"""Finds the endpoints behind a name and watches them come and go.

    endpoint        Endpoint, EndpointSet, diff: identity by stable name (pure)
    service_name    the upstream address forms; names and ordinals from SRV targets (pure)
    resolution      what a lookup ends in: Resolution or Failure (pure)
    refresh_policy  when to ask again; which vanished names keep their place (pure)
    dns_client      A, AAAA and SRV by dnspython: the only module that imports it, and slow to import
    resolver        a target's lookup: DNS, the system's resolver, or nothing to look up
    watcher         resolve → merge → publish, until stopped

Nothing is re-exported here: whoever watches only literal addresses never pays for dnspython.
"""

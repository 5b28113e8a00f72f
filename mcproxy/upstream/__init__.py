"""Connections to servers: strict FIFO, health, probes.

destination.py      one server: send, its counters, being taken out and brought back
destination_map.py  all of them; they outlive route trees
connection.py       one TCP connection (the only asyncio shell here)
inflight.py         the FIFO, with deadlines and abandoned slots (pure)
single_flight.py    identical gets are sent once (pure)
throttle.py         at most so many requests on their way
tko.py              when a server is out (pure)      probe_schedule.py  when to probe it (pure)
"""

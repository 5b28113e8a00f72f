"""Connections to servers: strict FIFO, health, probes."""

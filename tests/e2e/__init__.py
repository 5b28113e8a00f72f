"""The tutorial and what follows from it, with real processes, sockets, DNS and telnet."""

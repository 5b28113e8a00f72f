"""The process shell both daemons need: command line, lifecycle, admin HTTP, metrics, logging."""

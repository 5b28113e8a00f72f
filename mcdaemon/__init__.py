"""The process shell both daemons need; it knows neither of them.

options · option_values · cli  a frozen dataclass of options → command line, environment, --help
lifecycle · lifeline      start, signals, the four stopping steps; end with the parent, even when it is killed
workers · shared_counters several processes on one port, and counters that all of them can read
sockets · errors          listening sockets; StartError
admin_http · metrics      /metrics /healthz /readyz on a port of their own; their libraries load when used
log_setup                 one line an event on stderr, text or JSON; rate-limited lines
"""

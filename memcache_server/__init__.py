"""A memcached server: text protocol, slab store in flat memory.

settings · clock · stats · session · connection · server · commands/ (the table COMMANDS) · store/
"""

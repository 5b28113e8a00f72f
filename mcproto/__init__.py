"""The memcached wire, pure: no asyncio, no socket, no clock, no randomness.

limits · grammar · request_parser · reply_parser · encode · errors
"""

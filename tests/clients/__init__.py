"""Real clients against the server: each goes over its whole interface, and so over the original beside it."""

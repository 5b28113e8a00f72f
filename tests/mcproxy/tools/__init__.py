"""The tools that look at configurations."""

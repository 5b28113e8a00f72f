"""From configuration text to an immutable route tree."""

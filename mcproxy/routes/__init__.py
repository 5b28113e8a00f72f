"""Route handles: ROUTE_HANDLES maps a config name to the class that does it."""

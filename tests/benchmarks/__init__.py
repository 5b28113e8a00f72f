"""The benchmarks measure what they say: tiny runs, no figures asserted."""

"""Django's admin over the portal's tables, declared as a sensible beginner does it; with BENCH_TUNED=1 as an expert."""

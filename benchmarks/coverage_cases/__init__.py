"""What benchmarks/coverage.py asks: each module here defines `CASES: tuple[Case, ...]`."""

"""What benchmarks/analysis_speed.py times: each module here defines `CASES: tuple[Speed, ...]`."""

"""What matters: how the error goes with each parameter, and which values to keep."""

"""What system tests and benchmarks share: guests, the machines they run in, and their consoles."""

"""Thousands of jobs at once: what a worker weighs, how fast one recovers, how long a clean-up takes."""

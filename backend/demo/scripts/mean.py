#!/usr/bin/env python3
"""Succeeds: a Python job found by its shebang, with progress while it runs."""

import random
import statistics
import time

samples: list[float] = []
for step in range(1, 6):
    samples += [random.gauss(100, 15) for _ in range(20_000)]
    print(f"step {step}/5: mean {statistics.fmean(samples):.3f}, deviation {statistics.stdev(samples):.3f}", flush=True)
    time.sleep(0.5)

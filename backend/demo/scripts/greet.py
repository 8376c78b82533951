#!/usr/bin/env python3
"""Succeeds: arguments and variables arrive as they were given, spaces, quotes and newlines included."""

import os
import sys

for number, argument in enumerate(sys.argv[1:], 1):
    print(f"argument {number}: {argument!r}")
print(f"GREETING: {os.environ.get('GREETING', '')!r}")

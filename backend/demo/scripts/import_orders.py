#!/usr/bin/env python3
"""Fails with a traceback: the third order has no amount."""

import json
import time

ORDERS = '[{"id": 1, "amount": 12}, {"id": 2, "amount": 40}, {"id": 3}]'

for order in json.loads(ORDERS):
    time.sleep(0.5)
    print(f"order {order['id']}: {order['amount']} EUR", flush=True)

"""Redis and RQ as the doorbell: they carry launch messages and decide nothing."""

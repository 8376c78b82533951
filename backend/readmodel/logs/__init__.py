"""The log of a job, of any size: opened at its end, followed, searched, filtered, and made safe to show."""

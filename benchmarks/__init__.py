"""Speed, measured beside what bounds it and what it is compared with: ``make bench``."""

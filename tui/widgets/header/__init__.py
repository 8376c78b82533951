"""The lines on top: workers, capacity, counts, health."""

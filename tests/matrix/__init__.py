"""The fault matrix: every fault that can be caused on one machine, caused for real, and what came of it."""

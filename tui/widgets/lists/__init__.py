"""Lists that are held as a whole: anomalies, nodes, the queue, the audit."""

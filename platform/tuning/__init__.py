"""Ray: the connection to a cluster, and what Ray Tune asks and tells."""

"""promotion-scheduler on real engines."""

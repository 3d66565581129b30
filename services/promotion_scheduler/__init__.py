"""promotion-scheduler: candidates, their promotion to production, and the releases of the vendor."""

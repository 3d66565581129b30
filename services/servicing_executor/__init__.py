"""Does servicing: one operation at a time on each environment, step by step, and back again when a step fails."""

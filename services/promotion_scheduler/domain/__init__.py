"""What promotion-scheduler decides: pure functions from state and message to decision."""

"""What package-validator decides: which packages there are, and what a check of one means."""

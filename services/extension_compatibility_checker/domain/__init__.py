"""What extension-compatibility-checker decides: pure functions from state and message to decision."""

"""servicing-executor as a process, with real environments."""

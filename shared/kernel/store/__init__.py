"""Where aggregates are kept: a small port, its adapter for MongoDB, and a fake under the same contract suite."""

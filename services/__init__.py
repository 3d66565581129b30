"""The services of Drydock: each its own process, none imports another."""

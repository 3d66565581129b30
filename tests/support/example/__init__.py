"""A small service that shows all that the kernel gives a service; the tests of the kernel drive it."""

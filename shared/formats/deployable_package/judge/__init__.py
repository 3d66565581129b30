"""Whether a package is right: by itself, against a release, and against the image that runs."""

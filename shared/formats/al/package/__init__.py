"""The `.app` file: container, archive, manifest, versions, and the limits within which it is read."""

"""Artifacts: packages, images, logs and reports, stored under the digest of their bytes."""

"""Reads AL extension packages and judges whether they fit a target version; no Kafka, no database."""

"""Reads AL extension packages and judges whether they fit a target version; pure, without Kafka or a
database.
"""

"""Tests of what promotion-scheduler decides."""

"""Attestations: what is stated of an image, by whom, and whether that is to be believed."""

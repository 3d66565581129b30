"""Figures, measured as ratios within one run on real engines. `make bench` runs them."""

"""Projections that several services keep of one service's aggregates: the rule of each is written once, here.

A service's own projection subclasses one and adds what only it needs. Each counts with the aggregate that it is of.
"""

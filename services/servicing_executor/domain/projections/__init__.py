"""What the executor keeps of other services' aggregates, from their events.

Each aggregate of another service counts its events; what is not newer than the last of its aggregate changes nothing.
"""

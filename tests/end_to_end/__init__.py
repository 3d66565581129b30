"""All of Drydock: engines, six services, mail catcher and console as processes, driven as users drive it."""

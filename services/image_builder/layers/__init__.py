"""Real work of the image-builder: layers from packages, images from layers."""

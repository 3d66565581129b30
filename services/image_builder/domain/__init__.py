"""What image-builder decides: one build for each request, and what is known of each image."""

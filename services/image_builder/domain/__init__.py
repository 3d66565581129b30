"""What image-builder decides.

There is one of the `builds` for each request, and in `projections` what is known of each image; `views` shows that.
"""

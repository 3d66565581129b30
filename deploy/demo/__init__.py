"""The tour: a small application, its packages, and what runs them."""

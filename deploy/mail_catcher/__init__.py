"""A mail server for laptops and tests: it takes every mail, keeps it in a folder, and sends none on."""

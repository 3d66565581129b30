"""The package validator: judges uploaded deployable packages."""

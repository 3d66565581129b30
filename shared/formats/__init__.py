"""Libraries of foreign formats. They import nothing of services or kernel."""

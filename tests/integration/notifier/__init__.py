"""The notifier on real engines, with a real mail server."""

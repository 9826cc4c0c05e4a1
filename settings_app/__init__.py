"""Who a user is, what they want, and the one document that says how: the settings."""

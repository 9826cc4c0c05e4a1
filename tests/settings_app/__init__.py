"""The settings: schema, upgrades, services, desired state, pages."""

"""Shipped training configurations, one YAML file each."""

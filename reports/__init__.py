"""Finished runs into statistics, tables, figures and one document."""

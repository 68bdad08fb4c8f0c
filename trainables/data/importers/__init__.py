"""Importers: one raw data set each, to a prepared data set."""

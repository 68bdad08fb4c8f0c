"""Recordings, annotations, the prepared data set, and one importer per source."""

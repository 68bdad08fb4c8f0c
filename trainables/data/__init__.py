"""Recordings, annotations, and the prepared data set."""

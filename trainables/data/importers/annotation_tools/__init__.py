"""Annotations as people's tools write them: a module a format, and the one that tells them apart by what they hold."""

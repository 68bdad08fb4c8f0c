"""The commands of `crescendo`, one file a group."""

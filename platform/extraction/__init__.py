"""Videos into prepared data sets."""

"""Files and folders: complete or absent, read within bounds, locked; JSON and YAML as plain values; addresses of stores."""

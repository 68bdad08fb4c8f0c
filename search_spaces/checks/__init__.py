"""What is wrong with a study: errors of the schema, and the rules between its parts and with the training settings."""

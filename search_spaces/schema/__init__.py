"""What may stand in a study file: values, parameter spaces and sections, each key described once."""

"""MLflow: a study's runs, told through a journal that no server can break."""

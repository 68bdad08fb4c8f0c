"""What a report is made from: a study's runs in MLflow and their artifacts."""

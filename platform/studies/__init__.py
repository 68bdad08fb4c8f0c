"""Running a study: what is tried next, what came of it, and what is kept."""

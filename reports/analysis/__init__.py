"""What a report says, computed from runs: statistics, differences, what the search found."""

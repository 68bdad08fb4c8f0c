"""What a study is, and the studies that ship with Crescendo."""

from crescendo.search_spaces.arms import Arm, arms_of, baseline_of
from crescendo.search_spaces.loading import parse_study, read_study, shipped_studies
from crescendo.search_spaces.problems import StudyError
from crescendo.search_spaces.replicates import Replicate, replicates_of
from crescendo.search_spaces.study import Study

__all__ = [
    "Arm",
    "Replicate",
    "Study",
    "StudyError",
    "arms_of",
    "baseline_of",
    "parse_study",
    "read_study",
    "replicates_of",
    "shipped_studies",
]

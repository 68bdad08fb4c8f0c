"""Steps of every arm, timed in a process of the cluster, on what will train them, while the first trials begin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from crescendo.platform.studies.cohorts import gpu_share
from crescendo.platform.studies.study_run import StudyRun
from crescendo.platform.studies.timing import Timing
from crescendo.platform.studies.workspace import Recordings
from crescendo.search_spaces.study import Study


@contextmanager
def arms_timed(run: StudyRun, tell: Callable[[Timing], object]) -> Iterator[Callable[[], None]]:
    """Time the arms of `run` beside its trainings; yield a function to call now and then, which calls `tell` once they are.

    The process takes the place of one training meanwhile, and ends with the block. What keeps it from timing keeps
    trainings from training, and they say so.
    """
    # Ray reads its environment, which `ray_session` sets, as it is imported.
    import ray

    study, resources = run.asked, run.asked.resources
    process = ray.remote(num_cpus=resources.cpus, num_gpus=gpu_share(resources))(_ArmClock).remote()
    waiting = [process.timed.remote(study, run.place.recordings(run.replicates[0]), str(Path.cwd()))]

    def look() -> None:
        if not waiting:
            return
        timing: Timing | None = None
        with suppress(ray.exceptions.RayError):
            if not ray.wait(waiting, timeout=0)[0]:
                return
            timing = ray.get(waiting[0])
        end()
        if timing is not None:
            tell(timing)

    def end() -> None:
        waiting.clear()
        with suppress(ray.exceptions.RayError):
            ray.kill(process)

    try:
        yield look
    finally:
        if waiting:
            end()


class _ArmClock:
    """A process of its own: torch, which it loads, would stay in the memory of one that is kept."""

    def timed(self, study: Study, recordings: Recordings, plugin_folder: str) -> Timing | None:
        """Return what the arms of `study` take here."""
        # Seconds' imports for the process of the study, which hands this class on and trains nothing.
        from crescendo.platform.studies.timed_steps import timed
        from crescendo.trainables.data.same_dataset import SameDataset
        from crescendo.trainables.registry import look_in

        look_in(plugin_folder)
        data = SameDataset(recordings.dataset, recordings.dataset_hash, recordings.dataset_states).dataset
        return timed(study, data if recordings.division is None else recordings.division.of(data))

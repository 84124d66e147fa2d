"""Before the first job: a line where a run can write nothing, else under what Snakemake says of it; and no idle looks."""

import atexit
import os
from pathlib import Path
from tempfile import TemporaryFile


def unwritable(place: Path, error: OSError) -> str:
    """The line of a folder."""
    return f"error: {place}: cannot be written ({error.strerror}); make room or make it writable, and start again"


def refusal(folder: str | Path) -> str | None:
    """The line of a folder in which nothing can be written, or in the nearest one above where it would be made."""
    place = Path(folder).absolute()
    place = next(path for path in [place, *place.parents] if os.path.exists(path))
    try:
        with TemporaryFile(dir=place) as file:
            file.write(bytes(2**16))
    except OSError as error:
        return unwritable(place, error)
    return None


def say_last() -> None:
    """The line under the traceback of a run that could not even lock its folder."""
    runs = workflow.execution_settings is not None and not workflow.dryrun
    if runs and (told := refusal(".snakemake")):
        print(told, file=sys.stderr)


# Nothing is to be checked where Snakemake only lints, and once is enough if this workflow is another's module.
if (
    workflow.is_main_process
    and workflow.check_envvars
    and not workflow.modifier.is_module
):
    try:  # as Snakemake will, whatever else it is asked for
        Path(".snakemake", "locks").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sys.exit(unwritable(Path(".snakemake").absolute(), error))
    atexit.register(say_last)


onstart:  # not in a dry run, nor where there is nothing to do
    places = ["results", "logs", *Path("results").glob("*/")]
    if told := sorted(set(filter(None, map(refusal, places)))):
        atexit.unregister(say_last)
        sys.exit("\n".join(told))
    # Under its limit of 100 jobs a second Snakemake looks for work every second, once more for every job that has ended:
    # after some hundreds that keeps a core busy. Another limit was asked for, and stays.
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if limit and (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None

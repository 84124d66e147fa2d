"""Models that a task takes from another one: what does not go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from andor.config.tasks import Task
from andor.models.settings import model_and_step
from andor.settings import near


def misfits(tasks: Mapping[str, Task]) -> Iterator[str]:
    """A line for each model whose original there is not, or that does not fit the task."""
    for task_name, task in tasks.items():
        for name, model in task.models.items():
            if model.taken_from is None:
                continue
            for key, fault in _misfits(tasks, task, name):
                yield f"`tasks.{task_name}.models.{name}.{key}: {getattr(model, key)}` {fault}"


def _misfits(tasks: Mapping[str, Task], task: Task, name: str) -> Iterator[tuple[str, str]]:
    """What is wrong with the original of one model, by the key that is to be mended."""
    other_name, original_name = task.models[name].taken_from or ("", "")
    other = tasks.get(other_name)
    if other is None:
        yield "task", f"is no task{near(other_name, list(tasks))}"
    elif other.data.modality != task.data.modality:
        yield "task", f"is of {other.data.reader}, which models of {task.data.reader} do not read; name another"
    elif not (other.data.two_labels and task.data.two_labels):
        fix = "" if other.data.is_numeric or task.data.is_numeric else ", or set data.positive"
        yield "task", f"and this one must both have two labels; name another{fix}"
    elif (original := other.models.get(original_name)) is None:
        yield "model", f"is no model of task `{other_name}`{near(original_name, list(other.models))}"
    elif original.taken_from is not None:
        yield "model", f"is of task `{original.taken_from[0]}` itself; name that"
    elif original.judged is not None:
        yield "model", "is asked for its answers, and nothing of it is trained; describe it in this task, too"
    elif original.is_control and model_and_step(original_name)[1] is None:
        yield "model", "is a control of its task, no main model; name another"
    elif task.models[name].trained_by is not None and original.family != "text_encoder":
        yield "model", f"is of family {original.family}, and only text_encoder is trained further; drop `training`"
    else:
        faults = original.model_copy(update={"training": None}).misfits(name, task.data, task.masking)
        yield from (("model", f"does not fit: {fault}") for fault in faults)

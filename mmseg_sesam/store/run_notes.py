"""Note of a run that its hooks make pseudo-labels.

mmseg's own tool calls nothing of this package before a training: without
this note a run whose config lacks the hook would train on empty labels.
"""

from __future__ import annotations

from mmengine.logging import MessageHub

# Names of the runs. Their hubs would save the note in checkpoints, and
# mmengine would warn of it in each resumed run.
_noted: set[str] = set()
# Name of the hub where no Runner has made one.
_NO_RUN = 'mmengine'


def note_rounds() -> None:
    """Notes that a hook of this run makes pseudo-labels."""
    _noted.add(MessageHub.get_current_instance().instance_name)


def run_lacks_rounds() -> bool:
    """Returns whether a Runner was built and none of its hooks makes rounds.

    Tools without a Runner get False. Forked workers inherit the note.
    """
    name = MessageHub.get_current_instance().instance_name
    return name not in {_NO_RUN, *_noted}

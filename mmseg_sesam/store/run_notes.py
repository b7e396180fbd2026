"""Note of a run that its hooks make pseudo-labels.

mmseg's own tool calls nothing of this package before a training: without
this note a run whose config lacks the hook would train a stock model on weak
labels alone. `SeSAMEncoderDecoder` itself refuses labels of no round.
"""

from __future__ import annotations

from mmengine.logging import MessageHub

# Attribute of the run's hub. What `update_info` notes is saved in checkpoints,
# and mmengine warns of it in each resumed run.
_KEY = 'sesam_makes_rounds'
# Name of the hub where no Runner has made one.
_NO_RUN = 'mmengine'


def note_rounds() -> None:
    """Notes that a hook of this run makes pseudo-labels."""
    setattr(MessageHub.get_current_instance(), _KEY, True)


def run_lacks_rounds() -> bool:
    """Returns whether a Runner was built and none of its hooks makes rounds.

    Tools without a Runner get False. Forked workers inherit the note.
    """
    hub = MessageHub.get_current_instance()
    return hub.instance_name != _NO_RUN and not hasattr(hub, _KEY)

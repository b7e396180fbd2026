"""What the components of one run tell each other."""

from __future__ import annotations

from mmengine.logging import MessageHub

_ROUNDS = 'sesam_makes_rounds'
# The hub that mmengine makes where no Runner has made one.
_NO_RUN = 'mmengine'


def note_rounds() -> None:
    """Notes that a hook of this run makes pseudo-labels."""
    hub = MessageHub.get_current_instance()
    hub.update_info(_ROUNDS, True, resumed=False)


def run_lacks_rounds() -> bool:
    """Returns whether a Runner was built and none of its hooks makes rounds.

    Without a Runner the answer is False: tools read pipelines, too. Worker
    processes that are forked know what their parent noted before.
    """
    hub = MessageHub.get_current_instance()
    return hub.instance_name != _NO_RUN and not hub.runtime_info.get(_ROUNDS)

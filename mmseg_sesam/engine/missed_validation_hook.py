"""Hook that makes a validation in which a training was killed."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner
from mmseg.registry import HOOKS


@HOOKS.register_module()
class MissedValidationHook(Hook):
    """Validates before a resumed training goes on, if a validation is due.

    mmengine saves a checkpoint before the validation of the same step, and
    a refresh may come between them. A run that is killed in either would go
    on with the next step, without a score and a best checkpoint of this one.
    If the validation was made before, the same weights get the same score
    again. Our choice; only in an `IterBasedTrainLoop`, since a checkpoint
    within an epoch has other weights than the last validation.
    """

    priority = 'LOWEST'

    def before_train(self, runner: Runner) -> None:
        """Validates the resumed weights where the loop would have."""
        loop = runner.train_loop
        if runner.val_loop is None or not isinstance(loop, IterBasedTrainLoop):
            return
        step, last = loop.iter, loop.max_iters
        is_due = step % loop.val_interval == 0 or step == last
        if step and step >= loop.val_begin and is_due:
            runner.logger.info(
                f'Validating step {step}, from whose checkpoint the run is '
                'resumed.'
            )
            runner.val_loop.run()

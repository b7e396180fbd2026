"""Count of batches with pseudo-labels of an earlier round."""

from __future__ import annotations

from typing import Any

from mmengine.runner import Runner


class StaleBatches:
    """Counts batches that workers loaded before the last publish.

    Attributes:
        number: of such batches since the last publish.
        total: of such batches of the training.
    """

    def __init__(self) -> None:
        self.number = self.total = 0

    def count(self, runner: Runner, data_batch: Any, current: int) -> None:
        """Counts a batch, and logs the number after the last stale one.

        Args:
            runner: whose logger is used.
            data_batch: of the training step.
            current: the published round.
        """
        samples = data_batch['data_samples']
        rounds = [s.get('pseudo_label_round', current) for s in samples]
        if min(rounds) < current:
            self.number += 1
            self.total += 1
        elif self.number:
            runner.logger.info(
                f'Pseudo-labels: {self.number} batches after round {current} '
                'was published held earlier ones; workers had loaded them '
                'before.'
            )
            self.number = 0

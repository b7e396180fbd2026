"""The teacher and the iteration, over steps and checkpoints."""

from __future__ import annotations

import logging

import torch
from mmengine.logging import MessageHub, print_log
from torch import Tensor, nn

from mmseg_sesam.models.ema_teacher import EMATeacher


class TeacherState(nn.Module):
    """Part of a segmentor: updates the teacher, and restores its state.

    Attributes:
        teacher: the EMA teacher, or None.
        iteration: steps made, which ramps and teacher depend on.
    """

    teacher: EMATeacher | None
    iteration: int = 0

    def update_teacher(self) -> None:
        """Moves the teacher towards the student.

        Done before the forward and not after the optimizer's step, because
        wrappers such as DDP call only the model's forward.

        Weights that `load_from` loads bring along the iteration of another
        training; only a resumed training continues it.
        """
        hub = MessageHub.get_current_instance()
        if self.iteration and hub.get_info('iter') == 0:
            print_log(
                f'The loaded weights were trained for {self.iteration} '
                'iterations. This training starts at iteration 0: the teacher '
                'starts as a copy of the loaded student, and the ramps of the '
                'loss start. To continue the other training, use --resume.',
                logger='current',
            )
            self.iteration = 0
        if self.teacher is not None:
            self.teacher.follow(self, self.iteration)

    def get_extra_state(self) -> Tensor:
        """Returns the iteration, for the checkpoint."""
        return torch.tensor(self.iteration)

    def set_extra_state(self, state: Tensor) -> None:
        """Restores the iteration."""
        self.iteration = int(state)

    def _load_from_state_dict(
        self, state_dict: dict, prefix: str, *args
    ) -> None:
        """Restarts at iteration 0 if a checkpoint lacks teacher weights.

        The teacher then copies the student in the first step. Late in a
        training it would follow too slowly to leave a random start behind.
        """
        super()._load_from_state_dict(state_dict, prefix, *args)
        teachers = {} if self.teacher is None else self.teacher.state_dict()
        lacking = [
            name
            for name, own in teachers.items()
            if (loaded := state_dict.get(f'{prefix}teacher.{name}')) is None
            or loaded.shape != own.shape
        ]
        if lacking and self.iteration:
            print_log(
                f'The checkpoint lacks {len(lacking)} weights of the teacher, '
                f'such as {lacking[0]}. The teacher starts as a copy of the '
                'student, and the ramps of the loss start again.',
                logger='current',
                level=logging.WARNING,
            )
            self.iteration = 0

"""One bar for a step of a job: what the vault does for it, and then what happens on the stick.

Each part comes on a scale of its own (core.progress.Weighed), all in the same unit, so that they stand one
after the other on the scale of the step. What is still to come is foreseen, and put right when it is known.
"""

from msgspec.structs import replace

from core.progress import Progress, Report


class StepBar:
    """The bar of one step.

    Args:
        report: Told of the progress of the whole step.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._before_us = 0
        self._part_us = 0

    def begin(self, later_us: int = 0) -> Report:
        """Return the report of the next part.

        Args:
            later_us: What comes after it takes so long, as far as it can be foreseen.
        """
        self._before_us, self._part_us = self._before_us + self._part_us, 0

        def tell(progress: Progress) -> None:
            self._part_us = progress.work_total
            self._report(
                replace(
                    progress,
                    work_done=self._before_us + progress.work_done,
                    work_total=self._before_us + progress.work_total + later_us,
                )
            )

        return tell

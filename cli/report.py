"""Files about the quality of a call: a table of every second, and a picture of it."""

from dataclasses import dataclass
from pathlib import Path

from voip.errors import RefusedError
from voip.media.ends.recording import create_private
from voip.media.quality.diary import Diary
from voip.media.quality.plot import check_plot, save_plot


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What to keep of the quality of each call; None is nothing.

    A second call of the same program has NAME-2, and so on.
    """

    table: Path | None = None
    plot: Path | None = None
    overwrite: bool = False

    def check(self) -> None:
        """See whether it could be written, before anybody is called.

        Raises:
            RefusedError: a file exists, and `overwrite` is not set.
            MissingError: matplotlib is not installed.
        """
        for path in (self.table, self.plot):
            self._check_free(path)
        if self.plot is not None:
            check_plot()

    def write(self, diary: Diary, call: int) -> list[Path]:
        """Write the files of a call, which is the first, second and so on; gives them.

        Raises:
            RefusedError: a file exists, and `overwrite` is not set.
            MissingError: a file cannot be written.
        """
        table, plot = _numbered(self.table, call), _numbered(self.plot, call)
        if table is not None:
            with create_private(table, overwrite=self.overwrite) as file:
                file.write(diary.table().encode())
        if plot is not None:
            self._check_free(plot)
            save_plot(diary, plot)
        return [path for path in (table, plot) if path is not None]

    def _check_free(self, path: Path | None) -> None:
        if path is not None and path.exists() and not self.overwrite:
            raise RefusedError(f"{str(path)!r} exists already")


def _numbered(path: Path | None, call: int) -> Path | None:
    if path is None or call == 1:
        return path
    return path.with_stem(f"{path.stem}-{call}")

"""
Where the command ``klimaspor`` begins, so that Ctrl-C is minded before anything is imported.

What comes earlier nobody but Python hears, and it shows a traceback: in its own start (some 10 ms), and in the 2 ms in
which the script that an installer wrote looks for this file.
"""

from __future__ import annotations

import os
import sys


def _hear_again(lost: sys.UnraisableHookArgs) -> None:
    """Hear a Ctrl-C once more that came where Python can only print it and go on, such as while it clears up."""
    if not issubclass(lost.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
        return
    import _thread
    import time

    def once_more() -> None:
        time.sleep(0.02)  # in here it would only be printed again
        _thread.interrupt_main()

    _thread.start_new_thread(once_more, ())


def main() -> None:
    """Run the command line; also as ``python -m tracker``."""
    sys.unraisablehook = _hear_again
    try:
        from io import TextIOWrapper
        from pathlib import Path

        from tracker.cli import main as run

        if sys.stdout is None:  # closed by whoever calls us: what is printed is to go nowhere
            sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open as long as we run
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # what a terminal has no letters for ends no command
        run(prog_name="klimaspor")
    except KeyboardInterrupt:
        sys.exit("Aborted!")


if __name__ == "__main__":
    main()

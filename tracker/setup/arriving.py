"""A test page, opened in the person's browser and seen to arrive at the proxy."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tracker.private import write_whole
from tracker.setup.finding import Finding


def see_arrive(folder: Path, launch: Callable[[str], object], again: str, seconds: float = 40) -> Finding:
    """
    Have the browser open a page that only our PAC file leads to, and wait until the proxy has seen it.

    ``again`` is the command that tries once more.
    """
    import secrets

    from addon.pac import TEST_HOST, WISH_FILE

    wish, path = secrets.token_hex(16), folder / WISH_FILE
    try:
        write_whole(path, wish)
        launch(f"http://{TEST_HOST}/{wish}")
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if path.read_text("ascii") == f"{wish} arrived":
                return Finding("arrival", "good", "Your browser comes through klimaspor: the test page arrived.")
            time.sleep(0.2)
    except OSError as error:
        return Finding("arrival", "wrong", f"The test page could not be asked for ({error.strerror}).", again)
    finally:
        path.unlink(missing_ok=True)
    return Finding(
        "arrival", "wrong", "The test page did not arrive: close the browser, open it again, and try once more.", again
    )

"""Serve the Space in a process that may not leave the machine: `python guarded.py LOG`, the port from the environment.

Every address that the process looks up, connects or sends to is judged at the level of sockets; one that is not
loopback is written to LOG and refused.
"""

import ipaddress
import runpy
import sys
from pathlib import Path
from typing import Any

SPACE = Path(__file__).parents[3] / "spaces" / "law"
WATCHED = {"socket.connect": 1, "socket.sendto": 1, "socket.getaddrinfo": 0, "socket.gethostbyname": 0}


def guard(log: Path) -> None:
    def watch(event: str, args: tuple[Any, ...]) -> None:
        if event in WATCHED and leaves(args[WATCHED[event]]):
            with log.open("a") as file:
                file.write(f"{event} {args[WATCHED[event]]}\n")
            raise OSError(f"{event} to {args[WATCHED[event]]}: this process may not leave the machine")

    sys.addaudithook(watch)


def leaves(address: Any) -> bool:
    """Whether an address of a socket, or a host's name, is another machine's; paths of local sockets are not."""
    host = address[0] if isinstance(address, tuple) else address if isinstance(address, str) else None
    if host in (None, "", "localhost") or str(host).startswith("/"):
        return False
    try:
        return not ipaddress.ip_address(str(host)).is_loopback and str(host) != "0.0.0.0"
    except ValueError:
        return True


if __name__ == "__main__":
    guard(Path(sys.argv[1]))
    sys.path.insert(0, str(SPACE))
    runpy.run_path(str(SPACE / "app.py"), run_name="__main__")

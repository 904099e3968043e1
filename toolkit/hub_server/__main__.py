"""Run the server beside a run, as `running` starts it: `python -m toolkit.hub_server ROOT SOCKET PARENT`."""

import socket
import sys
from pathlib import Path

from toolkit.hub_server.process import listen

if __name__ == "__main__":
    listen(Path(sys.argv[1]), socket.socket(fileno=int(sys.argv[2])), int(sys.argv[3]))

"""A stand-in for the `docker` program: writes down what it is asked, and runs the loopback TGI as the container.

Like a real container, the server is no child of the process that called `docker run`: only `docker stop NAME`, or a
signal that `docker run` passes on, ends it. `FAKE_DOCKER` names the folder where calls and containers are noted;
`FAKE_DOCKER_MODE` is `serve`, `stuck` (runs and never answers), `fail` (says why, ends with code 1) or `second-fails`
(the container with GPU 1 fails, any other is stuck).
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ["FAKE_DOCKER"])
MODE = os.environ.get("FAKE_DOCKER_MODE", "serve")


def note(arguments: list[str]) -> None:
    token = os.environ.get("HF_TOKEN")
    with (FOLDER / "calls.jsonl").open("a") as file:
        file.write(json.dumps({"arguments": arguments, "token": token}) + "\n")


def run(arguments: list[str]) -> int:
    second = "device=1" in arguments
    if MODE == "fail" or (MODE == "second-fails" and second):
        for number in range(30):
            sys.stdout.write(f"layer {number}: pulled\n")
        sys.stderr.write("docker: Error response from daemon: no such model\n")
        return 1
    name, port = (arguments[arguments.index(flag) + 1] for flag in ("--name", "-p"))
    server = [sys.executable, "-m", "tests.fakes.tgi", "--port", port.split(":")[1]]
    if MODE in ("stuck", "second-fails"):
        server = [sys.executable, "-c", "import time; print('loading', flush=True); time.sleep(600)"]
    container = subprocess.Popen(server, cwd=ROOT, start_new_session=True)
    (FOLDER / name).write_text(str(container.pid))
    signal.signal(signal.SIGTERM, lambda number, frame: container.terminate())
    code = container.wait()
    (FOLDER / name).unlink(missing_ok=True)
    return 128 - code if code < 0 else code


def stop(name: str) -> int:
    note_of = FOLDER / name
    if not note_of.exists():
        sys.stderr.write(f"Error response from daemon: No such container: {name}\n")
        return 1
    os.kill(int(note_of.read_text()), signal.SIGTERM)
    while note_of.exists():
        time.sleep(0.02)
    return 0


if __name__ == "__main__":
    note(sys.argv[1:])
    sys.exit(stop(sys.argv[2]) if sys.argv[1] == "stop" else run(sys.argv[2:]))

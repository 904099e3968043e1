"""Who may do what: one token that writes, perhaps one that only reads, and nobody else but on public repos.

Transfers of large files carry no token (on the real Hub a storage service takes them), so that their address is signed.
"""

import base64
import contextlib
import fcntl
import hmac
import os
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from string import whitespace

from starlette.requests import Request

from toolkit.hub_server.errors import HubError

USER = "local"
TOKEN = "token"  # the file in the store's folder
READ_TOKEN = "read-token"  # may be put beside it: reads private repos too, never writes
WHITESPACE = whitespace.encode()
SIGNED_SECONDS = 24 * 3600
INVALID = "Invalid credentials in Authorization header"


@dataclass(frozen=True)
class Tokens:
    """The secrets of one server: `write`, and `read` where a read-only token is configured."""

    write: str
    read: str | None = None


def load_tokens(root: Path) -> Tokens:
    """The tokens in `root`; the writing one is made at first, in a file that only its owner may read.

    A file that holds nothing, as a full disk or a power cut leaves it, is replaced.

    Raises:
        RuntimeError: a file holds something that no header can carry; the message names it, never what it holds.
    """
    if not (root / TOKEN).exists():
        _make_file(root)
    write = _token_in(root / TOKEN) or _fill_file(root / TOKEN)
    read = root / READ_TOKEN
    return Tokens(write, _token_in(read) or None if read.exists() else None)


def _token_in(path: Path) -> str:
    """The token in a file; empty where it holds nothing."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RuntimeError(f"{path}: the token of the embedded Hub cannot be read ({error.strerror})") from error
    held = data.strip(WHITESPACE + b"\0")
    if not re.fullmatch(rb"[!-~]*", held):
        raise RuntimeError(f"{path}: is damaged, a token is one word of ASCII; delete the file, a new one is made then")
    return held.decode()


def _new_token() -> str:
    return f"hf_{secrets.token_urlsafe(32)}"


def _make_file(root: Path) -> None:
    temporary = root / f".{TOKEN}.{os.getpid()}.{secrets.token_hex(4)}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(f"{_new_token()}\n")
        file.flush()
        os.fsync(handle)
    # A link fails where another server has just made its own: then that one counts.
    with contextlib.suppress(FileExistsError):
        os.link(temporary, root / TOKEN)
    temporary.unlink()


def _fill_file(path: Path) -> str:
    """Put a token into a file that holds none; of several servers that try, one does and the others read its."""
    with path.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        held = _token_in(path)
        if not held:
            held = _new_token()
            path.chmod(0o600)
            file.truncate(0)
            file.write(f"{held}\n")
            file.flush()
            os.fsync(file.fileno())
    return held


def role(request: Request) -> str | None:
    """`write`, `read`, or None for a caller without a token.

    Raises:
        HubError: 401, for a token that is none of ours.
    """
    header = request.headers.get("authorization")
    if not header:
        return None
    given = _secret(header).encode()
    tokens: Tokens = request.app.state.tokens
    if hmac.compare_digest(given, tokens.write.encode()):
        return "write"
    if tokens.read and hmac.compare_digest(given, tokens.read.encode()):
        return "read"
    raise HubError(401, INVALID)


def _secret(header: str) -> str:
    """The token in `Bearer TOKEN`, or the password in git's `Basic`."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return value.strip()
    try:
        return base64.b64decode(value).decode(errors="replace").partition(":")[2]
    except ValueError as error:
        raise HubError(401, INVALID) from error


def need_write(request: Request) -> None:
    """Pass for the writing token only.

    Raises:
        HubError: 401 without a token, 403 with one that only reads.
    """
    found = role(request)
    if found is None:
        raise HubError(401, INVALID, headers={"WWW-Authenticate": "Bearer"})
    if found != "write":
        raise HubError(403, "This token may only read: use the one in the server's token file to write")


def sign(tokens: Tokens, what: str, size: int, expires: int | None = None) -> str:
    """The query that allows `what` (method, repo and object of `size` bytes) without a token, for a day."""
    until = int(time.time()) + SIGNED_SECONDS if expires is None else expires
    signature = hmac.digest(tokens.write.encode(), f"{what} {size} {until}".encode(), "sha256").hex()
    return f"size={size}&expires={until}&signature={signature}"


def signed_size(request: Request, what: str) -> int:
    """The size that a signed address allows.

    Raises:
        HubError: 403, where the signature is not ours or too old.
    """
    query = request.query_params
    size, expires = query.get("size", ""), query.get("expires", "")
    if size.isdecimal() and expires.isdecimal() and len(size + expires) < 40:
        given = f"size={size}&expires={expires}&signature={query.get('signature', '')}"
        good = sign(request.app.state.tokens, what, int(size), int(expires))
        if hmac.compare_digest(good.encode(), given.encode()) and time.time() < int(expires):
            return int(size)
    raise HubError(403, "This address is not valid or has expired: ask the batch call for a new one")

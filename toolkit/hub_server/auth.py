"""Check permissions: one token writes, another may only read, and anybody reads public repos.

Transfers of large files carry no token (on the real Hub they go to a storage service), so their addresses are signed.
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
READ_TOKEN = "read-token"  # an optional file beside it, whose token reads private repos, too, but never writes
WHITESPACE = whitespace.encode()
SIGNED_SECONDS = 24 * 3600
INVALID = "Invalid credentials in Authorization header"


@dataclass(frozen=True)
class Tokens:
    """The secrets of one server: `write`, and `read` where a read-only token is configured."""

    write: str
    read: str | None = None


def load_tokens(root: Path) -> Tokens:
    """Load the tokens in `root`; the writing one is made at first, in a file that only its owner may read.

    An empty file, as a full disk or a power cut leaves it, is replaced.

    Raises:
        RuntimeError: for a file whose text cannot be sent in a header; the message names the file, never its content.
    """
    if not (root / TOKEN).exists():
        _make_file(root)
    write = _token_in(root / TOKEN) or _fill_file(root / TOKEN)
    read = root / READ_TOKEN
    return Tokens(write, _token_in(read) or None if read.exists() else None)


def _token_in(path: Path) -> str:
    """Read the token in a file; empty where the file is."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RuntimeError(f"{path}: the token of the embedded Hub cannot be read ({error.strerror})") from error
    token = data.strip(WHITESPACE + b"\0")
    if not re.fullmatch(rb"[!-~]*", token):
        raise RuntimeError(f"{path}: is damaged, a token is one word of ASCII; delete the file, and a new one is made")
    return token.decode()


def _new_token() -> str:
    return f"hf_{secrets.token_urlsafe(32)}"


def _make_file(root: Path) -> None:
    temporary = root / f".{TOKEN}.{os.getpid()}.{secrets.token_hex(4)}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(f"{_new_token()}\n")
        file.flush()
        os.fsync(handle)
    # A link fails where another server has just made its own, which then counts.
    with contextlib.suppress(FileExistsError):
        os.link(temporary, root / TOKEN)
    temporary.unlink()


def _fill_file(path: Path) -> str:
    """Put a token into an empty file; of several servers that try, one does and the others read its token."""
    with path.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        token = _token_in(path)
        if not token:
            token = _new_token()
            path.chmod(0o600)
            file.truncate(0)
            file.write(f"{token}\n")
            file.flush()
            os.fsync(file.fileno())
    return token


def role(request: Request) -> str | None:
    """Return `write`, `read`, or None for a caller without a token.

    Raises:
        HubError: 401, for an unknown token.
    """
    header = request.headers.get("authorization")
    if not header:
        return None
    secret = _secret(header).encode()
    tokens: Tokens = request.app.state.tokens
    if hmac.compare_digest(secret, tokens.write.encode()):
        return "write"
    if tokens.read and hmac.compare_digest(secret, tokens.read.encode()):
        return "read"
    raise HubError(401, INVALID)


def _secret(header: str) -> str:
    """Return the token in `Bearer TOKEN`, or the password in git's `Basic`."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return value.strip()
    try:
        return base64.b64decode(value).decode(errors="replace").partition(":")[2]
    except ValueError as error:
        raise HubError(401, INVALID) from error


def need_write(request: Request) -> None:
    """Refuse any caller without the writing token.

    Raises:
        HubError: 401 without a token, 403 with the reading one.
    """
    permission = role(request)
    if permission is None:
        raise HubError(401, INVALID, headers={"WWW-Authenticate": "Bearer"})
    if permission != "write":
        raise HubError(403, "This token may only read: use the one in the server's token file to write")


def sign(tokens: Tokens, what: str, size: int, expires: int | None = None) -> str:
    """Return the query that allows `what` (method, repo and object of `size` bytes) without a token, for a day."""
    until = int(time.time()) + SIGNED_SECONDS if expires is None else expires
    signature = hmac.digest(tokens.write.encode(), f"{what} {size} {until}".encode(), "sha256").hex()
    return f"size={size}&expires={until}&signature={signature}"


def signed_size(request: Request, what: str) -> int:
    """Return the size that a signed address allows.

    Raises:
        HubError: 403, for a wrong or expired signature.
    """
    query = request.query_params
    size, expires = query.get("size", ""), query.get("expires", "")
    if size.isdecimal() and expires.isdecimal() and len(size + expires) < 40:
        claim = f"size={size}&expires={expires}&signature={query.get('signature', '')}"
        valid = sign(request.app.state.tokens, what, int(size), int(expires))
        if hmac.compare_digest(valid.encode(), claim.encode()) and time.time() < int(expires):
            return int(size)
    raise HubError(403, "This address is not valid or has expired: ask the batch call for a new one")

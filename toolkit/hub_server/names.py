"""Check names that come from outside before they touch the disk."""

import posixpath

from dulwich.index import validate_path, validate_path_element_ntfs
from dulwich.refs import Ref, check_ref_format
from huggingface_hub.utils import HFValidationError, validate_repo_id

from toolkit.hub_server.errors import HubError

KINDS = ("models", "datasets", "spaces")
RESERVED = {*KINDS, "api", "collections", "lfs", "resolve", "raw", "tree", "blob"}  # words of this server's own URLs
LONGEST_PART = 255  # bytes; the limit of file systems, so that a clone can be checked out
LONGEST_PATH = 1024  # bytes


def repo_name(organization: str, name: str) -> str:
    """Return `organization/name` as the Hub allows it: at most 96 characters of letters, digits, `-`, `_` and `.`.

    Raises:
        HubError: 400, for any other name.
    """
    full = f"{organization}/{name}"
    try:
        validate_repo_id(full)
    except HFValidationError as error:
        raise HubError(400, f"Invalid repo name: {error}") from error
    if max(len(organization), len(name)) > 96 or organization.lower() in RESERVED or organization[0] in ".-":
        raise HubError(400, f"Invalid repo name {full!r}: an owner of up to 96 characters and no word of a Hub URL")
    return full


def repo_kind(text: str) -> str:
    """Return `text` where it is `models`, `datasets` or `spaces`.

    Raises:
        HubError: 400, for any other.
    """
    if text not in KINDS:
        raise HubError(400, f"Invalid repo type {text.removesuffix('s')[:100]!r}: model, dataset or space")
    return text


def full_name(text: str) -> str:
    """Return `text` where it is a valid `owner/name`.

    Raises:
        HubError: 400, for any other.
    """
    owner, _, name = text.partition("/")
    return repo_name(owner, name)


def file_path(path: object) -> str:
    """Return `path` where it is relative, normal, and has no special meaning to git or a file system.

    Raises:
        HubError: 400, for `..`, absolute paths, `.git`, control characters and parts beyond 255 bytes.
    """
    if not isinstance(path, str) or not path.isprintable():
        raise HubError(400, f"Invalid path {path!r}: a text without control characters is needed")
    data = path.encode()
    inside = posixpath.normpath(path) == path and not path.startswith("/")
    short = len(data) <= LONGEST_PATH and all(len(part) <= LONGEST_PART for part in data.split(b"/"))
    if not (inside and short and validate_path(data, validate_path_element_ntfs)):
        raise HubError(400, f"Invalid path {path[:100]!r}: relative, no '..', no '.git', parts of up to 255 bytes")
    return path


def ref_name(kind: str, name: object) -> Ref:
    """Return the full ref of a branch (`kind` heads) or tag (`tags`).

    Raises:
        HubError: 400, for names that git refuses, and for names that hide a commit or another ref.
    """
    text = name if isinstance(name, str) else ""
    ref = Ref(f"refs/{kind}/{text}".encode(errors="surrogateescape"))
    hexadecimal = len(text) == 40 and set(text) <= set("0123456789abcdef")
    if not text or len(text) > 200 or hexadecimal or text.startswith(("refs/", "-")) or not check_ref_format(ref):
        raise HubError(400, f"Invalid reference name: {name!r}")
    return ref

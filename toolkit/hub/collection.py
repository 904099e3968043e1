"""A collection ties datasets, results, models and Space of one study together."""

from collections.abc import Iterable
from typing import Literal

from huggingface_hub.errors import HfHubHTTPError

from toolkit.hub.faults import without_secrets
from toolkit.hub.push import Target, attempts, explained

Item = tuple[str, Literal["dataset", "model", "space"]]  # repo and its kind


def collect(target: Target, title: str, owner: str, items: Iterable[Item]) -> str | None:
    """Make the collection `title` of `owner` hold these repos, in order; what it holds already stays.

    Returns:
        Its slug; None on a Hub that has no collections.

    Raises:
        HubFault: see `push`.
    """
    api = target.api
    with explained(api, f"{owner}'s collection {title!r}"):
        try:
            made = attempts()(api.create_collection, title, namespace=owner, private=target.private, exists_ok=True)
        except HfHubHTTPError as error:
            if error.response.status_code != 404:
                raise
            target.say(f"{without_secrets(api.endpoint)} has no collections, so {title!r} was not made")
            return None
        held = {(item.item_id, item.item_type) for item in made.items}
        for repo, kind in items:
            if (repo, kind) not in held:
                attempts()(api.add_collection_item, made.slug, item_id=repo, item_type=kind, exists_ok=True)
    return made.slug

"""Procedural domains: questions with exact answers, their solutions, and what embedded models read about them.

A new domain is a file like `mathematics.py` and two lines here, its import and its entry.
"""

from toolkit.domains import mathematics, physics, stem
from toolkit.domains.domain import Domain, Mixture

DOMAINS: dict[str, Domain | Mixture] = {
    "mathematics": mathematics.DOMAIN,
    "physics": physics.DOMAIN,
    "stem": stem.DOMAIN,
}

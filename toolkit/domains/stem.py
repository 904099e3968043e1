"""Mathematics and physics in one pool, in turns."""

from toolkit.domains import mathematics, physics
from toolkit.domains.domain import Mixture

DOMAIN = Mixture({"mathematics": mathematics.DOMAIN, "physics": physics.DOMAIN})

"""A licence is one that the Hub knows, before any work."""

import pytest

from toolkit.licences import LICENCES, closest
from toolkit.recipe.files import RecipeError
from toolkit.recipe.load import load_recipe

MEANT = {
    "Apache 2.0": "apache-2.0", "Apache-2.0": "apache-2.0", "apache2": "apache-2.0", "Apache": "apache-2.0",
    "Apache License, Version 2.0": "apache-2.0", "MIT": "mit", "MIT License": "mit", "The MIT License": "mit",
    "CC BY 4.0": "cc-by-4.0", "CC-BY-SA-4.0": "cc-by-sa-4.0", "CC0": "cc0-1.0", "GPLv3": "gpl-3.0",
    "GPL-3.0-only": "gpl-3.0", "AGPLv3": "agpl-3.0", "BSD 3-Clause": "bsd-3-clause", "MPL 2": "mpl-2.0",
    "proprietary": "other", "": "other", "mit\n": "mit",
}  # fmt: skip


@pytest.mark.parametrize("name", MEANT)
def test_a_recipe_whose_licence_the_hub_does_not_know_is_refused_with_the_one_meant(tmp_path, name):
    file = tmp_path / "mine.yaml"
    file.write_text(f"pool: mathematics\nlicense: {name!r}\n".replace("'mit\\n'", '"mit\\n"'))
    with pytest.raises(RecipeError, match=rf"mine\.yaml: license: .*did you mean {MEANT[name]}\?"):
        load_recipe(file)


@pytest.mark.parametrize("name", sorted(LICENCES))
def test_every_licence_of_the_hub_is_taken(tmp_path, name):
    (tmp_path / "mine.yaml").write_text(f"pool: mathematics\nlicense: {name}\n")
    assert load_recipe(tmp_path / "mine.yaml").release.license == name == closest(name)

"""Documents of an arm: what they are known by, and which ones are never read."""

import pytest

from toolkit.pipeline.recipe_file import read_strange
from toolkit.pipeline.source import source_identity, source_key
from toolkit.recipe import documents
from toolkit.recipe.documents import read_documents
from toolkit.recipe.files import RecipeError
from toolkit.recipe.load import load_recipe, one_arm
from toolkit.text_files import TextError

RECIPE = """
title: Web
pool: mathematics
fit_max: null
held_out: null
budgets: [4]
arms:
  rs: {}
  web: {protocol: web_pairs, protocol_options: {documents: ./pages, pairs: 2}}
"""


@pytest.fixture
def web(tmp_path):
    """Writes a recipe with a folder of documents beside it, and loads its arm."""

    def write(name="a", recipe=RECIPE, **pages):
        pages = pages or {"one": "Q: 2 + 3? A: 5", "two": "BUY NOW"}
        folder = tmp_path / name / "pages"
        folder.mkdir(parents=True)
        for page, text in pages.items():
            (folder / f"{page}.txt").write_text(text)
        (folder / "notes.md").write_text("no document")
        (tmp_path / name / "own.yaml").write_text(recipe)
        return one_arm(load_recipe(tmp_path / name / "own.yaml"), "web")

    return write


def key_of(recipe):
    return source_key(source_identity("t", None, "q", recipe.sampling))


def test_the_key_knows_the_content_and_neither_place_nor_names(web, tmp_path):
    first, same = web("a"), web("b", uno="BUY NOW", due="Q: 2 + 3? A: 5", tre=" BUY NOW\n")
    assert first.documents == tmp_path / "a" / "pages" and key_of(first) == key_of(same)
    assert first.sampling.protocol_options["documents"].startswith("pages@")
    assert first.sampling.protocol_options["pairs"] == 2
    assert key_of(web("c", one="Q: 2 + 3? A: 6", two="BUY NOW")) != key_of(first)
    assert list(read_documents(first.documents)) == list(read_documents(same.documents))


def test_other_arms_have_none(web, tmp_path):
    web()
    recipe = load_recipe(tmp_path / "a" / "own.yaml")
    assert recipe.documents is None and recipe.arms["rs"].documents is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("{pairs: 2}", r"protocol_options: documents: must name a folder of \.txt files, not None"),
        ("{documents: 3}", "must name a folder"),
        ("{documents: ./none}", "none: is no folder"),
        ("{documents: .}", r"has 0 \.txt files"),
        ("{documents: pages@0123456789abcdef}", "is no folder"),
    ],
)
def test_what_names_no_folder_is_refused(web, options, message):
    with pytest.raises(RecipeError, match=message):
        web(recipe=RECIPE.replace("{documents: ./pages, pairs: 2}", options))


def test_garbage_is_refused_with_its_name(tmp_path, monkeypatch):
    page = tmp_path / "page.txt"
    for content, message in [
        (b"\xff\xfe", "page.txt: is not UTF-8"),
        (b" \n", "page.txt: is empty"),
        (b"a" * 100_001, "100,000 are read at most"),
    ]:
        page.write_bytes(content)
        with pytest.raises(TextError, match=message):
            read_documents(tmp_path)
    page.unlink()
    page.symlink_to("/etc/hostname")
    with pytest.raises(TextError, match=r"page\.txt: is a link"):
        read_documents(tmp_path)
    monkeypatch.setattr(documents, "MOST", 0)
    with pytest.raises(TextError, match=r"has 1 \.txt files; put 1 to 0"):
        read_documents(tmp_path)


def test_a_stranger_s_recipe_names_none(web, tmp_path, monkeypatch):
    web()
    text = RECIPE.replace("./pages", str(tmp_path / "a" / "pages"))
    with pytest.raises(Exception, match="arms: a protocol names a folder of documents"):
        read_strange(text, weights=True)

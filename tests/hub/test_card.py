import dataclasses
import re

import pytest
from huggingface_hub import DatasetCard
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from toolkit.hub.cards.markdown import code, plain, quote
from toolkit.hub.cards.release import printed, read_table

HOSTILE = [
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "[click](javascript:alert(1)) ![x](http://evil.example/x.png) <http://evil.example>",
    "{{ 7 * 7 }} {% for x in y %} {# note #} ${x} $(id)",
    "# heading\n---\nlicense: mit\n---\n- item\n1. item\n> quote\n```\ncode\n```\n| a | b |\n|---|---|",
    "**bold** _it_ ~~gone~~ `tick` \\ &lt;b&gt; www.evil.example a@evil.example http://evil.example $x^2$",
    "\u202eright to left\u202c \x00\x1b[31m zero\u200bwidth",
    "    indented\n\n\n\ttab\r\nend\\",
]
markdown = MarkdownIt("gfm-like", {"linkify": False})


def tokens(text):
    found = markdown.parse(text)
    return [child for token in found for child in [token, *(token.children or [])]]


def display(text):
    return "".join({"text": token.content, "hardbreak": "\n"}.get(token.type, "") for token in tokens(text))


@given(st.text() | st.sampled_from(HOSTILE))
def test_plain_text_is_shown_as_it_is_and_nothing_else(text):
    kinds = {token.type for token in tokens(plain(f"x {text}"))}
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}
    visible = [char for char in display(plain(f"x {text}")) if char != "\N{REPLACEMENT CHARACTER}"]
    assert [char for char in visible if char.isalnum()] == [char for char in f"x{text}" if char.isalnum()]


@given(st.lists(st.text(), max_size=5).map("\n".join) | st.sampled_from(HOSTILE))
def test_a_quotation_is_one_block_of_text(text):
    kinds = [token.type for token in tokens(quote(text))]
    assert kinds[0] == "blockquote_open" and kinds[-1] == "blockquote_close"
    allowed = {"paragraph_open", "paragraph_close", "inline", "text", "text_special", "hardbreak"}
    assert set(kinds[1:-1]) <= allowed and kinds.count("blockquote_open") == 1


def test_escaping_shows_the_characters_themselves():
    assert display(plain("a*b <i> {{x}} 3.5 [l](u) | & end.")) == "a*b <i> {{x}} 3.5 [l](u) | & end."
    assert display(quote("x = 1\n\n2. y")) == "x = 1\n\n2. y"
    assert plain("What now? Yes, it is. It's") == "What now&#63; Yes, it is. It's"


def test_a_hostile_source_writes_no_markup_into_the_card(tiny, tmp_path):
    text = "\n".join(HOSTILE)
    names = ["pretty_name", "summary", "pool", "teacher", "teacher_revision", "prompt", "policy", "seeds_licence"]
    card = dataclasses.replace(tiny.card, **dict.fromkeys(names, text), limits=[text], sampling={text: text})
    result = []
    for place, given_card, response in [("mild", tiny.card, "x"), ("wild", card, text)]:
        source = tiny.corpus(tmp_path / f"corpus-{place}", text=lambda response=response, **_: response)
        tiny.release(tmp_path / place, source, given_card)
        result.append(DatasetCard.load(tmp_path / place / "README.md"))
    mild, wild = result
    kept = [
        [token.type for token in tokens(card.text) if token.type not in ("text", "text_special", "hardbreak")]
        for card in result
    ]
    assert kept[0] == kept[1]  # the same structure, whatever the text says
    assert "49" not in wild.text and "<script" not in wild.text
    data = wild.data.to_dict()
    assert data["license"] == "apache-2.0" and data["configs"][0]["config_name"] == "r1"
    assert list(data) == list(mild.data.to_dict())


@pytest.fixture
def tiny_card(tiny, tmp_path) -> DatasetCard:
    tiny.release(tmp_path / "tiny", tiny.corpus(tmp_path / "corpus"))
    return DatasetCard.load(tmp_path / "tiny" / "README.md")


def test_the_front_matter_has_licence_language_name_tags_and_size(tiny_card):
    data = tiny_card.data.to_dict()
    assert data["license"] == "apache-2.0" and data["language"] == ["en"] and data["pretty_name"] == "Tiny: additions"
    assert data["tags"] == ["synthetic", "math", "arxiv:2607.01727"] and data["size_categories"] == ["n<1K"]
    assert data["task_categories"] == ["text-generation"] and data["source_datasets"] == ["original"]


def test_the_card_says_how_to_load_the_release_from_a_hub_and_from_a_folder(tiny_card):
    assert 'load_dataset("local/tiny", "r4", split="train", revision="v1.0.0")' in tiny_card.text
    assert 'load_dataset("path/to/this/folder", "r4", split="train")' in tiny_card.text


def test_the_card_names_the_sampling_parameters_the_limits_and_the_study(tiny_card):
    assert "max&#95;tokens = 64, temperature = 0.8\n" in tiny_card.text
    assert "- Synthetic, and small: 24 responses, all" in tiny_card.text
    assert "- Small and synthetic.\n" in tiny_card.text
    assert "eprint        = {2607.01727}" in tiny_card.text


def test_the_card_counts_each_budget_in_one_line(tiny_card):
    assert [line for line in tiny_card.text.splitlines() if line.startswith("| r4")] == [
        "| r4 | 4 | 16 | 0 | 0 | 0 | 6 | 0 | 10 | 0.625 | 10 | 4 | - | 45 |"
    ]
    assert re.search(r"\n\n\n", tiny_card.text) is None


@pytest.mark.parametrize(
    ("counting", "default", "messages"),
    [
        ("sampled", "r4", "`rN` holds the accepted ones of N responses per question, with repeats"),
        ("accepted", "a4", "`aN` holds the first N distinct accepted responses to each question"),
        ("adaptive", "s4", "`sN` holds the accepted ones of at most N responses per question"),
    ],
)
def test_the_card_says_what_a_budget_counts(tiny, tmp_path, counting, default, messages):
    card = dataclasses.replace(tiny.card, counting=counting)
    tiny.release(tmp_path / "tiny", tiny.corpus(tmp_path / "corpus", counting=counting), card, default=default)
    text = " ".join(DatasetCard.load(tmp_path / "tiny" / "README.md").text.split())
    assert messages in text and f'"{default}", split="train"' in text
    assert ("not a budget of a ladder" in text) == (counting == "adaptive")
    assert ("A repeated response does not train" in text) == (counting == "accepted")
    assert re.search(r"\n\n\n", (tmp_path / "tiny" / "README.md").read_text()) is None


def test_the_table_is_read_back_as_printed():
    counts = {"questions": 4, "sampled": 8, "failed": 0, "truncated": 1, "unparsable": 0, "rejected": 2, "leaked": 0,
              "accepted": 5, "accepted_share": 0.625, "distinct": 5, "covered": 3, "accepted_tokens": 90,
              "false_positive_rate": 0.2}  # fmt: skip
    row = printed(counts)
    assert row["share"] == "0.625" and row["false positives"] == "0.200" and row["tokens"] == "90"
    table = f"| config | {' | '.join(row)} |\n|---|\n| q4&#45;r8 | {' | '.join(row.values())} |\n"
    assert read_table(table) == {"q4-r8": row}
    with pytest.raises(ValueError, match="2 tables of counts"):
        read_table(table + table)


def test_code_takes_names_only():
    assert code("org/name-1.0_x") == "org/name-1.0_x"
    for name in ['a"b', "a b", "a\nb", "{{x}}", ""]:
        with pytest.raises(ValueError, match="cannot be used in the card's code"):
            code(name)

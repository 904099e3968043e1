"""Answers to multiple choice: one letter from A to J, in a box or named in the text, never a word (`A dog`).

A response's answer is the first of these that it has:

1. its last box, if a single letter stands in it: `\\boxed{C}`, `\\boxed{\\text{(C) } 12}`, not `\\boxed{A, C}`;
2. its last statement: "the answer is C", "C is correct", "I choose (C)". A denial ("not B"), a question ("is it B?") or
   a supposition ("if the answer is B") does not count; several letters ("A or C") take back the statements before;
3. without a box: the letter of its last or first line (`C`, `C) 42 J`), if no other line has another letter;
4. without a box: the last letter in parentheses, behind "option" or behind "so it must be", in its last sentence.

If a response continues with a question of its own ("Question: ..."), the text before that question comes first.
"""

import re

from toolkit.boxed import extract_boxed
from toolkit.recipe.sections import Verification
from toolkit.verification.letters import Letters, bare
from toolkit.verification.mathematics import SAME, Pairs
from toolkit.verification.vocabulary import CHANGES, SPEAKING, words_of

COMPARED = "compared with the known letter"
_LEADS = words_of("the correct right best final my answer option choice letter is : ( [ { \" ' <")
_SEPARATORS = frozenset(".:)]}-—(\"'>")
_LONGEST_ANSWER = 2000  # characters of an answer that are read
_LONGEST_RESPONSE = 100_000  # characters at the end of a response that are read
_LONGEST_LINE = 300
_SHARING = words_of("and or nor , / & ;")
_WRONG = words_of("not wrong incorrect false")
_BOXES = re.compile(r"\}[\s$.)]{0,4}(?:,|/|\\?&|or|and|,\s?(?:or|and))[\s$(]{0,4}$")
_CHINESE = re.compile(
    r"(?<!不)(?:答案|选项|选择|故选|应选|选)(?:应该|应当|应)?(?:是|为|选|:)?\s{0,3}[(\[]?([A-J])(?!\w)"
)
_NO_LINE = re.compile(r"A\s*:\s*\S")  # "A:" also stands for "answer"
_LABEL = re.compile(r"[(\[{\"']{0,3}[A-Ja-j]\s?(?:[)\]}.:]|$)")
_QUESTION = re.compile(r"\n[ *#]{0,5}(?:Question|Q|Problem|Human|User)[ *]{0,3}\d{0,3}[ *]{0,3}[:.]")
_MOST_QUESTIONS = 20
_SENTENCE = re.compile(r"(?<=[.!?])\s|\n")


def letter_of(text: str) -> str | None:
    """Give the letter that `text` is: `C`, `(c)`, `Option C`, `\\textbf{(C) } 12`, `C - a dog`; None for `A dog`."""
    letters = Letters(text[:_LONGEST_ANSWER])
    place = next((at for at, word in enumerate(letters.words) if word not in _LEADS), 0)
    letter = letters.letter(place, small=True)
    at = place + 1
    if letter is None or (at < len(letters.words) and letters.words[at] not in _SEPARATORS):
        return None
    return None if _is_taken_back(letters, letters.behind(place)) else letter


def _is_taken_back(letters: Letters, at: int) -> bool:
    """Say whether the text behind a letter gives another one, or says that the first is wrong."""
    words = letters.words
    while at < len(words) and words[at] in ".:([{-—":
        at += 1
    if words[at : at + 1] and words[at] in _SHARING:
        return True
    if words[at : at + 1] in (["is"], ["was"]) and not _WRONG.isdisjoint(words[at + 1 : at + 3]):
        return True
    return any(place >= at and _is_label(letters, place) for place in letters.places())


def _is_label(letters: Letters, place: int) -> bool:
    """Say whether the letter stands before an option of its own (`B) 4`), and is not spoken of (`both (A) and (B)`)."""
    before = letters.words[letters.before(place)] if letters.before(place) >= 0 else "."
    if before in SPEAKING:
        return False
    marks = ([")"], ["]"], [":"]) if before.isalnum() else ([")"], ["]"], [":"], ["."])
    return letters.is_wrapped(place) or letters.words[place + 1 : place + 2] in marks


def answer_to(gold: str, text: str) -> str | None:
    """Give the answer of a response, whatever the gold answer; see `extract`."""
    return extract(text)


def compare_by(settings: Verification, gold: str, answer: str) -> Pairs | None:
    """Give SAME for the gold letter, else None.

    Raises:
        ValueError: for a gold answer that is not a letter.
    """
    letter = letter_of(gold)
    if letter is None:
        raise ValueError(f"the gold answer {gold[:80]!r} is not a letter from A to J, as answer_kind choice needs")
    return SAME if letter_of(answer) == letter else None


def extract(text: str) -> str | None:
    """Give the part of a response that answers a multiple-choice question, or None; see the module's text."""
    boxed = extract_boxed(text)
    if boxed is not None and letter_of(boxed):
        return None if _BOXES.search(text, 0, text.rfind("\\boxed")) else boxed
    text = text[-_LONGEST_RESPONSE:]
    stated = (extract_stated(Letters(part)) for part in _QUESTION.split(text, maxsplit=_MOST_QUESTIONS))
    return next(filter(None, stated), None) or boxed or _alone(bare(text)) or extract_named(bare(text))


def extract_stated(letters: Letters) -> str | None:
    """Give the letter of the last statement ("the answer is C") that nothing around it takes back, or None."""
    stated = None
    for place in letters.places():
        if letters.is_stated(place):
            stated = None if letters.is_shared(place) else letters.letter(place)
    chinese = [match[1] for match in _CHINESE.finditer(letters.text)]
    return stated or (chinese[-1] if chinese else None)


def _alone(text: str) -> str | None:
    """Give the letter of the last or first line, alone or with its text, unless another line has another letter."""
    lines = [line.strip(" #") for line in text.strip().split("\n")]
    named = [
        None if _NO_LINE.match(lines[at]) or len(lines[at]) > _LONGEST_LINE else letter_of(lines[at]) for at in (-1, 0)
    ]
    letter = named[0] or named[1]
    others = {line.strip("([{\"' ")[:1].upper() for line in lines if letter and _LABEL.match(line)}
    return letter if others <= {letter} else None


def extract_named(text: str) -> str | None:
    """Give the letter that stands last in parentheses or behind "option" or "choice" in the last sentence, or None."""
    sentences = [sentence for sentence in _SENTENCE.split(text) if sentence.strip(" ).")]
    letters = Letters(sentences[-1] if sentences else "")
    places = [at for at in letters.places() if letters.is_wrapped(at) or _is_named(letters, at)]
    if not places or not _is_named(letters, places[-1]):
        return None
    letter, earlier = letters.letter(places[-1]), {letters.letter(place) for place in places[:-1]}
    is_changed = bool(earlier) and not CHANGES.isdisjoint(letters.words[places[-2] : places[-1]])
    is_open = letters.is_shared(places[-1]) or letters.is_denied(places[-1])
    return letter if not is_open and (is_changed or earlier <= {letter}) else None


def _is_named(letters: Letters, place: int) -> bool:
    """Say whether the letter stands in parentheses that start no list, behind "option" or "choice", or "so it is"."""
    before = letters.before(place)
    if (before >= 0 and letters.words[before] in ("option", "choice")) or letters.is_concluded(place):
        return True
    is_label = before < 0 and letters.behind(place) < len(letters.words)
    return letters.is_wrapped(place) and letters.tokens[place][0].isupper() and not is_label

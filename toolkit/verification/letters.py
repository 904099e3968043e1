"""Letters of options in running text: where they stand, and whether the words around them state, deny or share them."""

import re

from toolkit.verification import vocabulary

_FONT = re.compile(
    r"\\(?:text|math)[a-z]{0,6}(?![a-zA-Z])\s*|\\(?:ce|bf|rm|it|sf|boldsymbol|bm|emph|underline|fbox|boxed)(?![a-zA-Z])\s*"
)
_MARKUP = re.compile(r"\*+|__+|`+|\$+|\\[()\[\]!]|\\[,; ]|~")
_FULL_WIDTH = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_QUOTES = str.maketrans(_FULL_WIDTH | {"’": "'", "‘": "'", "“": '"', "”": '"', "【": "[", "】": "]", "–": "-"})
_TOKEN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+|\n|[^\s\w]|_")
_OPENING, _CLOSING = frozenset("([{\"'<"), frozenset(")]}\"'>")
_ENDS = frozenset(".!?;,\n—")  # of a clause
_OPTIONS = frozenset("abcdefghij")
_QUOTING = {"<": ">", "'": "'"}
_JOINED_BEFORE = frozenset("_^=+</\\&'°.-")  # signs that make a letter part of a formula or of a word
_JOINED_BEHIND = frozenset("_^=+</\\&'°-(")
_RELATIONS = frozenset("=^_+\\<")
_NEAR = 24  # words that are read on one side


def bare(text: str) -> str:
    """Remove markdown, dollar signs and LaTeX fonts, and write full-width letters in ASCII."""
    text = text.replace("<answer>", "\nanswer: ").replace("</answer>", "\n")
    return _MARKUP.sub(" ", _FONT.sub("", _MARKUP.sub("", text.translate(_QUOTES)).replace("\\\\", "\n")))


class Letters:
    """The letters A to J of a text that can name options, by their place among its words."""

    def __init__(self, text: str) -> None:
        self.text = bare(text)
        self.tokens = list(_TOKEN.finditer(self.text))
        self.words = [token[0].lower() for token in self.tokens]

    def places(self) -> list[int]:
        """Give the places of all letters that name options."""
        return [place for place, word in enumerate(self.words) if word in _OPTIONS and self.letter(place)]

    def letter(self, place: int, small: bool = False) -> str | None:
        """Give the option that the token at `place` names; a small letter where `small`, in brackets, or at an end."""
        if not 0 <= place < len(self.tokens) or self.words[place] not in _OPTIONS or self._is_joined(place):
            return None
        token, following = self.tokens[place][0], self.words[place + 1 : place + 2] or ["\n"]
        if small or self.is_wrapped(place):
            return token.upper()
        if token.islower():
            return token.upper() if following[0] in _ENDS and token != "a" else None
        is_word = token in "AI" and following[0][0].isalpha() and following[0] not in vocabulary.AFTER_WORDS
        return None if is_word else token

    def _is_joined(self, place: int) -> bool:
        """Say whether the letter is part of a word, a unit or a formula: `B-field`, `15 °C`, `E = mc^2`, `f(x)`."""
        start, end = self.tokens[place].span()
        before, after = self.text[start - 1 : start] if start else "", self.text[end : end + 1]
        if before in _QUOTING and after == _QUOTING[before]:
            return False
        beyond = self.text[end : end + _NEAR].lstrip()[:1]
        is_dash = after == "-" and not self.text[end + 1 : end + 2].strip()
        is_point = after == "." and self.text[end + 1 : end + 2].isalnum()
        return (
            before in _JOINED_BEFORE
            or before.isalnum()
            or (after in _JOINED_BEHIND and not is_dash)
            or after.isalnum()
            or is_point
            or beyond in _RELATIONS
            or (beyond == ">" and after.isspace())
        )

    def is_wrapped(self, place: int) -> bool:
        """Say whether the letter stands in brackets or quotes of its own."""
        inside = 0 < place < len(self.tokens) - 1
        return inside and self.words[place - 1] in _OPENING and self.words[place + 1] in _CLOSING

    def behind(self, place: int) -> int:
        """Give the place of the first token behind a letter that closes nothing."""
        place += 1
        while place < len(self.words) and self.words[place] in _CLOSING:
            place += 1
        return place

    def before(self, place: int) -> int:
        """Give the place of the last token before a letter that opens nothing; -1 if there is none."""
        place -= 1
        while place >= 0 and self.words[place] in _OPENING:
            place -= 1
        return place

    def is_stated(self, place: int) -> bool:
        """Say whether the words around the letter give it as the answer: "answer is", "I choose", "is correct"."""
        lead = self._lead(place)
        if lead is not None:
            return not self._is_doubted(lead) and not self._is_refused(place)
        return self._is_graded(place) and not self._is_doubted(place)

    def is_denied(self, place: int) -> bool:
        """Say whether the words before or behind a letter say that it is wrong, or ask."""
        return self._is_doubted(self.before(place) + 1) or self._is_refused(place)

    def _lead(self, place: int) -> int | None:
        """Give the place of the word before a letter that makes it an answer."""
        at, linked = self.before(place), False
        for _ in range(_NEAR):
            word = self.words[at] if at >= 0 else ""
            if (
                (word in vocabulary.LEADS and linked)
                or word in vocabulary.VERBS
                or (word == "with" and at > 0 and self.words[at - 1][:2] == "go")
            ):
                return self._first_lead(at)
            if word not in vocabulary.FILL and word not in _OPENING:
                return None
            linked = linked or word in vocabulary.LINKS
            at -= 1
        return None

    def _first_lead(self, at: int) -> int:
        """Give the place of the first of the words of one statement ("answer: I think it is")."""
        first = at
        for earlier in range(at, max(-1, at - _NEAR), -1):
            if self.words[earlier] not in vocabulary.FILL or (
                self.words[earlier] in _ENDS and self.words[earlier - 1] != ":"
            ):
                break
            if self.words[earlier] in vocabulary.LEADS or self.words[earlier] in vocabulary.VERBS:
                first = earlier
        return first

    def _is_graded(self, place: int) -> bool:
        at = self.behind(place)
        if self.words[at : at + 1] and self.words[at] in vocabulary.IS:
            for end in range(at + 1, min(at + 7, len(self.words))):
                if self.words[end] not in vocabulary.BEFORE_GRADES:
                    return self.words[end] in vocabulary.GRADES and vocabulary.UNDER.isdisjoint(
                        self.words[end + 1 : end + 2]
                    )
        return False

    def _is_doubted(self, place: int) -> bool:
        """Say whether the clause before `place` denies or supposes what follows."""
        clause = list[str]()
        for at in range(place - 1, max(-1, place - _NEAR), -1):
            if self.words[at] in _ENDS or self.words[at] in vocabulary.CONCLUSIONS:
                break
            clause.append(self.words[at])
        is_tentative = not {"might", "may", "could"}.isdisjoint(clause) and not vocabulary.TENTATIVE.isdisjoint(clause)
        return is_tentative or any(word in vocabulary.DENIALS or word.endswith("n't") for word in clause)

    def _is_refused(self, place: int) -> bool:
        """Say whether what follows a letter asks about it, or says that it is wrong."""
        at = self.behind(place)
        following = self.words[at : at + 5]
        if following[:1] == ["?"]:
            return True
        if not following or following[0] not in vocabulary.ARE:
            return False
        return following[0].endswith(("n't", "not")) or not vocabulary.VERDICTS.isdisjoint(following[1:3])

    def is_concluded(self, place: int) -> bool:
        """Say whether the letter ends its sentence, and nothing but "so it must be" stands before it."""
        at = self.before(place)
        is_end = self.words[self.behind(place) :] in ([], ["."], ["!"])
        return is_end and at >= 0 and vocabulary.CONCLUDING.issuperset(self.words[: at + 1])

    def is_shared(self, place: int) -> bool:
        """Say whether another letter stands beside this one: `A or B`, `(A), (C)`, `both A and B`."""
        at = self.behind(place)
        return self.words[at : at + 1] == ["or"] or self._has_next(at) or self._is_second(place)

    def _has_next(self, at: int) -> bool:
        """Say whether a letter follows at `at`: behind a comma or "and" and without a verb, or in brackets at once."""
        start = at
        while at < len(self.words) and self.words[at] in vocabulary.SHARING:
            at += 1
        while at < len(self.words) and self.words[at] in _OPENING:
            at += 1
        if self.letter(at) is None or (at == start and not self.is_wrapped(at)):
            return False
        behind = self.behind(at)
        return self.words[behind : behind + 1] == [] or self.words[behind] not in vocabulary.ARE | {":"}

    def _is_second(self, place: int) -> bool:
        at = self.before(place)
        if at < 1 or self.words[at] not in ("and", "or", "nor", "/", "&"):
            return False
        at -= 1
        while at > 0 and self.words[at] in _CLOSING | {","}:
            at -= 1
        return self.letter(at) is not None

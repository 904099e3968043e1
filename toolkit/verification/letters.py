"""Letters of options in running text: where they stand, and whether the words around them state, deny or share them."""

import re
from typing import NamedTuple

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
_NEAR = 24  # words that are looked at on one side

_LEADS = frozenset("answer answers solution choice option statement".split())
_LINKS = frozenset("is are be was : = → - seems appears".split())
_VERBS = frozenset("choose select pick chose selected picked conclude".split())
_FILL = _LINKS | frozenset(  # what may stand between "answer" and its letter
    "it its it's i i'm i'd am think believe would should must will has can may might could to go going with choose say"
    " pick select the this that these question problem problems option choice letter answer correct right best final most"
    " likely probably therefore thus hence so clearly definitely indeed actually simply my our of for above given by as"
    " follows appropriate accurate closest chosen selected multiple , \n".split(" ")
)
_GRADES = frozenset("correct right best appropriate accurate answer choice option".split())
_BEFORE_GRADES = frozenset(
    "the my our a indeed therefore clearly thus only most single one definitely also final proper be".split()
)
_UNDER = frozenset("only if when for about in but that except under unless provided as".split())  # takes a grade back
_IS = frozenset("is must should would seems was".split())
_DENIALS = frozenset(
    "not never cannot neither nor no none unlikely wrong incorrect false tempting distractor if unless whether doubt"
    " suppose supposing assume assuming trap except either eliminate eliminated exclude mistaken mistakenly misleading"
    " common first initial initially previous previously rather instead choosing picking many people students student"
    " others someone".split()
)
_CONCLUSIONS = frozenset("so therefore thus hence but because".split())  # what stands before them denies nothing
_TENTATIVE = frozenset("think say choose guess expect pick select conclude".split())  # behind "one might"
_VERDICTS = frozenset("not wrong incorrect false impossible excluded out eliminated".split())
_ARE = frozenset("is are was were has have had would does do gives can can't cannot isn't aren't wasn't fails".split())
_AFTER_WORDS = _ARE | frozenset(  # words that may follow the letters A and I where they are no words
    "because since as which with due and or given not but so for by when must should nor".split()
)


_SHARING = frozenset("and or nor , / & also maybe perhaps possibly option choice".split())


class Token(NamedTuple):
    """A word, a number or a sign, and where it stands."""

    text: str
    start: int
    end: int


def bare(text: str) -> str:
    """Text without markdown, dollar signs and LaTeX fonts, and with ASCII letters for their full-width forms."""
    text = text.replace("<answer>", "\nanswer: ").replace("</answer>", "\n")
    return _MARKUP.sub(" ", _FONT.sub("", _MARKUP.sub("", text.translate(_QUOTES)).replace("\\\\", "\n")))


class Letters:
    """The letters A to J of a text that can name options, by their place among its words."""

    def __init__(self, text: str) -> None:
        self.text = bare(text)
        self.tokens = [Token(match[0], *match.span()) for match in _TOKEN.finditer(self.text)]
        self.words = [token.text.lower() for token in self.tokens]

    def letter(self, place: int, small: bool = False) -> str | None:
        """The option that the token at `place` names; a small letter where `small`, in brackets, or at a clause's end."""
        if not 0 <= place < len(self.tokens) or self.words[place] not in _OPTIONS or self._is_joined(place):
            return None
        token, following = self.tokens[place].text, self.words[place + 1 : place + 2] or ["\n"]
        if small or self.is_wrapped(place):
            return token.upper()
        if token.islower():
            return token.upper() if following[0] in _ENDS and token != "a" else None
        is_word = token in "AI" and following[0][0].isalpha() and following[0] not in _AFTER_WORDS
        return None if is_word else token

    def _is_joined(self, place: int) -> bool:
        """Whether the letter is part of a word, a unit or a formula: `B-field`, `15 °C`, `E = mc^2`, `f(x)`."""
        _, start, end = self.tokens[place]
        before, after = self.text[start - 1 : start] if start else "", self.text[end : end + 1]
        if before in _QUOTING and after == _QUOTING[before]:
            return False
        beyond = self.text[end : end + _NEAR].lstrip()[:1]
        is_dash = after == "-" and not self.text[end + 1 : end + 2].strip()
        return (
            before in _JOINED_BEFORE
            or before.isalnum()
            or (after in _JOINED_BEHIND and not is_dash)
            or after.isalnum()
            or beyond in _RELATIONS
            or (beyond == ">" and after.isspace())
        )

    def is_wrapped(self, place: int) -> bool:
        """Whether the letter stands in brackets or quotes of its own."""
        inside = 0 < place < len(self.tokens) - 1
        return inside and self.words[place - 1] in _OPENING and self.words[place + 1] in _CLOSING

    def behind(self, place: int) -> int:
        """The place of the first token behind a letter that closes nothing."""
        place += 1
        while place < len(self.words) and self.words[place] in _CLOSING:
            place += 1
        return place

    def before(self, place: int) -> int:
        """The place of the last token before a letter that opens nothing; -1 if there is none."""
        place -= 1
        while place >= 0 and self.words[place] in _OPENING:
            place -= 1
        return place

    def is_stated(self, place: int) -> bool:
        """Whether the words around the letter give it as the answer: "answer is", "I choose", "is correct"."""
        lead = self._lead(place)
        if lead is not None:
            return not self._is_doubted(lead) and not self._is_refused(place)
        return self._is_graded(place) and not self._is_doubted(place)

    def is_denied(self, place: int) -> bool:
        """Whether the words before or behind a letter say that it is wrong, or ask."""
        return self._is_doubted(self.before(place) + 1) or self._is_refused(place)

    def _lead(self, place: int) -> int | None:
        """The place of the word before a letter that makes it an answer."""
        at, linked = self.before(place), False
        for _ in range(_NEAR):
            word = self.words[at] if at >= 0 else ""
            if (word in _LEADS and linked) or word in _VERBS or (word == "with" and self.words[at - 1][:2] == "go"):
                return self._first_lead(at)
            if word not in _FILL and word not in _OPENING:
                return None
            linked = linked or word in _LINKS
            at -= 1
        return None

    def _first_lead(self, at: int) -> int:
        """The place of the first of the words of one statement ("answer: I think it is")."""
        first = at
        for earlier in range(at, max(-1, at - _NEAR), -1):
            if self.words[earlier] not in _FILL or (self.words[earlier] in _ENDS and self.words[earlier - 1] != ":"):
                break
            if self.words[earlier] in _LEADS or self.words[earlier] in _VERBS:
                first = earlier
        return first

    def _is_graded(self, place: int) -> bool:
        at = self.behind(place)
        if self.words[at : at + 1] and self.words[at] in _IS:
            for end in range(at + 1, min(at + 7, len(self.words))):
                if self.words[end] not in _BEFORE_GRADES:
                    return self.words[end] in _GRADES and _UNDER.isdisjoint(self.words[end + 1 : end + 2])
        return False

    def _is_doubted(self, place: int) -> bool:
        """Whether the clause before `place` denies or supposes what follows."""
        clause = list[str]()
        for at in range(place - 1, max(-1, place - _NEAR), -1):
            if self.words[at] in _ENDS or self.words[at] in _CONCLUSIONS:
                break
            clause.append(self.words[at])
        denied = any(word in _DENIALS or word.endswith("n't") for word in clause)
        return denied or ("might" in clause or "may" in clause or "could" in clause) and not _TENTATIVE.isdisjoint(clause)

    def _is_refused(self, place: int) -> bool:
        """Whether what follows a letter asks about it, or says that it is wrong."""
        at = self.behind(place)
        following = self.words[at : at + 5]
        if following[:1] == ["?"]:
            return True
        return bool(following) and following[0] in _ARE and (
            following[0].endswith(("n't", "not")) or not _VERDICTS.isdisjoint(following[1:3])
        )

    def is_shared(self, place: int) -> bool:
        """Whether another letter stands beside this one: `A or B`, `(A), (C)`, `both A and B`."""
        at = self.behind(place)
        return self.words[at : at + 1] == ["or"] or self._has_next(at) or self._is_second(place)

    def _has_next(self, at: int) -> bool:
        """Whether a letter follows at `at` behind a comma or "and" (and no clause of its own), or in brackets at once."""
        start = at
        while at < len(self.words) and self.words[at] in _SHARING:
            at += 1
        while at < len(self.words) and self.words[at] in _OPENING:
            at += 1
        if self.letter(at) is None or (at == start and not self.is_wrapped(at)):
            return False
        behind = self.behind(at)
        return self.words[behind : behind + 1] == [] or self.words[behind] not in _ARE | {":"}

    def _is_second(self, place: int) -> bool:
        at = self.before(place)
        if at < 1 or self.words[at] not in ("and", "or", "nor", "/", "&"):
            return False
        at -= 1
        while at > 0 and self.words[at] in _CLOSING | {","}:
            at -= 1
        return self.letter(at) is not None

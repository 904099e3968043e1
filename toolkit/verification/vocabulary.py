"""The words around the letter of an option, grouped by what they say about it."""


def words_of(text: str) -> frozenset[str]:
    """Give the words of `text`, which are separated by spaces."""
    return frozenset(text.split())


LEADS = words_of("answer answers solution choice option statement")
LINKS = words_of("is are be was : = → - seems appears")
VERBS = words_of("choose select pick chose selected picked conclude")
FILL = LINKS | {"\n"} | words_of(  # what may stand between "answer" and its letter
    "it its it's i i'm i'd am think believe would should must will has can may might could to go going with choose say"
    " pick select the this that these question problem problems option choice letter answer correct right best final"
    " most likely probably therefore thus hence so clearly definitely indeed actually simply my our of for above given"
    " by as follows appropriate accurate closest chosen selected multiple ,"
)  # fmt: skip
GRADES = words_of("correct right best appropriate accurate answer choice option")
BEFORE_GRADES = words_of(
    "the my our a indeed therefore clearly thus only most single one definitely also final proper be"
)
UNDER = words_of("only if when for about in but that except under unless provided as")  # takes a grade back
IS = words_of("is must should would seems was")
DENIALS = words_of(
    "not never cannot neither nor no none unlikely wrong incorrect false tempting distractor if unless whether doubt"
    " suppose supposing assume assuming trap except either eliminate eliminated exclude mistaken mistakenly misleading"
    " common first initial initially previous previously rather instead choosing picking many people students student"
    " others someone"
)
CONCLUSIONS = words_of("so therefore thus hence but because")  # a denial before one does not reach beyond it
TENTATIVE = words_of("think say choose guess expect pick select conclude")  # behind "one might"
VERDICTS = words_of("not wrong incorrect false impossible excluded out eliminated")
ARE = words_of("is are was were has have had would does do gives can can't cannot isn't aren't wasn't fails")
AFTER_WORDS = ARE | words_of(  # what may follow the letters A and I where they are no words
    "because since as which with due and or given not but so for by when must should nor"
)
SHARING = words_of("and or nor , / & also maybe perhaps possibly option choice")
CHANGES = words_of("no not wait rather actually instead but")
SPEAKING = words_of("and or nor both either neither of than to with as in from by for like except not option")
CONCLUDING = words_of("so thus hence therefore then it is it's must should would be clearly , :")

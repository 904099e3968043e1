import pytest

from toolkit.prompt import user_turn
from toolkit.protocols import load_protocol
from toolkit.protocols.execution import first_prompt


def test_the_question_is_put_into_the_recipe_s_prompt():
    protocol = load_protocol("rejection_sampling", "w9 {{ question }} w9\n")
    assert first_prompt(protocol, "w1 w2") == user_turn("w9 w1 w2 w9\n")
    with pytest.raises(ValueError, match="prompt: must use the name `question`"):
        load_protocol("rejection_sampling", "Solve it.")

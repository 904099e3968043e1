"""Price a corpus of M questions with r responses each, and count the questions that a limit buys."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

# A limit that buys exactly M questions must not buy only M - 1 because of rounding.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Prices:
    """A price list, in any one currency; what is not set is free, but questions and responses cannot both be free.

    Attributes:
        question: price of one new question.
        response: price of one sampled response (accepted or not).
        tokens_per_response: its tokens, each of which costs `token`.
        token: price of one token.
        teacher_hour: price of an hour of the teacher, which samples `responses_per_hour`.
        responses_per_hour: responses that the teacher samples in an hour.
        student: price of training and scoring one student.
        student_response: what each response in a student's corpus adds to that.
        owned_questions: questions that exist already, with `owned_budget` responses each, and cost nothing.
        owned_budget: responses to each of the owned questions.
    """

    question: float = 0.0
    response: float = 0.0
    tokens_per_response: float = 0.0
    token: float = 0.0
    teacher_hour: float = 0.0
    responses_per_hour: float = 0.0
    student: float = 0.0
    student_response: float = 0.0
    owned_questions: int = 0
    owned_budget: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (np.isfinite(value) and value >= 0):
                raise ValueError(f"price list: {field.name} must be a number of at least 0, got {value}")
        if self.teacher_hour > 0 and self.responses_per_hour == 0:
            raise ValueError("price list: a teacher hour needs responses_per_hour, how many responses it yields")
        if self.question + self.sampling + self.student_response == 0:
            raise ValueError("price list: questions and responses cannot both be free, give question or response")
        if (self.owned_questions > 0) != (self.owned_budget > 0):
            raise ValueError("price list: owned_questions and owned_budget go together, one is 0")

    @property
    def sampling(self) -> float:
        """Return the whole price of one sampled response, with tokens and teacher, without the student's training."""
        hour = self.teacher_hour / self.responses_per_hour if self.responses_per_hour else 0.0
        return self.response + self.tokens_per_response * self.token + hour

    def cost(self, questions: ArrayLike, budget: ArrayLike) -> Array:
        """Return the cost of M questions with r responses each (broadcast) beyond the owned ones, plus one student."""
        m, r = np.asarray(questions, float), np.asarray(budget, float)
        sampled = m * r - np.minimum(m, self.owned_questions) * np.minimum(r, self.owned_budget)
        new = np.maximum(m - self.owned_questions, 0)
        return self.student + self.question * new + self.sampling * sampled + self.student_response * m * r

    def questions_for(self, limit: ArrayLike, budget: ArrayLike) -> Array:
        """Return the most questions (whole; 0 if none, infinite if free) that a limit buys at r responses each."""
        limit, r = np.asarray(limit, float), np.asarray(budget, float)
        per_owned = self.sampling * np.maximum(r - self.owned_budget, 0) + self.student_response * r
        per_new = self.question + (self.sampling + self.student_response) * r
        money = limit - self.student
        over = money - self.owned_questions * per_owned
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            some_new = over >= -ROUNDING * np.abs(limit)
            m = np.where(some_new, self.owned_questions + np.maximum(over, 0) / per_new, money / per_owned)
        return np.floor(np.maximum(np.where(money < 0, 0.0, m) * (1 + ROUNDING), 0.0))

    def budget_for(self, limit: ArrayLike, questions: ArrayLike) -> Array:
        """Return the responses per question (real, 0 if none) that a limit buys for M questions (broadcast)."""
        limit, m = np.asarray(limit, float), np.asarray(questions, float)
        owned = np.minimum(m, self.owned_questions)
        money = limit - self.student - self.question * (m - owned)
        fixed = owned * self.owned_budget * self.sampling
        per = (self.sampling + self.student_response) * m
        # Up to the owned budget only the questions that are not owned have to be sampled; those may be none.
        per_unowned = self.sampling * (m - owned) + self.student_response * m
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            above = (money + fixed) / per
            below = np.where(per_unowned > 0, money / per_unowned, self.owned_budget)
        return np.maximum(np.where(above >= self.owned_budget, above, below), 0.0)

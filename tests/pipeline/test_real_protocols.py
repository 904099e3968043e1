"""Protocols about language, end to end on real GSM8K questions with a loopback teacher that answers by a script.

From sampling to a release at the embedded Hub that loads and that a stranger can check; nothing is trained.
"""

import io
import json
import re

import pytest
from aiohttp import web

from tests.fakes.answers import chance
from tests.fakes.tgi import in_thread
from toolkit.pipeline import run as runs
from toolkit.pipeline.plan import contexts_of_sources
from toolkit.pipeline.stages.arm_releases import Way, arm_releases, of_first_draw
from toolkit.pipeline.stages.models import checked_models
from toolkit.pipeline.stages.publish import publish_source
from toolkit.pipeline.verify import check_named
from toolkit.progress import Progress
from toolkit.recipe.load import load_run

SEEDS, BUDGET, MARK = 6, 3, "#### "
RECIPE = """
title: Protocols about language on real questions
pool: {folder}/pool.jsonl
test_pool: {folder}/test.jsonl
answer_pattern: '####\\s*(.+)'
pool_sizes: [{seeds}]
ladder_questions: {seeds}
test_size: 12
dev_size: 4
teacher: org/teacher
teacher_revision: main
urls: ["{url}"]
concurrency: 4
max_tokens: 200
budgets: [{budget}]
fit_max: null
held_out: null
repo: local/language
arms:
  rs: {{}}
  arm: {{protocol: {protocol}, protocol_options: {{{options}}}}}
"""
OPTIONS = {
    "persona": "calls_per_round: 6",
    "evol_instruct": "",
    "orca": "",
    "web_pairs": "documents: ./pages, calls_per_round: 2",
    "supercorrect": "revisions: 1",
    "self_instruct": "asked: 3, calls_per_round: 2",
    "question_augmentation": "calls_per_round: 6",
}
RESPONSES = ("orca", "supercorrect")
JOBS = ("baker", "nurse", "carpenter", "referee", "beekeeper", "surveyor", "librarian", "tailor", "pilot", "farmer")
TEMPLATE = """<step1>
Write down what is known and calculate.
<key>
Read what is asked for first.
</key>
</step1>
<generalised>
Translate the story into operations and carry them out.
</generalised>
<answer>
\\boxed{{{answer}}}
</answer>"""


class Teacher:
    """Knows the solutions of some questions, and makes others up; wrong in a quarter of its answers."""

    def __init__(self, solutions):
        self.answers = {question: text.partition(MARK)[2].strip() for question, text in solutions.items()}

    def __call__(self, text, seed):
        kinds = {
            "You turn one question into another.": lambda: self.tagged(text.partition("<question>")[2], seed),
            "Compare two questions.": lambda: "The second has another number.\nVerdict: different",
            "Who would be likely to": lambda: (
                f"A {JOBS[seed % 10]} with {seed % 97} regulars who keeps {seed % 89} lists"
            ),
            "Write a demanding problem": lambda: f"Problem: {self.question(seed)}",
            "You write questions for a collection.": lambda: self.listed(text, seed),
            "Let one problem inspire another.": lambda: self.tagged("", seed),
            "Below is the text of a document": lambda: self.pairs(text),
            "Here is a question with its answer, copied": lambda: self.refined(text),
            "You turn a worked solution into a template": lambda: TEMPLATE.format(answer=boxed(text)),
            "You inspect a template": lambda: "All of it fits.\nNothing to change.",
        }
        return next((say() for begin, say in kinds.items() if begin in text), None) or self.answer(text, seed)

    def answer(self, text, seed):
        known = next((answer for question, answer in self.answers.items() if question in text), None)
        right = known or str(int(100 * chance(text.rpartition("\n")[2], 0)))
        wrong = str(1 + seed % 9) + right if seed % 4 == 0 else right
        return f"Way {seed % 5}: I count step by step and find \\boxed{{{wrong}}}"

    def question(self, seed):
        job, first, second = JOBS[seed % 10], seed % 97 + 2, seed % 89 + 2
        return f"The {job} fills {first} shelves with {second} jars each and gives {seed % 7} away. How many are left?"

    def tagged(self, text, seed):
        old = text.partition("</question>")[0].strip()
        return f"<question>{old} {self.question(seed)}</question>"

    def listed(self, text, seed):
        first, last = map(int, re.search(r"numbered from (\d+) to (\d+)", text).groups())
        return "\n".join(f"{number}. {self.question(seed + 31 * number)}" for number in range(first, last + 1))

    def pairs(self, text):
        found = re.findall(r"Q: (.*)\nA: (.*)", text)
        return "\n".join(f"<pair>\nQuestion: {one}\nAnswer: so \\boxed{{{answer}}}\n</pair>" for one, answer in found)

    def refined(self, text):
        question, answer = re.search(r"Question: (.*)\nAnswer: (.*)", text).groups()
        return f"<pair>\nQuestion: {question}\nAnswer: It follows that {answer}\n</pair>"


def boxed(text):
    return re.search(r"\\boxed\{(.*?)\}", text)[1]


@pytest.fixture(scope="module")
def real(shared_data, tmp_path_factory):
    """A folder with a few of the real questions and pages of others, and the URL of a teacher that knows both."""
    folder = tmp_path_factory.mktemp("gsm8k")
    if not (shared_data / "gsm8k").is_dir():
        pytest.skip(f"GSM8K not found at {shared_data / 'gsm8k'}")
    train, test = (
        [json.loads(line) for line in (shared_data / "gsm8k" / f"{part}.jsonl").read_text().splitlines()]
        for part in ("train", "test")
    )
    for name, rows in (("pool", train[:30]), ("test", test[:16])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "pages").mkdir()
    for page in range(3):
        told = [(row["question"], row["answer"].partition(MARK)[2]) for row in train[40 + 3 * page : 43 + 3 * page]]
        told[2] = told[2][0], "1234567"  # a page may be wrong
        text = "\n\n".join(f"Q: {question}\nA: {answer}" for question, answer in told)
        (folder / "pages" / f"{page}.txt").write_text(f"Homework of week {page}. Subscribe!\n\n{text}")
    teacher = Teacher({row["question"]: row["answer"] for row in train[:60]})

    async def handle(request):
        if request.method == "GET":
            return web.json_response({}, status=404)
        body = json.loads(await request.read())
        text = teacher("\n".join(message["content"] for message in body["messages"]), body["seed"])
        usage = {"prompt_tokens": len(str(body["messages"]).split()), "completion_tokens": len(text.split())}
        choice = {"message": {"content": text}, "finish_reason": "stop"}
        return web.json_response({"choices": [choice], "usage": usage})

    with in_thread(handle) as url:
        yield folder, url


@pytest.mark.parametrize(
    "protocol",
    [
        name if name in ("evol_instruct", "web_pairs") else pytest.param(name, marks=pytest.mark.slow)
        for name in OPTIONS
    ],
)
def test_a_protocol_goes_from_real_questions_to_a_release_that_a_stranger_can_check(
    real, protocol, tmp_path, monkeypatch
):
    from datasets import load_dataset

    folder, url = real
    for name in ("HF_TOKEN", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    fields = {"folder": folder, "url": url, "seeds": SEEDS, "budget": BUDGET, "options": OPTIONS[protocol]}
    recipe = folder / f"{protocol}.yaml"
    recipe.write_text(RECIPE.format(protocol=protocol, **fields))
    progress = Progress(io.StringIO())
    with runs._context(load_run(str(recipe)), tmp_path / "w", 1, progress) as context:
        pools = runs.pools_stage(context)
        models = checked_models(context, pools[context.recipe.pool], ["teacher"])
        drawn = of_first_draw(contexts_of_sources(context))
        ways = [Way(one, *runs.draw_corpus(one, pools[one.recipe.pool], models)) for one in drawn]
        published = publish_source(*ways[0], arm_releases(ways))
    assert published.failure == "" and published.pushed["release arm"].repo == "local/language-arm"
    named, checked = check_named("local/language-arm@v1.0.0", tmp_path / "w", progress=progress)
    assert named.startswith("local/language-arm@v1.0.0") and checked.problems == []
    release = published.arms["arm"].path
    rows = load_dataset(str(release), f"r{BUDGET}", split="train", cache_dir=str(tmp_path / "loaded"))
    assert 0 < len(rows) <= SEEDS * BUDGET and set(rows["verdict"]) == {"accepted"}
    card = (release / "README.md").read_text()
    assert "The arm arm" in card and ("**source expansion**" in card) == (protocol == "web_pairs")
    if protocol in RESPONSES:
        steps = load_dataset(str(release), "steps", split="train", cache_dir=str(tmp_path / "loaded"))
        assert len(steps) >= SEEDS * BUDGET
        return
    made = load_dataset(str(release), "new_questions", split="train", cache_dir=str(tmp_path / "loaded"))
    assert len(made) == SEEDS and {*rows["question_id"]} <= {*made["question_id"]}
    assert "calls sifted again: 6 new questions with their labels and ids" in "\n".join(checked.looked_at)
    if protocol == "web_pairs":
        assert any(made["verified"]) and not all(made["verified"])

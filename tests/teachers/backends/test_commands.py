import shlex
import sys
from pathlib import Path

import pytest

from toolkit.recipe.files import RecipeError
from toolkit.recipe.sections import Sampling, Serving, Teacher
from toolkit.teachers.machine import copies, served_name
from toolkit.teachers.serve import client_settings, commands

HUB = Teacher(teacher="org/Model-7B", teacher_revision="abc123")
CACHE = "/cache/hub"


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", CACHE)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def line(server, teacher=HUB, sampling=None, copy=0, **serving):
    return commands(teacher, Serving(server=server, **serving), sampling or Sampling())[copy]


def test_tgi():
    assert shlex.join(line("tgi")) == (
        "docker run --rm --name fss-teacher-8080 --gpus device=0 --shm-size 1g -p 127.0.0.1:8080:80 -e HF_TOKEN "
        "-v /cache/hub:/data ghcr.io/huggingface/text-generation-inference:3.3.7 "
        "--model-id org/Model-7B --revision abc123 --num-shard 1"
    )


def test_tgi_with_all_that_a_recipe_can_ask():
    teacher = Teacher(teacher="org/m", teacher_revision="r", quantize="awq")
    sampling = Sampling(stop=("a", "b", "c", "d", "e"))
    options = ("--max-total-tokens", "8192")
    command = line(
        "tgi", teacher, sampling, 1,
        gpus=4, shards=2, server_port=9000, concurrency=512, server_image="me/tgi:1", server_options=options,
    )  # fmt: skip
    assert command[4:8] == ["fss-teacher-9001", "--gpus", '"device=2,3"', "--shm-size"]
    assert shlex.join(command[8:]) == (
        "1g -p 127.0.0.1:9001:80 -e HF_TOKEN -v /cache/hub:/data me/tgi:1 --model-id org/m --revision r --num-shard 2 "
        "--quantize awq --max-concurrent-requests 512 --max-stop-sequences 5 --max-total-tokens 8192"
    )


def test_no_gpu():
    command = line("tgi", gpus=0)
    assert "--gpus" not in command and "--num-shard" not in command


def test_a_local_folder_is_mounted_read_only_and_needs_no_token(tmp_path):
    folder = tmp_path / "my model v1.5"
    folder.mkdir()
    local = Teacher(teacher=str(folder), teacher_revision="ignored")
    command = line("tgi", local)
    assert f"{folder}:/models/my-model-v1-5:ro" in command
    assert command[command.index("--model-id") + 1] == "/models/my-model-v1-5"
    assert "HF_TOKEN" not in command and "--revision" not in command
    assert served_name(local) == "my-model-v1-5"


def test_vllm_in_docker():
    assert shlex.join(line("vllm", shards=2, gpus=2)) == (
        "docker run --rm --name fss-teacher-8080 --gpus '\"device=0,1\"' --ipc=host -p 127.0.0.1:8080:8000 "
        "-e HF_TOKEN -v /cache/hub:/root/.cache/huggingface/hub vllm/vllm-openai:v0.23.0 org/Model-7B "
        "--served-model-name org/Model-7B --revision abc123 --tensor-parallel-size 2 --generation-config vllm"
    )


def test_vllm_without_docker_where_it_is_installed(tmp_path, monkeypatch):
    program = tmp_path / "vllm"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    teacher = Teacher(teacher="org/m", teacher_revision="r", quantize="fp8")
    assert shlex.join(line("vllm", teacher)) == (
        "vllm serve org/m --host 127.0.0.1 --port 8080 --served-model-name org/m --revision r --quantization fp8 "
        "--generation-config vllm"
    )
    assert line("vllm", teacher, server_image="my/vllm:1")[:2] == ["docker", "run"]


def test_transformers():
    teacher = Teacher(teacher="org/m", teacher_revision="r", quantize="bnb-4bit")
    assert shlex.join(line("transformers", teacher, server_options=("--dtype", "bfloat16"))) == (
        f"{sys.executable} -m transformers.cli.transformers serve org/m --host 127.0.0.1 --port 8080 "
        "--quantization bnb-4bit --dtype bfloat16"
    )


def test_endpoint():
    command = line("endpoint", instance="aws/us-east-1/nvidia-l4/x1", server_options=("--max-total-tokens", "4096"))
    assert shlex.join(command) == (
        "hf endpoints deploy fss-model-7b-04cf153c --repo org/Model-7B --accelerator gpu --vendor aws "
        "--region us-east-1 --instance-type nvidia-l4 --instance-size x1 --revision abc123 --framework custom "
        "--task text-generation --min-replica 0 --scale-to-zero-timeout 15 "
        "--custom-image ghcr.io/huggingface/text-generation-inference:3.3.7 --health-route /health "
        "--container-args '--max-total-tokens 4096' -e MODEL_ID=/repository"
    )


def test_one_copy_per_group_of_gpus(monkeypatch):
    several = Serving(server="tgi", gpus=4, shards=2)
    assert copies(several) == 2
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5,6,7")
    gpus = [command[command.index("--gpus") + 1] for command in commands(HUB, several, Sampling())]
    assert gpus == ['"device=3,5"', '"device=6,7"']


@pytest.mark.parametrize(
    ("teacher", "serving", "sampling", "named"),
    [
        (Teacher(), {"server": "tgi"}, {}, "teacher: nano"),
        (HUB, {}, {}, "server: missing"),
        (HUB, {"server": "tgi", "gpus": 3, "shards": 2}, {}, "shards: 2"),
        (HUB, {"server": "tgi", "gpus": 0, "shards": 2}, {}, "shards: 2"),
        (HUB, {"server": "vllm", "server_options": ("--api-key", "hf_secret")}, {}, "--api-key"),
        (HUB, {"server": "vllm", "server_options": ("--hf-token=hf_secret",)}, {}, "--hf-token"),
        (Teacher(teacher="o/m", quantize="awq"), {"server": "transformers"}, {}, "quantize: awq"),
        (HUB, {"server": "transformers", "server_options": ("--continuous-batching",)}, {"stop": ("x",)}, "stop"),
        (HUB, {"server": "transformers", "server_image": "me/image"}, {}, "server_image: me/image"),
        (HUB, {"server": "tgi", "gpus": 2, "server_port": 65535}, {}, "server_port: 65535"),
        (HUB, {"server": "endpoint", "instance": "aws/nvidia-l4"}, {}, "instance: aws/nvidia-l4"),
        (Teacher(teacher=str(Path.cwd())), {"server": "endpoint", "instance": "a/b/c/d"}, {}, "folder"),
    ],
)
def test_what_a_server_cannot_do_is_refused(teacher, serving, sampling, named):
    with pytest.raises(RecipeError, match=named) as refused:
        commands(teacher, Serving(**serving), Sampling(**sampling))
    assert "hf_secret" not in str(refused.value)


def test_a_client_knows_the_model_as_the_server_does(tmp_path):
    folder = Teacher(teacher=str(tmp_path / "nano"))
    (tmp_path / "nano").mkdir()
    for server, name in {"tgi": "/models/nano", "vllm": "nano", "transformers": "nano"}.items():
        assert client_settings(folder, Serving(server=server))[0].teacher == name
        assert client_settings(HUB, Serving(server=server))[0] == HUB


def test_seeds_are_kept_by_asking_transformers_one_by_one():
    batched = Serving(server="transformers", server_options=("--continuous-batching",))
    assert client_settings(HUB, Serving(server="transformers"))[1].concurrency == 1
    assert client_settings(HUB, batched)[1] == batched
    assert client_settings(HUB, Serving(server="tgi"))[1].concurrency == 128


def test_too_few_visible_gpus(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    with pytest.raises(RecipeError, match="gpus: 2, but CUDA_VISIBLE_DEVICES names 1"):
        line("tgi", gpus=2)

"""tests/bench: it measures all that it says, and its load generator takes no wrong answer for a right
one. Which figures come out is no matter of a test."""

import json
import re
import statistics
import subprocess

import pytest

from lib.instance import BUILD, SOURCE
from lib.people import GOOD_PIN

SCENARIOS = {"sign-1", "sign-1-otp", "batch-100", "batch-100-otp", "cold-1", "cold-1-otp"}
KINDS = {"api", "sams", "postgres"}


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """What a short run prints, and its JSON."""
    file = tmp_path_factory.mktemp("bench") / "quick.json"
    done = subprocess.run(
        [SOURCE / "tests/bench/run", "--quick", "--build", BUILD, "--keys", "p-256",
         "--json", file], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(file.read_text())


@pytest.mark.slow
def test_every_scenario_is_measured(quick):
    _, measured = quick
    assert {one["name"] for one in measured["results"]} == SCENARIOS
    for one in measured["results"]:
        assert one["signatures"] > 0 and one["raw"] > 0 and one["commits_per_signature"] > 0, one


@pytest.mark.slow
def test_signatures_are_verified_outside_the_window(quick):
    _, measured = quick
    assert all(one["verified"] > 0 for one in measured["results"])


@pytest.mark.slow
def test_bare_rates_stand_before_and_after_each_window(quick):
    _, measured = quick
    assert {one["way"]: len(one["rates"]) for one in measured["raw"]} == {"hot": 7, "cold": 4}


@pytest.mark.slow
def test_a_share_is_the_median_of_its_windows(quick):
    _, measured = quick
    for one in measured["results"]:
        assert len(one["shares"]) == (2 if one["factors"] == "PIN" else 1), one
        assert one["share"] == pytest.approx(statistics.median(one["shares"])), one


@pytest.mark.slow
def test_cpu_and_memory_are_told_by_kind_of_process(quick):
    _, measured = quick
    for one in measured["results"]:
        assert set(one["memory"]) == KINDS and min(one["memory"].values()) > 0, one
        assert set(one["cpu_us"]) == KINDS | {"load"}, one


@pytest.mark.slow
def test_postgres_is_as_durable_as_in_earnest(quick):
    _, measured = quick
    durable = {name: measured["durability"][name]
               for name in ("fsync", "synchronous_commit", "full_page_writes")}
    assert set(durable.values()) == {"on"}, durable


@pytest.mark.slow
def test_the_table_has_a_row_for_each(quick):
    text, measured = quick
    for one in measured["results"]:
        rows = [line for line in text.splitlines() if line.startswith(f"| {one['title']} | p-256 |")]
        assert len(rows) == 2 and f"{one['floor']:.2f}" in rows[0], rows


# -- the load generator --

@pytest.fixture
def load(server, client, subscriber, tmp_path):
    """Runs it with one person's plan; changed words are those of the plan's line."""
    token, plan = tmp_path / "token", tmp_path / "plan"
    token.write_text(client.token())

    def run(*arguments, pin=GOOD_PIN, otp=None, lines=""):
        plan.write_text(f"{subscriber.credential} {pin} {otp or subscriber.next_otp()}"
                        f" {subscriber.sign_algo}\n")
        return subprocess.run(
            [BUILD / "tests/bench_load", "--port", str(server.port), "--ca", server.cacert,
             "--token", token, "--plan", plan, "--connections", "1", "--once",
             *map(str, arguments)], input=lines, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=30, check=False)
    return run


def test_the_load_generator_counts_what_was_signed(load, tmp_path):
    done = load("--mode", "batch", "--hashes", 7, "--seconds", 10, "--samples", tmp_path / "samples")
    assert done.returncode == 0, done.stderr
    begin, end, found = done.stdout.splitlines()
    found = json.loads(found)
    assert (begin, end, found["signatures"], found["exhausted"]) == ("begin", "end", 7, True)
    assert found["authorize"]["count"] == found["sign"]["count"] == 1


def test_the_load_generator_signs_one_authorisation_to_its_end(load, tmp_path):
    done = load("--mode", "sign", "--hashes", 9, "--batches", 1, "--seconds", 10,
                "--samples", tmp_path / "samples")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["sign"]["count"] == found["signatures"] == 8  # the first is signed to warm up


def test_the_load_generator_runs_a_window_for_each_line(load):
    done = load("--mode", "sign", "--hashes", 9, "--batches", 1, "--seconds", 10, "--wait",
                lines="go\ngo\n")
    assert done.returncode == 0, done.stderr
    words = done.stdout.splitlines()
    assert [word for word in words if word[0] != "{"] == ["ready", "begin", "end", "begin", "end"]
    first, second = [json.loads(word) for word in words if word[0] == "{"]
    assert (first["signatures"], second["signatures"], second["sign"]["count"]) == (8, 0, 8)


def test_the_load_generator_stops_at_a_refusal(load):
    done = load("--mode", "batch", "--hashes", 2, pin="not-his-own-1")
    assert done.returncode == 1
    assert re.search(r"authorize was refused: HTTP/1.1 400", done.stderr), done.stderr

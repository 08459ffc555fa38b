"""What every backend must do."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain

import pandas as pd
import pytest

from dse.errors import UserError
from dse.store.plain import DamagedError, flat_columns
from dse.store.queue import MAX_CRASHES
from dse.store.records import Counts, EpochResult
from dse.store.store import Store
from tests.store.conftest import Open
from tests.store.records import PROXY, SHAPE, candidate, fill, result, study, trial


def test_a_new_store_holds_nothing(store: Store) -> None:
    assert store.study() is None
    assert store.counts() == Counts()
    assert store.claim("worker") is None
    assert store.best() is None


def test_a_study_comes_back_as_it_was_put_in(store: Store, open_store: Open) -> None:
    asked = study(proxy=PROXY)
    store.create_study(asked)
    assert store.study() == asked
    assert open_store().study() == asked


def test_the_same_study_may_be_put_in_again(store: Store) -> None:
    store.create_study(study())
    store.create_study(study(name="renamed", provenance={"dse": "0.2.0"}))
    stored = store.study()
    assert stored is not None
    assert stored.name == "toy"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"space_hash": "b" * 64}, "its space is toy_space (aaaaaaaaaaaa)"),
        ({"seed": 1}, "its seed is 0, asked is 1"),
        ({"design": {"repeat": 0.5}}, "its design.repeat is 0.25, asked is 0.5"),
        (
            {"budget": {"flops": 2e9, "tolerance": 0.01, "resolution": 224}},
            "its budget.flops is 4500000000.0",
        ),
        (
            {"proxy": PROXY | {"recipe": {"batch_size": 32, "betas": (0.9, 0.999)}}},
            "its proxy.recipe.batch_size is 64, asked is 32",
        ),
    ],
)
def test_another_study_is_refused_with_what_differs(
    store: Store, changes: dict[str, object], words: str
) -> None:
    store.create_study(study())
    with pytest.raises(UserError) as refusal:
        store.create_study(study(**changes))
    assert words in str(refusal.value)
    assert str(refusal.value).count("asked is") == 1


def test_how_often_a_training_is_kept_is_no_other_study(store: Store) -> None:
    kept = study()
    store.create_study(study(proxy=kept.proxy | {"checkpoint_epochs": 2}))
    store.create_study(kept)
    store.create_study(study(proxy=kept.proxy | {"checkpoint_epochs": 5}))


def test_adding_twice_adds_once_and_extending_keeps_results(store: Store) -> None:
    fill(store, 2)
    claim = store.claim("worker")
    assert claim is not None
    store.complete(claim, result())
    fill(store, 2)
    fill(store, 4)
    assert store.networks() == 4
    assert store.counts() == Counts(waiting=3, complete=1)


def test_a_network_that_is_sampled_differently_is_refused(store: Store) -> None:
    fill(store, 2)
    with pytest.raises(UserError, match="network 1 there is not the one"):
        store.add_candidates([candidate(0), candidate(1, hash="other")])


def test_a_trial_with_another_seed_is_refused_and_nothing_of_the_batch_is_kept(
    store: Store,
) -> None:
    fill(store, 2)
    with pytest.raises(UserError, match="network 1 was trained there from seed 1000, not 7"):
        store.add_trials([trial(0, 1), replace(trial(1), seed=7)])
    assert store.counts() == Counts(waiting=2)


def test_trials_are_claimed_by_replicate_then_index(store: Store) -> None:
    store.create_study(study())
    store.add_candidates(candidate(index) for index in (2, 0, 1))
    store.add_trials([trial(1, 1), trial(2), trial(0), trial(1), trial(0, 1)])
    order = []
    while claim := store.claim("worker"):
        order.append((claim.replicate, claim.index))
        assert claim.seed == 1000 * claim.index + claim.replicate
        assert claim.architecture == candidate(claim.index).architecture
    assert order == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]


def test_no_trial_is_claimed_twice_by_many_at_once(open_store: Open) -> None:
    fill(open_store(), 40, replicates=2)
    start = threading.Barrier(8)

    def pull(store: Store) -> list[tuple[int, int]]:
        start.wait()
        claims = iter(lambda: store.claim("worker"), None)
        return [(claim.index, claim.replicate) for claim in claims if claim]

    with ThreadPoolExecutor(8) as threads:
        claimed = [*chain.from_iterable(threads.map(pull, [open_store() for _ in range(8)]))]
    assert sorted(claimed) == [(index, copy) for index in range(40) for copy in range(2)]


def test_a_result_is_stored_with_its_curve(store: Store) -> None:
    fill(store, 1)
    claim = store.claim("worker")
    assert claim is not None
    assert store.complete(claim, result(0.25))
    row = store.population().iloc[0]
    assert (row["state"], row["error"], row["train_loss"]) == ("complete", 0.25, 1.5)
    assert (row["seconds"], row["test_images"], row["classes"]) == (12.5, 2000, 20)
    assert (row["device"], row["dtype"]) == ("cpu", "float32")
    assert (row["learning_rate"], row["micro_batch"]) == (2e-3, 32)
    assert row["reason"] is None
    assert store.curves().to_dict("list") == {
        "index": [0, 0],
        "replicate": [0, 0],
        "epoch": [1, 2],
        "step": [10, 20],
        "train_loss": [2.5, 1.5],
        "error": [0.9, 0.25],
        "grad_norm": [3.5, 2.5],
    }


def test_a_result_is_stored_once(store: Store) -> None:
    fill(store, 1)
    claim = store.claim("worker")
    assert claim is not None
    assert store.complete(claim, result(0.25))
    assert store.complete(claim, result(0.75)), "it is stored, whatever the second call says"
    assert store.population()["error"].tolist() == [0.25]
    assert len(store.curves()) == 2


def test_a_lost_claim_cannot_overwrite_the_new_owner(store: Store) -> None:
    fill(store, 1)
    lost = store.claim("slow worker")
    assert lost is not None
    store.release(lost, "the run was interrupted")
    assert not store.complete(lost, result(0.75)), "it waits again: the old claim is void"
    new = store.claim("new worker")
    assert new is not None
    assert not store.complete(lost, result(0.75))
    assert store.counts() == Counts(running=1)
    assert store.complete(new, result(0.25))
    assert store.population()["error"].tolist() == [0.25]


def test_a_result_whose_curve_cannot_be_stored_is_not_stored_at_all(store: Store) -> None:
    fill(store, 1)
    claim = store.claim("worker")
    assert claim is not None
    twice = EpochResult(epoch=1, step=10, train_loss=2.5, error=0.9)
    with pytest.raises(Exception, match=r"(?i)unique"):
        store.complete(claim, result(epochs=(twice, twice)))
    assert store.counts() == Counts(running=1)
    assert store.curves().empty
    assert store.complete(claim, result())


@pytest.mark.parametrize("state", ["diverged", "out_of_memory", "failed"])
def test_a_bad_end_is_kept_with_its_reason(store: Store, state: str) -> None:
    fill(store, 1)
    claim = store.claim("worker")
    assert claim is not None
    bad = result(state=state, reason="because", error=None, train_loss=None, epochs=())
    assert store.complete(claim, bad)
    assert store.counts() == Counts(**{state: 1})
    row = store.population().iloc[0]
    assert (row["state"], row["reason"]) == (state, "because")
    assert pd.isna(row["error"])


def test_giving_a_trial_back_costs_no_attempt(store: Store) -> None:
    fill(store, 1)
    for _ in range(2 * MAX_CRASHES):
        assert store.claim("worker") is not None
        assert store.release("worker", "Ctrl-C") == 1
    assert store.counts() == Counts(waiting=1)
    assert store.population()["reason"].tolist() == ["Ctrl-C"]


def test_a_training_that_keeps_killing_its_worker_is_given_up_with_the_reason(
    store: Store,
) -> None:
    fill(store, 2)
    for crash in range(MAX_CRASHES):
        claim = store.claim("doomed")
        assert claim is not None
        assert claim.index == 0
        assert store.crashed("doomed", "killed") == (crash < MAX_CRASHES - 1)
    assert store.counts() == Counts(waiting=1, failed=1)
    assert store.population()["reason"].tolist() == ["given up after 5 attempts: killed", None]


def test_only_the_dead_workers_trial_waits_again(store: Store) -> None:
    fill(store, 2)
    store.claim("dead")
    alive = store.claim("alive")
    assert alive is not None
    assert store.crashed("dead", "killed") == 1
    assert store.counts() == Counts(waiting=1, running=1)
    assert store.complete(alive, result())


def test_a_finished_trial_is_not_requeued(store: Store) -> None:
    fill(store, 1)
    claim = store.claim("worker")
    assert claim is not None
    store.complete(claim, result())
    assert store.crashed("worker", "killed") == 0
    assert store.release("worker", "Ctrl-C") == 0
    assert store.release(claim, "Ctrl-C") == 0
    assert store.counts() == Counts(complete=1)


def test_the_best_is_the_lowest_error(store: Store) -> None:
    fill(store, 3)
    for error in (0.5, 0.25, 0.75):
        claim = store.claim("worker")
        assert claim is not None
        store.complete(claim, result(error))
    assert store.best() == (1, 0.25)


def test_the_population_has_its_columns_and_types_whatever_is_in_it(store: Store) -> None:
    empty = store.population()
    fill(store, 2)
    claim = store.claim("worker")
    assert claim is not None
    store.complete(claim, result())
    full = store.population()
    assert list(full.columns) == [
        *empty.columns,
        "arch.dims.1",
        "arch.dims.2",
        "arch.kernel_sizes.1",
        "arch.kernel_sizes.2",
        "arch.depths.1",
        "arch.depths.2",
        "arch.stem",
        "arch.ls_init_value",
    ]
    for column in empty.columns:
        assert full[column].dtype == empty[column].dtype, column
    assert full["study"].tolist() == ["toy", "toy"]
    assert full["state"].tolist() == ["complete", "waiting"]
    assert full["arch.depths.2"].tolist() == [1, 2]
    assert full["architecture"].tolist() == [candidate(i).architecture for i in range(2)]
    assert full["test_images"].tolist() == [2000, 0]
    assert full["classes"].tolist() == [20, 20], "the data set's, known from the other trial"
    assert store.curves().dtypes.to_dict() == {
        "index": "int64",
        "replicate": "int64",
        "epoch": "int64",
        "step": "int64",
        "train_loss": "float64",
        "error": "float64",
        "grad_norm": "float64",
    }


def test_a_choice_of_each_stage_has_the_same_columns_in_every_network(store: Store) -> None:
    choices = [
        {"expansion_ratio": 4.0, "group_width": None, "norms_per_block": 1},
        {"expansion_ratio": [4.0, 0.5], "group_width": [8, 16], "norms_per_block": [0, 1]},
        {"expansion_ratio": 2.0, "group_width": 8, "norms_per_block": 2},
        {"expansion_ratio": 1.0, "group_width": 4, "depths": [1], "dims": [8]},
    ]
    networks = [SHAPE | {"depths": [1, 2]} | choice for choice in choices]
    store.create_study(study())
    store.add_candidates(candidate(i, architecture=a) for i, a in enumerate(networks))
    store.add_trials(trial(i) for i in range(4))
    population = store.population()
    assert [c for c in population if c.startswith(("arch.expansion", "arch.group"))] == [
        "arch.expansion_ratio.1",
        "arch.expansion_ratio.2",
        "arch.group_width.1",
        "arch.group_width.2",
    ]
    assert population["arch.expansion_ratio.1"].tolist() == [4.0, 4.0, 2.0, 1.0]
    assert population["arch.expansion_ratio.2"][:3].tolist() == [4.0, 0.5, 2.0]
    assert population["arch.group_width.1"][1:].tolist() == [8, 8, 4]
    assert population["arch.group_width.2"][1:3].tolist() == [16, 8]
    assert population.loc[0, ["arch.group_width.1", "arch.group_width.2"]].isna().all()
    assert population.loc[3, ["arch.expansion_ratio.2", "arch.group_width.2"]].isna().all()
    assert population["arch.norms_per_block"].dropna().tolist() == [1, 2], "a count, no stages"
    assert population["architecture"].tolist() == networks, "as they were put in"


def test_a_choice_that_is_one_number_everywhere_has_one_column(store: Store) -> None:
    store.create_study(study())
    store.add_candidates(
        candidate(i, architecture=SHAPE | {"depths": [1, i + 1], "expansion_ratio": i + 1.0})
        for i in range(2)
    )
    store.add_trials(trial(i) for i in range(2))
    population = store.population()
    assert population["arch.expansion_ratio"].tolist() == [1.0, 2.0]
    assert "arch.expansion_ratio.1" not in population


def test_a_network_without_a_list_of_depths_cannot_be_spelt_out() -> None:
    with pytest.raises(DamagedError, match="depths are no list"):
        flat_columns([{"depths": 3, "group_width": 8}, {"depths": [3], "group_width": [8]}])

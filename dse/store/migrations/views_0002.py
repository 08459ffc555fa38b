"""The views of schema version 2: the store as a person reads it with SQL."""

from __future__ import annotations

from typing import Final

POPULATION: Final = """
SELECT
    s.name AS study, s.kind AS kind, t."index" AS network, t.replicate, t.seed,
    t.state, t.reason, t.error, t.train_loss, t.seconds, t.test_images, t.classes,
    t.device, t.dtype, t.learning_rate, t.micro_batch,
    t.attempts, t.crashes, t.last_reason, t.started, t.finished,
    c.flops, c.params, c.activations, c.architecture
FROM dse_trials t
JOIN dse_candidates c ON c.study_id = t.study_id AND c."index" = t."index"
JOIN dse_studies s ON s.id = t.study_id
WHERE t."index" >= 0
"""
CURVES: Final = """
SELECT
    s.name AS study, s.kind AS kind, t."index" AS network, t.replicate,
    e.epoch, e.step, e.train_loss, e.error, e.grad_norm
FROM dse_epochs e
JOIN dse_trials t ON t.id = e.trial_id
JOIN dse_studies s ON s.id = t.study_id
WHERE t."index" >= 0
"""
PROGRESS: Final = """
SELECT
    s.name AS study, s.kind AS kind, count(t.id) AS trials,
    count(t.id) FILTER (WHERE t.state = 'waiting') AS waiting,
    count(t.id) FILTER (WHERE t.state = 'running') AS running,
    count(t.id) FILTER (WHERE t.state = 'complete') AS complete,
    count(t.id) FILTER (WHERE t.state = 'stopped') AS stopped,
    count(t.id) FILTER (WHERE t.state = 'diverged') AS diverged,
    count(t.id) FILTER (WHERE t.state = 'out_of_memory') AS out_of_memory,
    count(t.id) FILTER (WHERE t.state = 'failed') AS failed,
    coalesce(sum(t.crashes), 0) AS crashes,
    min(t.error) FILTER (WHERE t."index" >= 0) AS best_error,
    sum(t.seconds) AS seconds,
    min(t.started) AS first_started, max(t.finished) AS last_finished
FROM dse_studies s
LEFT JOIN dse_trials t ON t.study_id = s.id
GROUP BY s.id, s.name, s.kind
"""
BEST: Final = """
SELECT
    b.study, b.kind,
    rank() OVER (PARTITION BY b.study ORDER BY b.mean_error) AS place,
    b.network, b.seeds, b.mean_error, b.lowest_error, b.highest_error, b.test_images,
    c.flops, c.params, c.activations, c.architecture
FROM (
    SELECT
        s.id AS study_id, s.name AS study, s.kind AS kind, t."index" AS network,
        count(*) AS seeds, avg(t.error) AS mean_error,
        min(t.error) AS lowest_error, max(t.error) AS highest_error,
        min(t.test_images) AS test_images
    FROM dse_trials t
    JOIN dse_studies s ON s.id = t.study_id
    WHERE t.state = 'complete' AND t."index" >= 0
    GROUP BY s.id, s.name, s.kind, t."index"
) b
JOIN dse_candidates c ON c.study_id = b.study_id AND c."index" = b.network
"""
RUNNING: Final = """
SELECT
    s.name AS study, s.kind AS kind, t."index" AS network, t.replicate,
    t.worker, t.run, t.attempts, t.crashes, t.step, t.steps, t.loss, t.started
FROM dse_trials t
JOIN dse_studies s ON s.id = t.study_id
WHERE t.state = 'running'
"""
MEASURED: Final = """
SELECT
    s.name AS study, s.kind AS kind, c."index" AS network, m.name, m.value, m.low, m.high, m.n,
    m.unit, m.device, m.dtype, m.batch, m.layout, m.resolution, m.measured
FROM dse_measurements m
JOIN dse_candidates c ON c.id = m.candidate_id
JOIN dse_studies s ON s.id = c.study_id
WHERE c."index" >= 0
"""
VIEWS: Final = {
    "dse_population": POPULATION,
    "dse_curves": CURVES,
    "dse_progress": PROGRESS,
    "dse_best": BEST,
    "dse_running": RUNNING,
    "dse_measured": MEASURED,
}

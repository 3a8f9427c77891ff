"""Judges that are off their scale or at odds with raters are named in the log, on the page and in a comparison."""

import json
from functools import partial

import numpy as np
import pytest
from hydra import compose, initialize_config_module
from rated_squares import rated_squares

from judge.data.tables import read_table
from judge.experiment import run as runs
from judge.experiment.compare import compare, run_table
from judge.experiment.run_folder import RunDir
from judge.jury import embedding
from judge.jury.ridge import ridge

# few rendered people before the packaged network's last layer, much of which hardly varies among them
FEW = [
    "judge=embedding",
    "judge.embedding.size=96",
    "data.n=260",
    "data.size=48",
    "data.progress=false",
    "data.workers=1",
    "pool.n=50",
    "pool.majority_share=.6",
    "entrants.n=60",
    "entrants.held_out=.5",
    "audit.n_permutations=99",
    "threads=1",
]
# squares whose rating is their brightness, which a small random network reads
SQUARES = [
    "judge=embedding",
    "judge.embedding.backbone=test_efficientnet",
    "judge.embedding.weights=none",
    "judge.embedding.size=32",
    "data=folder",
    "data.rating_range=[1,9]",
    "pool.feature=gender",
    "pool.majority=women",
    "pool.majority_share=.7",
    "pool.n=60",
    "entrants.n=60",
    "entrants.held_out=.5",
    "contest.brackets=[]",
    "report.page=false",
    "audit.n_permutations=99",
    "threads=1",
]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def run(cache, monkeypatch):
    monkeypatch.setenv("JUDGE_CACHE", str(cache))

    def one(folder, *overrides, settings=FEW):
        with initialize_config_module("judge.conf", version_base="1.3"):
            runs.run(compose("config", overrides=[*settings, *overrides]), folder)
        return RunDir(folder)

    return one


@pytest.fixture
def squares(run, cache):
    root = cache / "squares"
    if not (root / "manifest.csv").is_file():
        rated_squares(root, n=200).to_csv(root / "manifest.csv", index=False)
    return partial(run, settings=[*SQUARES, f"data.root={root}"])


def test_features_divided_by_next_to_nothing_are_caught_wherever_the_winners_are_told(
    run, tmp_path, monkeypatch, caplog
):
    sound = run(tmp_path / "sound")
    assert (sound.table("judges")["off_scale"] == 0).all()
    assert "leaves the rating scale" not in caplog.text
    monkeypatch.setattr(embedding, "ridge", partial(ridge, prior=0.0))
    broken = run(tmp_path / "broken", "seed=1")
    table = broken.table("judges").set_index("condition")
    scores = broken.table("scores").query("judge == 'beauty'").groupby("condition")["score"]
    assert (table["off_scale"] > 0).any()
    for condition, row in table.iterrows():
        of_judge = scores.get_group(condition)
        assert row["off_scale"] == ((of_judge < 1 - 0.9) | (of_judge > 10 + 0.9)).sum()
        assert (row["score_low"], row["score_high"]) == pytest.approx((of_judge.min(), of_judge.max()))
    assert "leaves the rating scale: its scores go from" in caplog.text
    assert (
        "leaves the rating scale"
        in (broken / "page.html").read_text().partition("<h2")[2].partition("<h2")[0]
    )
    assert "leaves the rating scale" not in (sound / "page.html").read_text()
    (page,) = compare([tmp_path], tmp_path / "compare")
    n = int((table["off_scale"] > 0).sum())
    assert f"{n} of 4 judges leave the rating scale" in page.read_text().partition("</section>")[0]
    told = read_table(tmp_path / "compare" / "runs.parquet").drop_duplicates(["seed", "condition"])
    assert (
        told.set_index(["seed", "condition"]).loc[(1, "skewed"), "score_low"]
        == table.loc["skewed", "score_low"]
    )


def test_a_judge_of_noise_hardly_agrees_and_one_of_the_ratings_does(squares, tmp_path, monkeypatch, caplog):
    taught = squares(tmp_path / "taught").table("judges").set_index("condition")
    assert (taught["agreement"] > 0.9).all()
    assert "hardly agrees" not in caplog.text
    fit = embedding.EmbeddingJudge.fit
    rng = np.random.default_rng(0)

    def taught_noise(self, train_manifest, *args, **options):
        told = train_manifest.assign(rating=rng.permutation(train_manifest["rating"]))
        return fit(self, told, *args, **options)

    monkeypatch.setattr(embedding.EmbeddingJudge, "fit", taught_noise)
    home = squares(tmp_path / "noise")
    noise = home.table("judges").set_index("condition")
    people = home.table("manifest").set_index("image_id")["rating"]
    scores = home.table("scores").query("condition == 'skewed' and judge == 'beauty'")
    r = np.corrcoef(scores["score"], scores["image_id"].map(people))[0, 1]
    assert noise.loc["skewed", "agreement"] == pytest.approx(r)
    z, half = np.arctanh(r), 1.959964 / np.sqrt(60 - 3)
    assert noise.loc["skewed", ["ci_low", "ci_high"]].tolist() == pytest.approx(np.tanh([z - half, z + half]))
    weak = noise.index[noise["agreement"] < 0.3]
    assert len(weak) and all(f"`{name}` hardly agrees with the raters" in caplog.text for name in weak)
    assert (noise["n_rated"] == 60).all() and set(noise["rated"]) == {"entrants"}


def test_where_entrants_are_not_rated_on_the_scale_the_validation_part_is_asked(squares, tmp_path):
    unrated = rated_squares(tmp_path / "other", n=40, seed=5)
    unrated.drop(columns="rating").to_csv(tmp_path / "other" / "manifest.csv", index=False)
    other = [
        "data@entrants_data=folder",
        f"entrants_data.root={tmp_path}/other",
        "entrants.n=24",
        "pool.validation=.3",
    ]
    home = squares(tmp_path / "run", *other)
    judges = home.table("judges").set_index("condition")
    apart = home.table("membership").query("role == 'validation'").groupby("condition")["image_id"].nunique()
    assert set(judges["rated"]) == {"validation"}
    assert judges["n_rated"].to_dict() == apart.to_dict()
    assert (apart >= 10).all() and (judges["agreement"] > 0.9).all()


def test_a_run_that_did_not_check_its_judges_is_said_to(squares, tmp_path):
    home = squares(tmp_path / "old")
    for file in home.path.glob("judges.*"):
        file.unlink()
    done = json.loads((home / "done.json").read_text())
    del done["comparison"]  # as in runs of that time
    (home / "done.json").write_text(json.dumps(done))
    table, _ = run_table([home])
    assert table["off_scale"].isna().all()
    (page,) = compare([tmp_path / "old"], tmp_path / "compare")
    assert "2 judges of 2 come from runs that did not check theirs" in page.read_text()

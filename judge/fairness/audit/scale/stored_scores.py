"""The scores of people who are counted and not held: sorted files, and the rows of the audit made from them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from judge.errors import InputError, listed
from judge.fairness.audit.entrants import Entrants
from judge.fairness.audit.rows import ALL_OTHERS, Rows
from judge.fairness.audit.scale.cells import CellColumns, number
from judge.fairness.audit.scale.database import Database, Limits, quoted
from judge.fairness.audit.scale.stream.collected import Collected, collected
from judge.fairness.audit.scale.stream.moments import People, group_metrics_of_stream
from judge.fairness.audit.scale.stream.outranking import outranking
from judge.fairness.audit.scale.stream.places import Filled, filled
from judge.fairness.audit.scale.stream.prefixes import Prefixes
from judge.fairness.audit.scale.stream.ranks import RankSums, Standing, mean_exposure
from judge.fairness.audit.scale.stream.sorted_scores import Piece, SortedScores
from judge.fairness.audit.score_rows import MAX_SHUFFLED, add_group_metrics, add_ndkl_test
from judge.fairness.audit.winners import Chosen
from judge.fairness.counts import Counts
from judge.fairness.inference.settings import Inference
from judge.fairness.metrics.attention import exposure_ratios_of
from judge.fairness.metrics.score_errors import ERROR_METRICS
from judge.storage.atomic import writing

#: Rows sorted in DuckDB that arrive together.
_BATCH = 1 << 18
#: Most brackets × groups for which sums over the ranking are kept, some 150 bytes each.
MOST_COMPARED = 10_000_000
#: Scores are counted before they are sorted where there are so many times fewer of them than people.
_FEWER = 8


class StoredScores:
    """Each score of the table sorted on disk, once; as `judge.fairness.audit.score_rows.HeldScores` has them in memory.

    Parameters
    ----------
    data : Database
        The files.
    columns : CellColumns
        Their distinct rows, read from `data`.
    people : Entrants
        Of these columns.
    limits : Limits
        People collected and rows read at a time.
    """

    def __init__(
        self,
        data: Database,
        columns: CellColumns,
        people: Entrants,
        *,
        limits: Limits,
    ) -> None:
        self.data, self.columns, self.people, self.limits = data, columns, people, limits
        #: What rests on a sample of people: a sentence each.
        self.notes: list[str] = []
        codes = np.column_stack([people.bracket.code, *(codes.code for codes in people.features.values())])
        cells, self._cell_of_row = np.unique(codes.astype(np.int64), axis=0, return_inverse=True)
        self._cell_of_row = self._cell_of_row.ravel()
        self.bracket = cells[:, 0]
        self.feature = {name: cells[:, i] for i, name in enumerate(people.features, 1)}
        self._sorted: dict[str, SortedScores] = {}
        self._cells_known = False

    def chosen(self, places: int | None) -> list[Chosen | Filled]:
        """Each selection there is: by the winner column, and by each score where places are to be filled."""
        people = self.people
        found: list[Chosen | Filled] = []
        if people.winner is not None:
            found.append(Chosen(people.winner_column, people.winner))
        for name in people.scores if places is not None else ():
            if places is not None and self.scored(name):
                n = self._by_bracket(name)
                scores = self._scores(name)
                found.append(
                    filled(name, scores, bracket=self.bracket, feature=self.feature, n=n, places=places)
                )
        return found

    def scored(self, name: str) -> int:
        """How many people have a finite score."""
        weight = self.people.weight
        return 0 if weight is None else int(weight[np.isfinite(self.people.scores[name])].sum())

    def add_rows(self, rows: Rows, name: str, feature: str, *, reference: str | None, how: Inference) -> int:
        """Rows of ranks and scores by one feature; returns how many people with a score have no rating."""
        codes = self.people.features[feature]
        if (size := len(codes.names) * len(self.people.bracket.names)) > MOST_COMPARED:
            raise InputError(
                f"{feature} has {len(codes.names):,} groups in {len(self.people.bracket.names):,} brackets: of these "
                f"{size:,} pairs at most {MOST_COMPARED:,} are compared out of core"
            )
        base = None if reference is None else codes.names.index(reference)
        self._add_ranking_rows(rows, name, feature, base=base, reference=reference, how=how)
        return self._add_score_rows(rows, name, feature, how=how)

    def _add_ranking_rows(
        self, rows: Rows, name: str, feature: str, *, base: int | None, reference: str | None, how: Inference
    ) -> None:
        names, n = self.people.features[feature].names, self._by_group(name, feature)
        groups, total = len(names), int(n.sum())
        rows = rows.sharing(bracket="within" if (n.sum(axis=1) > 0).sum() > 1 else "all")
        seed = how.seed()
        standings = partial(self._standings, name, feature, n)

        def collect(wanted: NDArray[np.bool_], whole: NDArray[np.bool_] | None = None) -> Collected:
            return collected(standings, wanted=wanted, n=n, most=self.limits.people, seed=seed, whole=whole)

        tested = total <= MAX_SHUFFLED and groups > 1
        sums, prefixes = RankSums(n, base), None if tested else Prefixes(n, seed=seed)
        for standing in standings():
            sums.add(standing, mean_exposure(standing.above, standing.size))
            if prefixes is not None:
                prefixes.add(standing)
        sums.finish()
        if prefixes is None:
            everybody = collect(n > 0, n > 0)
            new = np.ones(total, bool)
            new[1:] = (np.diff(everybody.bracket) != 0) | (np.diff(everybody.above) != 0)
            add_ndkl_test(rows, everybody.group, everybody.bracket, np.cumsum(new) - 1, groups, how=how)
        else:
            flag = f"no test above {MAX_SHUFFLED} entrants" if groups > 1 else ""
            rows.add("ndkl", "all groups", prefixes.value(), total, flag=flag)
        if groups < 2:
            return
        rows = rows.sharing(reference=ALL_OTHERS if reference is None else reference)
        sampled: dict[int, str] = {}

        def pools(group: int, brackets: NDArray) -> list[NDArray]:
            wanted = np.zeros(n.shape, bool)
            wanted[brackets] = True
            if base is not None:
                wanted[:, [g for g in range(groups) if g not in (group, base)]] = False
            there = int(n[wanted].sum())
            if there > self.limits.people:
                sampled[group] = (
                    f"interval from {self.limits.people:,} of these {there:,} people, drawn at random (--seed)"
                )
            both = collect(wanted)
            seen = both.seen
            edges = [np.searchsorted(both.bracket, [b, b + 1]) for b in brackets]
            return [seen[start:stop] for start, stop in edges]

        exposures = exposure_ratios_of(
            n, sums.powers.reshape(3, *n.shape), pools, base=base, confidence=how.confidence, rng=how.rng
        )
        size = n.sum(axis=0)
        compared = [g for g in range(groups) if g != base]
        for g in compared:
            value, low, high = exposures[g]
            named = "" if np.isnan(low) else "permutation test inverted"
            flag = sampled.get(g, "")
            rows.add(
                "exposure_ratio",
                names[g],
                value,
                size[g],
                ci_low=low,
                ci_high=high,
                interval=named,
                flag=flag,
            )
        if sampled:
            self.notes.append(
                _on_samples("exposure ratio (interval)", feature, name, [names[g] for g in sampled])
            )
        drawn = []
        for g in compared:
            found = outranking(sums, g, collect=collect, most=self.limits.people, how=how)
            rows.add(
                "outrank_probability", names[g], found.value, size[g], ci_low=found.low, ci_high=found.high,
                interval=found.interval, p_value=found.p_value, test=found.test, flag=found.flag,
            )  # fmt: skip
            if "drawn at random" in found.flag:
                drawn.append(names[g])
        if drawn:
            self.notes.append(_on_samples("probability of outranking (p)", feature, name, drawn))

    def _add_score_rows(self, rows: Rows, name: str, feature: str, *, how: Inference) -> int:
        names, group = self.people.features[feature].names, self.feature[feature]
        n = self._by_group(name, feature).sum(axis=0)
        scores = self._scores(name)
        with_rating = np.zeros(len(names), np.int64)
        if scores.rated:
            for piece in scores.pieces():
                there = np.isfinite(piece.rating)  # type: ignore[arg-type]
                with_rating += np.bincount(group[piece.cell[there]], minlength=len(names))
        lacking = int(n.sum() - with_rating.sum()) if scores.rated else 0

        def stream(only_rated: bool) -> Iterator[People]:
            for p in scores.pieces():
                if only_rated and p.rating is not None:
                    there = np.isfinite(p.rating)
                    p = Piece(p.score[there], p.cell[there], p.people[there], p.rating[there])
                yield People(p.score, group[p.cell], p.people, p.rating)

        confidence = how.confidence
        whole = scores.rated and not lacking
        tables = [
            group_metrics_of_stream(partial(stream, False), n, names, rated=whole, confidence=confidence)
        ]
        if lacking:
            part = group_metrics_of_stream(
                partial(stream, True), with_rating, names, rated=True, confidence=confidence
            )
            tables.append(part[part["metric"].isin(ERROR_METRICS)])
        for table in tables:
            add_group_metrics(rows, table)
        return lacking

    def _standings(self, name: str, feature: str, n: NDArray[np.int64]) -> Iterator[Standing]:
        came, group = np.zeros_like(n), self.feature[feature]
        for piece in self._scores(name).runs():
            standing = Standing(
                piece.score, self.bracket[piece.cell], group[piece.cell], piece.people, came, n.shape
            )
            yield standing
            came = came + standing.people_by_cell()

    def _by_group(self, name: str, feature: str) -> NDArray[np.int64]:
        """(brackets, groups) people with a finite score."""
        people, codes = self.people, self.people.features[feature]
        scored = np.isfinite(people.scores[name])
        return Counts.from_codes(
            scored, codes.code, people.bracket.code, codes.names, people.bracket.names, people.weight
        ).winners

    def _by_bracket(self, name: str) -> NDArray[np.int64]:
        return self._by_group(name, next(iter(self.feature))).sum(axis=1)

    def _scores(self, name: str) -> SortedScores:
        """The sorted file of a score, made when it is first asked for."""
        if name not in self._sorted:
            self._name_cells()
            data, rating, value = self.data, self.people.rating_column, number(self.data, name, "t")
            same = " AND ".join(
                f"t.{quoted(key)} IS NOT DISTINCT FROM c.k{i}" for i, key in enumerate(self.columns.keys)
            )
            wanted = f"{value} AS score, c.cell AS cell" + (
                f", {number(data, rating, 't')} AS rating" if rating else ""
            )
            query = f"SELECT {wanted} FROM {data.source} t JOIN cell_of c ON {same} WHERE isfinite({value})"
            few = self.columns.distinct[name] * len(self.bracket) * _FEWER < self.people.n
            if few and not rating:
                query = f"SELECT score, cell, count(*) AS people FROM ({query}) GROUP BY ALL"
            batches = (_piece(batch) for batch in data.batches(f"{query} ORDER BY 1 DESC", _BATCH))
            empty = SortedScores(
                data.folder / f"scores-{len(self._sorted)}",
                len(self.bracket),
                self.limits.piece,
                self.people.n,
                rated=bool(rating),
            )
            with data.doing(f"sorting {name}"), writing(data.folder):
                self._sorted[name] = empty.written(batches)
        return self._sorted[name]

    def _name_cells(self) -> None:
        """The table `cell_of`: columns of a row that takes part in the ranking → its cell."""
        if self._cells_known:
            return
        self._cells_known = True
        people, columns = self.people, self.columns
        rows = np.arange(len(columns.rowid)) if people.rows is None else people.rows
        passed = slice(None) if people.eligible is None else people.eligible
        table = pa.table({"id": columns.rowid[rows][passed], "cell": self._cell_of_row[passed]})
        self.data.register("cells_taken", table)
        keys = ", ".join(f"k{i}" for i in range(len(columns.keys)))
        kind = "UTINYINT" if len(self.bracket) <= 1 << 8 else "UINTEGER"
        self.data.run(
            f"CREATE TEMP TABLE cell_of AS SELECT DISTINCT {keys}, CAST(cell AS {kind}) AS cell "
            "FROM cells JOIN cells_taken ON cells.rowid = cells_taken.id"
        )


def _on_samples(what: str, feature: str, score: str, groups: list[str]) -> str:
    return (
        f"{what} of {listed(groups, 6)} ({feature} by {score}): from a random sample of the people "
        "compared, its size in the flag of the row"
    )


def _piece(batch: pa.RecordBatch) -> Piece:
    score = batch.column("score").to_numpy() + 0.0  # minus zero is zero
    people = (
        batch.column("people").to_numpy() if "people" in batch.schema.names else np.ones(len(score), np.int64)
    )
    rating = batch.column("rating").to_numpy(zero_copy_only=False) if "rating" in batch.schema.names else None
    return Piece(score, batch.column("cell").to_numpy(), people, rating)

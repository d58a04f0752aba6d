"""The actor that audits: windows whose line is hidden, through a restorer to a data file."""

from flows.actors.filler import FilledShard, Filler
from flows.actors.worked import peak_rss_mib, written
from ops.audit.fill import AuditShard, audit_rows


class Auditor(Filler):
    """Audits shards, with what a filler has."""

    def work(self, shard: AuditShard) -> FilledShard:  # type: ignore[override]
        """Fill a shard's windows as if they had no line, and write what is said of them.

        Raises:
            OSError: where the lake fails for now.
        """
        turn = self._device.turn()
        rows = audit_rows(shard, self._seen(shard), turn, self._terms)
        return FilledShard(
            files=written(self._lake, "audit", shard, rows),
            keys=rows.select("dataset", "record_id", "window_index", "model_id"),
            n_abstained=rows["abstained"].count(),
            peak_rss_mib=peak_rss_mib(),
        )

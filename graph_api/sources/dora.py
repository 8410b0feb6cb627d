"""DORA's four figures of delivery, out of recorded deployments and incidents.

Files are read that lie in a folder named `dora`, at any depth, or whose names begin with `dora`, so that the same
answers elsewhere are other connectors'. They are answers of

- GitHub: `/repos/O/R/deployments`, `/repos/O/R/deployments/ID/statuses`, and of `/repos/O/R/commits` or one commit,
- GitLab: `/projects/ID/deployments`, and `/projects/ID/dora/metrics` by day, saved below the project's path and under
  the metric's name as in `projects/shop%2Fcart/dora/metrics/lead_time_for_changes.json`,
- PagerDuty: `/incidents`.

Each figure is a Metric of type dora that DESCRIBES the Repository, or the PagerDuty service of incidents; `spec` has
the value, its unit, how many it is over and the time from the first to the last. No answer says which repository a
service is built from, so incidents and deployments meet where services and repositories are joined, not here.

| figure                  | definition                                                                                |
|-------------------------|-------------------------------------------------------------------------------------------|
| deployment_frequency    | deployments to production that succeeded, per day, over the days (UTC) from the first to  |
|                         | the last of those that are over                                                           |
| lead_time_for_changes   | median hours from the commit that was deployed to the success of the deployment           |
| change_failure_rate     | deployments to production that failed, of all that are over                               |
| time_to_restore_service | of a repository: median hours from a failed deployment to the next that succeeded; of a   |
|                         | service: median hours from the begin of an incident to its end                            |

Production is what GitHub (`production_environment`) or GitLab (`tier`) call so, or an environment named prod,
production or live. On GitHub a deployment succeeded that ever had the state success, and failed that only had failure
or error; on GitLab `status` says it. Others are not over. What GitLab itself counted by day wins over what is computed:
its frequency and rate as the mean of the days, its times as the median of the days that have one. Nothing is measured
up to now, so that the same files always give the same figures.

Online: the deployments of `repositories` or `projects` in the last `days`, with GitLab's own figures where it answers
them. The incidents of PagerDuty, which takes another kind of token, are read from files.

https://dora.dev/guides/dora-metrics-four-keys/
https://docs.gitlab.com/api/dora/metrics/
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean, median

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document, Place, dig, mappings
from graph_api.sources.dora_answers import (
    NAME,
    Row,
    address_of,
    claims,
    end_of,
    is_day,
    is_deployment,
    is_gitlab,
    is_incident,
    rows_of,
    web_address,
)
from graph_api.sources.dora_api import OPTIONS, fetch
from graph_api.sources.dora_figures import (
    DAY,
    HOUR,
    LEAD,
    METRICS,
    RESTORE,
    UNITS,
    Deployment,
    Figure,
    figures_of,
    is_production,
    restored,
)
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of, repository_ref, scoped
from graph_api.sources.pagerduty import service_ref
from graph_api.sources.scalars import iso_time, number_in, seconds_in, text_in

_ENDED = {"success": True, "failure": False, "error": False, "failed": False}


def read(documents: Sequence[Document], findings: Findings) -> None:
    _Reading(findings).read(documents)


class _Reading:
    """Puts together what stands in several answers, then states the figures."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._committed: dict[str, float] = {}
        self._statuses: dict[str, list[tuple[float, bool]]] = defaultdict(list)
        self._deployments: dict[Ref, list[Deployment]] = defaultdict(list)
        self._incidents: dict[Ref, list[tuple[float, float]]] = defaultdict(list)
        self._places: dict[Ref, Place] = {}

    def read(self, documents: Sequence[Document]) -> None:
        rows = [(document, at, row) for document in documents for at, row in rows_of(document)]
        for _, _, row in rows:
            self._read_commit(row)
            self._read_status(row)
        for document, at, row in rows:
            if is_deployment(row):
                self._read_github(row, at)
            elif is_gitlab(row):
                self._read_gitlab(row, document, at)
            elif is_incident(row):
                self._read_incident(row, at)
        counted = {key for document in documents for key in self._read_days(document)}
        for about, rows_ in self._deployments.items():
            figures = [figure for figure in figures_of(rows_) if (about, figure.metric) not in counted]
            self._state(about, figures, self._places[about])
        for about, times in self._incidents.items():
            self._state(about, restored(times), self._places[about])

    def _read_commit(self, row: Row) -> None:
        sha, time = text_in(row.get("sha")), seconds_in(dig(row, "commit", "committer", "date"))
        if sha and time is not None:
            self._committed[sha] = time

    def _read_status(self, row: Row) -> None:
        url, time = text_in(row.get("deployment_url")), seconds_in(row.get("created_at"))
        state = _ENDED.get(text_in(row.get("state")) or "")
        if url and time is not None and state is not None:
            self._statuses[url].append((time, state))

    def _read_github(self, row: Row, at: Place) -> None:
        if row.get("production_environment") is not True and not is_production(row.get("environment")):
            return
        repository = self._repository(web_address(text_in(row.get("repository_url")) or ""), at)
        statuses = self._statuses.get(text_in(row.get("url")) or "", [])
        good = [time for time, succeeded in statuses if succeeded]
        if repository and statuses:
            time = min(good or [time for time, _ in statuses])
            committed = self._committed.get(text_in(row.get("sha")) or "")
            age = None if committed is None else time - committed
            self._deployments[repository].append(Deployment(time, bool(good), age))

    def _read_gitlab(self, row: Row, document: Document, at: Place) -> None:
        job = row.get("deployable")
        pages = [text_in(dig(job, "web_url")), text_in(dig(job, "pipeline", "web_url"))]
        address = next((head for page in pages if page for head, mark, _ in [page.partition("/-/")] if mark), None)
        repository = self._repository(address or address_of(document) or "", at)
        environment, state = row["environment"], _ENDED.get(text_in(row.get("status")) or "")
        tier = text_in(environment.get("tier"))
        production = tier == "production" if tier else is_production(environment.get("name"))
        times = (dig(job, "finished_at"), row.get("updated_at"), row.get("created_at"))
        time = next((time for text in times if (time := seconds_in(text)) is not None), None)
        if repository and production and state is not None and time is not None:
            committed = seconds_in(dig(job, "commit", "created_at"))
            age = None if committed is None else time - committed
            self._deployments[repository].append(Deployment(time, state, age))

    def _read_incident(self, row: Row, at: Place) -> None:
        id_, begin, end = text_in(dig(row, "service", "id")), seconds_in(row.get("created_at")), seconds_in(end_of(row))
        if id_ is None or begin is None:
            self._findings.problem("an incident without service and begin", at)
        elif end is not None and end >= begin:
            service = service_ref(id_)
            name = text_in(dig(row, "service", "summary")) or id_
            self._findings.entity(service, at, name=name, type="service", identifiers=[scoped("pagerduty", id_)])
            self._places.setdefault(service, at)
            self._incidents[service].append((begin, end))

    def _read_days(self, document: Document) -> Iterator[tuple[Ref, str]]:
        """States the figure that GitLab counted, if the document is one, and says which it is."""
        days = {day: row for _, row in mappings(document.value)
                if is_day(row) and (day := seconds_in(row["date"])) is not None}  # fmt: skip
        metric = next((name for name in METRICS if name in document.path), None)
        if not days:
            return
        at = document.at()
        if metric is None or (max(days) - min(days)) / DAY + 1 != len(days):
            self._findings.problem("name the file by its metric, and ask with `interval=daily`", at)
            return
        repository = self._repository(address_of(document) or "", at)
        values = [value for row in days.values() if (value := number_in(row["value"])) is not None]
        if repository and values:
            value = median(values) / HOUR if metric in (LEAD, RESTORE) else fmean(values)
            self._state(repository, [Figure(metric, value, len(values), min(days), max(days))], at)
            yield repository, metric

    def _repository(self, address: str, at: Place) -> Ref | None:
        ref = repository_ref(address)
        if ref is None:
            self._findings.problem("cannot tell the repository; save the answer below `projects/GROUP%2FNAME`", at)
            return None
        self._places.setdefault(ref, at)
        return self._findings.entity(ref, at, identifiers=[address])

    def _state(self, about: Ref, figures: Iterable[Figure], at: Place) -> None:
        for figure in figures:
            last = iso_time(figure.last)
            metric = self._findings.entity(
                ref_of("metric", f"{NAME}-{about}", figure.metric),
                at,
                name=figure.metric,
                type=NAME,
                title=figure.metric.replace("_", " ").capitalize(),
                spec={
                    "value": round(figure.value, 4),
                    "unit": UNITS[figure.metric],
                    "count": figure.over,
                    "from": iso_time(figure.first),
                    "to": last,
                },
            )
            self._findings.link(metric, "DESCRIBES", about, at, observed_at=last)


CONNECTOR = Connector(
    name=NAME,
    description="DORA's four figures out of recorded deployments and incidents",
    input="In folders named dora: deployments, their statuses and commits of GitHub, deployments and DORA metrics of "
    "GitLab, incidents of PagerDuty; online deployments of GitHub or GitLab",
    claims=claims,
    read=read,
    origin=LinkOrigin.OBSERVED,
    online=Online(
        base_url="https://api.github.com",
        token_variable="DORA_TOKEN",
        fetch=fetch,
        options=OPTIONS,
    ),
)

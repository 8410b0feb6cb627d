FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY graph_api graph_api
COPY seeds seeds
RUN python -m venv /app && /app/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt '.[otel]'

FROM python:3.13-slim
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 GRAPH_API_ADMIN_PORT=9000
RUN useradd --uid 10001 --create-home --home-dir /var/lib/graph-api graph-api
USER 10001
WORKDIR /var/lib/graph-api
# A volume that is mounted there is of this user too.
RUN mkdir mirror
EXPOSE 8000 9000
HEALTHCHECK --start-period=30s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9000/livez', timeout=5)"]
ENTRYPOINT ["graph-api"]
CMD ["serve", "--host", "0.0.0.0"]

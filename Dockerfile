FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY graph_api graph_api
COPY seeds seeds
RUN python -m venv /app && /app/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt .

FROM python:3.13-slim
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1
RUN useradd --uid 10001 --create-home --home-dir /var/lib/graph-api graph-api
USER graph-api
WORKDIR /var/lib/graph-api
EXPOSE 8000
ENTRYPOINT ["graph-api"]
CMD ["serve", "--host", "0.0.0.0"]

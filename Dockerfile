# pgfeed's database server and its verbs, made by the same set-up code as everywhere: ./run
FROM debian:trixie-slim
WORKDIR /pgfeed
COPY run setup.cfg ./
RUN ./run install http && rm -rf /var/lib/apt/lists/* /root/.cache /var/lib/pgfeed/lock /var/lib/pgfeed/setup.log \
    && mkdir -p /var/lib/pgfeed/clusters && chown postgres: /var/lib/pgfeed /var/lib/pgfeed/clusters
COPY . .
USER postgres
ENV PGFEED_HOME=/var/lib/pgfeed PGFEED_LISTEN=* PGFEED_PORT=5432 PGFEED_HTTP_HOST=0.0.0.0
EXPOSE 5432 8000
CMD ["./run", "server"]

# pgfeed's database server, made by the same set-up code as everywhere: ./run
FROM debian:trixie-slim
WORKDIR /pgfeed
COPY run setup.cfg ./
RUN ./run install && rm -rf /var/lib/apt/lists/* /root/.cache
COPY . .
ENV PGFEED_LISTEN=* PGFEED_PORT=5432
VOLUME /var/lib/pgfeed/clusters
EXPOSE 5432
CMD ["./run", "server"]

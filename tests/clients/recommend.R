# Calls recommend_posts and prints the rows of all calls as CSV; the address is in PGHOST and others.
# RPostgreSQL sends NA as text, so the statement takes it for null.
# Rscript recommend.R CALLS USER_ID TS K [VARIANT]
arguments <- commandArgs(trailingOnly = TRUE)
variant <- if (length(arguments) > 4) arguments[5] else NA
connection <- DBI::dbConnect(RPostgreSQL::PostgreSQL(), password = Sys.getenv("PGPASSWORD"))
sql <- "select rank, post_id, topic, text, score, variant, source, model_version, features_as_of::text
from pgfeed.recommend_posts($1::bigint, $2::timestamptz, $3::integer, nullif($4, 'NA')::text) order by rank"
for (call in seq_len(as.integer(arguments[1]))) {
    rows <- DBI::dbGetQuery(connection, sql, c(arguments[2:4], variant))
    rows$score <- format(rows$score, digits = 17, trim = TRUE)
    write.table(rows, sep = ",", qmethod = "double", row.names = FALSE, col.names = FALSE, na = "")
}
invisible(DBI::dbDisconnect(connection))

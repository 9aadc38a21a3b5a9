// Calls recommend_posts and prints one JSON array of rows per call; the address is in PGHOST and others.
// node recommend.js prepared|plain CALLS USER_ID TS K [VARIANT]
const { Client } = require("pg");

const [mode, calls, userId, ts, k, variant = null] = process.argv.slice(2);
const query = {
  text:
    "select rank, post_id, topic, text, score, variant, source, model_version, features_as_of" +
    " from pgfeed.recommend_posts($1, $2, $3, $4) order by rank",
  values: [BigInt(userId), new Date(ts), Number(k), variant],
  rowMode: "array",
  ...(mode === "prepared" ? { name: "recommend" } : {}),
};

async function main() {
  const client = new Client();
  await client.connect();
  for (let call = 0; call < Number(calls); call++) {
    const { rows } = await client.query(query);
    for (const row of rows) row[1] = Number(row[1]); // a bigint comes as text
    console.log(JSON.stringify(rows));
  }
  await client.end();
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});

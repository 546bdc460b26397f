// One look-up at a time with dynamics-web-api: a line of JSON in ({"queries": […]}), one out ({"ms", "found"} or {"error"}).
import { createInterface } from "node:readline";
import { DynamicsWebApi } from "dynamics-web-api";

const { SERVER: serverUrl, TOKEN: token } = process.env;
const client = new DynamicsWebApi({ serverUrl, dataApi: { version: "9.2" }, onTokenRefresh: async () => token });

async function ask({ set, key, select, filter, top }) {
  const answer = await client.retrieveMultiple({ collection: set, select, filter, top, includeAnnotations: "*" });
  return answer.value.map((row) => [set, row[key]]);
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const { queries } = JSON.parse(line);
    const started = performance.now();
    const found = await Promise.all(queries.map(ask));
    answer = { ms: performance.now() - started, found: found.flat() };
  } catch (error) {
    answer = { error: `${error.status ?? ""} ${error.message}`.trim() };
  }
  console.log(JSON.stringify(answer));
}

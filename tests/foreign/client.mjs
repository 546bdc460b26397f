// Calls dynamics-web-api as told: one JSON object per line in ({"call": …, "request": …}), one out ({"value"} or {"error"}).
import { createInterface } from "node:readline";
import { DynamicsWebApi } from "dynamics-web-api";

const clients = new Map();

function client({ server, token, options }) {
  const key = JSON.stringify([server, token, options]);
  if (!clients.has(key)) {
    const config = { serverUrl: server, dataApi: { version: "9.2" }, onTokenRefresh: async () => token, ...options };
    clients.set(key, new DynamicsWebApi(config));
  }
  return clients.get(key);
}

for await (const line of createInterface({ input: process.stdin })) {
  const { call, request, ...who } = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await client(who)[call](request)) ?? null };
  } catch (error) {
    answer = { error: { status: error.status ?? 0, code: error.code ?? "", message: error.message } };
  }
  console.log(JSON.stringify(answer));
}

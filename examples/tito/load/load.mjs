// A load generator: users who each keep one connection, ask, read, and ask again. Prints its figures every half second in the
// Wavefront format while it runs. Exit code 1: the goal was missed.
//   node load.mjs URL USERS SECONDS PAUSE_MS GOAL_P95_MS

import { writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';

const [url, users, seconds, pause, goal] = process.argv
  .slice(2)
  .map((word, index) => (index === 0 ? word : Number(word)));
const { SCRIPT_RESPONSE_FILE, METRIC_TAGS = '' } = process.env;
const all = [];
let recent = [];
let failures = 0;
const reasons = {};
const end = Date.now() + seconds * 1000;
const reports = setInterval(report, 500);
await Promise.all(Array.from({ length: users }, (_, index) => user(index)));
clearInterval(reports);
report();

const p95 = percentile(all, 0.95);
for (const [reason, count] of Object.entries(reasons)) console.log(`${count} requests failed: ${reason}`);
const result = {
  by: 'load.mjs',
  users,
  seconds,
  requests: all.length,
  failures,
  p50: percentile(all, 0.5),
  p95,
  goal,
  passed: p95 <= goal && failures === 0,
};
console.log(
  `${result.passed ? 'Goal met' : 'GOAL MISSED'}: p95 ${p95} ms of ${goal} ms, ${failures} of ${all.length} requests failed`,
);
if (SCRIPT_RESPONSE_FILE) writeFileSync(SCRIPT_RESPONSE_FILE, JSON.stringify(result));
process.exitCode = result.passed ? 0 : 1;

async function user(index) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  await sleep((index / users) * Math.min(1000, seconds * 200));
  while (Date.now() < end) {
    const begun = performance.now();
    try {
      await ask(agent);
      const spent = Math.round(performance.now() - begun);
      all.push(spent);
      recent.push(spent);
    } catch (error) {
      failures++;
      reasons[error.message] = (reasons[error.message] ?? 0) + 1;
    }
    await sleep(pause);
  }
  agent.destroy();
}

function ask(agent) {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent, timeout: 10_000 }, (response) => {
      response.resume();
      response.on('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode}`)),
      );
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('timeout')));
    request.on('error', reject);
  });
}

function report() {
  const now = Math.floor(Date.now() / 1000);
  const line = (name, value) =>
    console.log(`tito.load.${name} ${value} ${now} source=load-generator${METRIC_TAGS ? ` ${METRIC_TAGS}` : ''}`);
  line('requests', all.length);
  line('failures', failures);
  line('users', users);
  if (recent.length > 0) line('p95_ms', percentile(recent, 0.95));
  recent = [];
}

function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

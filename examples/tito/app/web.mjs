// The web server of Tito. Its capacity is its worker limit, as in Apache's prefork: a worker belongs to one connection until the
// connection has had its requests or falls silent; who finds all workers taken waits.
import { readFileSync } from 'node:fs';
import { Agent, createServer, request as httpRequest } from 'node:http';
import { createServer as createTcp } from 'node:net';
import { reportTo } from './metrics.mjs';
import { page } from './page.mjs';
import { bestTime, formatTime, openTravelTimes } from './travel-times.mjs';

const { ADDRESS = '127.0.0.1', PORT = '8080', DATABASE = '127.0.0.1:5000', GOOGLE_KEY = '', GOOGLE_URL } = process.env;
const { DATABASE_PASSWORD = '', METRICS = '', METRIC_TAGS = '', HOSTNAME = 'web' } = process.env;
const maxRequestWorkers = Number(process.env.MAX_REQUEST_WORKERS ?? 8);
const maxKeepAliveRequests = Number(process.env.MAX_KEEP_ALIVE_REQUESTS ?? 5);
const keepAliveTimeout = Number(process.env.KEEP_ALIVE_TIMEOUT_MS ?? 3000);
const version = JSON.parse(readFileSync(new URL('./version.json', import.meta.url), 'utf8'));
const travelTimes = openTravelTimes({ googleKey: GOOGLE_KEY, googleUrl: GOOGLE_URL });
const toDatabase = new Agent({ keepAlive: true, maxSockets: maxRequestWorkers });

const server = createServer((request, response) => {
  answer(request).then(
    ({ status, type = 'text/html; charset=utf-8', body, headers = {} }) =>
      response.writeHead(status, { 'content-type': type, ...headers }).end(body),
    (error) => response.writeHead(502, { 'content-type': 'text/plain' }).end(`${error.message}\n`),
  );
});
server.maxRequestsPerSocket = maxKeepAliveRequests;
server.keepAliveTimeout = keepAliveTimeout;

/** Workers: connections beyond the limit wait in line, first come, first served. */
let busy = 0;
const line = [];
createTcp({ pauseOnConnect: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  if (busy < maxRequestWorkers) serve(socket);
  else line.push(socket);
}).listen(Number(PORT), ADDRESS);

function serve(socket) {
  busy++;
  socket.once('close', () => {
    busy--;
    for (let next = line.shift(); next; next = line.shift()) {
      if (next.destroyed) continue;
      serve(next);
      break;
    }
  });
  server.emit('connection', socket);
  socket.resume();
}

let answered = 0;
reportTo(METRICS, METRIC_TAGS, HOSTNAME, () => ({
  'tito.web.busy_workers': busy,
  'tito.web.waiting': line.length,
  'tito.web.requests': answered,
  'tito.web.memory_mb': Math.round(process.memoryUsage.rss() / 2 ** 20),
}));

async function answer(request) {
  answered++;
  const url = new URL(request.url, 'http://tito');
  if (url.pathname === '/health') return { status: 200, type: 'text/plain', body: 'well\n' };
  if (url.pathname === '/version')
    return {
      status: 200,
      type: 'application/json',
      body: JSON.stringify({ ...version, workers: maxRequestWorkers, travelTimes: travelTimes.name }),
    };
  if (url.pathname !== '/') return { status: 404, type: 'text/plain', body: 'There is no such page.\n' };
  const asked = {
    home: url.searchParams.get('home') ?? 'Haarlem',
    work: url.searchParams.get('work') ?? 'Amsterdam Zuidas',
    weekday: url.searchParams.get('weekday') ?? 'Tuesday',
  };
  const result = await bestTime(travelTimes, asked);
  const leave = formatTime(result.best.leave);
  if (url.searchParams.has('save')) await database('POST', { ...asked, best: leave });
  const journeys = await database('GET');
  return {
    status: 200,
    body: page({ version, asked, result, leave, journeys, places: travelTimes.places, source: travelTimes.name }),
  };
}

function database(method, body) {
  const [host, port] = DATABASE.split(':');
  return new Promise((resolve, reject) => {
    const question = httpRequest(
      {
        host,
        port,
        path: '/journeys',
        method,
        agent: toDatabase,
        timeout: 5000,
        headers: { authorization: `Bearer ${DATABASE_PASSWORD}` },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
        response.on('end', () =>
          response.statusCode < 300
            ? resolve(text ? JSON.parse(text) : {})
            : reject(new Error(`The database answered ${response.statusCode}.`)),
        );
      },
    );
    question.on('timeout', () => question.destroy(new Error('The database does not answer.')));
    question.on('error', reject);
    question.end(body ? JSON.stringify(body) : undefined);
  });
}

// The database of Tito on machines of plain processes: SQLite, served over HTTP to the web machines of its deployment.
import { createServer } from 'node:http';
import { DatabaseSync } from 'node:sqlite';

const { DATABASE_FILE = 'tito.db', DATABASE_PASSWORD = '', ADDRESS = '127.0.0.1', PORT = '5000' } = process.env;
const database = new DatabaseSync(DATABASE_FILE);
database.exec(
  'CREATE TABLE IF NOT EXISTS journeys (id INTEGER PRIMARY KEY, home TEXT NOT NULL, work TEXT NOT NULL, weekday TEXT NOT NULL, best TEXT NOT NULL)',
);
const recent = database.prepare('SELECT home, work, weekday, best FROM journeys ORDER BY id DESC LIMIT 5');
const count = database.prepare('SELECT count(*) AS journeys FROM journeys');
const add = database.prepare('INSERT INTO journeys (home, work, weekday, best) VALUES (?, ?, ?, ?)');

createServer(async (request, response) => {
  try {
    if (DATABASE_PASSWORD && request.headers.authorization !== `Bearer ${DATABASE_PASSWORD}`)
      return response.writeHead(401).end();
    if (request.method === 'POST' && request.url === '/journeys') {
      const { home, work, weekday, best } = JSON.parse(await textOf(request));
      add.run(String(home), String(work), String(weekday), String(best));
      return response.writeHead(201).end();
    }
    if (request.url !== '/journeys') return response.writeHead(404).end();
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ recent: recent.all(), ...count.get() }));
  } catch (error) {
    response.writeHead(400).end(error.message);
  }
}).listen(Number(PORT), ADDRESS);

async function textOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

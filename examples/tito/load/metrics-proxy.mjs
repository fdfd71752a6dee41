// Takes a Wavefront proxy's place while a load test runs: prints what the web machines of one deployment send, so that it stands in
// the log beside the figures of the load.
//   node metrics-proxy.mjs PORT DEPLOYMENT
import { createServer } from 'node:http';

const [port, deployment] = process.argv.slice(2);
createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  const ours = text.split('\n').filter((line) => line.includes(` deployment="${deployment}"`));
  if (ours.length > 0) process.stdout.write(`${ours.join('\n')}\n`);
  response.writeHead(202).end();
})
  .on('error', (error) => console.log(`Nothing is heard of the web machines: ${error.message}`))
  .listen(Number(port), process.env.MACHINE_ADDRESS ?? '0.0.0.0');

// Whoever asked for it may be killed without a word.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && process.exit(), 500);

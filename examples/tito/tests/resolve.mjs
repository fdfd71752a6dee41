// Proves a release from outside: resolves the name at the name server, asks the address it gives, and reads the version there.
//   node resolve.mjs NAME DNS_ADDRESS:PORT WEB_PORT EXPECTED_ADDRESS
import { Resolver } from 'node:dns/promises';
import { writeFileSync } from 'node:fs';

const [name, server, port, expected] = process.argv.slice(2);
const resolver = new Resolver({ timeout: 2000, tries: 2 });
resolver.setServers([server]);
const [address] = await resolver.resolve4(name);
console.log(`${name} is ${address}`);
if (address !== expected) throw new Error(`${name} should be ${expected}`);
const answer = await fetch(`http://${address}:${port}/version`);
const version = await answer.json();
console.log(`http://${name}:${port} serves ${version.version}`);
if (process.env.SCRIPT_RESPONSE_FILE)
  writeFileSync(process.env.SCRIPT_RESPONSE_FILE, JSON.stringify({ address, ...version }));

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ProcessMark, removeTree, startOwned } from '../../../host/processes.ts';
import type { CloudOutcome, ResourceContext } from '../../../sdk/cloud.ts';
import { applyRules } from './firewall.ts';
import type { Site } from './site.ts';

/** What of the server's own environment the processes of the local cloud may see. */
const environment = { PATH: process.env.PATH, LANG: 'C.UTF-8' };

/** Starts a program of the local cloud in the directory of its thing, or adopts the one that runs. */
export function startProgram(directory: string, name: string, program: string): ProcessMark {
  return startOwned({
    directory,
    name,
    command: [process.execPath, fileURLToPath(new URL(program, import.meta.url)), directory],
    environment,
  });
}

/** What is not there is gone: a second call after a crash is done at once. */
export async function destroy(site: Site, { identity }: ResourceContext): Promise<CloudOutcome> {
  const found = site.find(identity);
  if (found) {
    await site.stop(found.directory);
    removeTree(found.directory);
  }
  await applyRules(site);
  return { done: {} };
}

/** What a program said last: for the one sentence that explains why it is gone. How Node frames an error says nothing. */
export function lastLines(path: string): string {
  try {
    const said = readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => !/^(\s*at |\s*$|[\s{}^]*$|Node\.js v)/.test(line));
    return said.slice(-3).join(' / ') || 'none.';
  } catch {
    return 'none.';
  }
}

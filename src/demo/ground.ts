import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from '../host/processes.ts';
import type { Browser } from './browser.ts';

/** How machines are made. */
export const profiles = ['process', 'container'] as const;
export type Profile = (typeof profiles)[number];

/** What a profile puts under the demo: how machines are made, and where they find this machine. */
export interface Ground {
  /** Where machines find what listens on this machine. */
  address: string;
  /** Files of the example that say where things may run and what they are. */
  files: { platform: string; blueprint: string; runner: string };
  /** What stands for words in these files. */
  words: Record<string, string>;
  /** What the server finds in its environment. */
  environment: Record<string, string>;
  /** The blueprint that deploys a name server; without one, Millrace answers for names itself. */
  names: { file: string; blueprint: string } | undefined;
  /** For people: what plays which part. */
  parts: { database: string; web: string; loadBalancer: string; dns: string };
  /** Makes a bare repository of this machine known to machines. Answers the URL that they clone. */
  publish(repository: string): Promise<string>;
  /** Every thing that stands, as `deployment instance`. */
  standing(): Promise<string[]>;
  /** Removes all of it. Harmless when repeated. */
  strike(): Promise<void>;
}

/** Machines are processes of this machine, each with a loopback address of its own. */
export function processGround(data: string, browser: Browser): Ground {
  return {
    address: '127.0.0.1',
    files: {
      platform: 'platform.yaml',
      blueprint: 'blueprint.yaml',
      runner: 'runners/blueprint.yaml',
    },
    words: { '<browser>': browser.executable, '<browser module>': browser.module },
    environment: {},
    names: undefined,
    parts: {
      database: 'SQLite (node:sqlite), served over HTTP by a process of its own',
      web: 'Node.js HTTP servers, one process per machine, 8 workers each',
      loadBalancer: 'Millrace, HTTP, a process of its own',
      dns: 'Millrace, DNS over UDP and TCP with the PowerDNS API, a process of its own',
    },
    publish: async (repository) => repository,
    standing: async () => processesStanding(join(data, 'site')),
    strike: async () => undefined,
  };
}

/** Things of the local cloud that stand, as `deployment instance`. */
export function processesStanding(site: string): string[] {
  return readdirSync(site).flatMap((directory) => {
    const card = readJson<{ deployment: string; instance: string }>(join(site, directory, 'card.json'));
    return card ? [`${card.deployment} ${card.instance}`] : [];
  });
}

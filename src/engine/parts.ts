import type { Instant, Moment } from '../core/instant.ts';
import type { Span } from '../pipeline/trace.ts';
import type { Catalogue } from '../sdk/catalogue.ts';
import type { Http, Jobs, Ssh } from '../sdk/powers.ts';
import type { Seal } from '../store/seal.ts';
import type { Node, Store } from '../store/store.ts';
import type { Observer } from './observe.ts';

/** What the engine is handed: it reaches for nothing itself. */
export interface EngineParts {
  store: Store;
  catalogue: Catalogue;
  seal: Seal;
  http: Http;
  ssh: Ssh;
  jobs: Jobs;
  moment: { now(): Instant; newId(): string };
  /** This process among those on one database. */
  node: Node;
  /** How people reach this server. */
  url(): string;
  people: People;
  /** A token with the rights of a user, valid for so many milliseconds: for functions that call this server. */
  tokenFor(user: string, life: number): Promise<string>;
  /** Named places between a side effect and its commit: tests kill the process there. */
  crashPoint(name: string): void;
  observer: Observer;
  /** Sends a trace to a collector; undefined: nobody wants it. */
  sendTrace: ((spans: Span[]) => Promise<void>) | undefined;
  /** Files of authorities that programs which call this server need: `one` beside their own, `all` in place of them. */
  trustFiles: { one: string; all: string } | undefined;
  report(message: string, details: Record<string, unknown>): void;
}

/** Who may do what, and how they are reached. */
interface People {
  isAdministrator(user: string): Promise<boolean>;
  /** Whether somebody is a remote agent: a program that reaches far sides for us. */
  isAgent(user: string): Promise<boolean>;
  /** Whose token this is; undefined where it is nobody's, or not valid any more. */
  ownerOf(token: string): Promise<string | undefined>;
  /** The mail addresses of names, addresses and groups, each once. */
  addressesOf(names: string[], groups: string[]): Promise<string[]>;
}

export const momentOf = (parts: EngineParts): Moment => ({
  now: parts.moment.now(),
  newId: parts.moment.newId,
});

import type { Instant } from '../core/instant.ts';
import type { JsonObject } from '../core/json.ts';

/** A named far side with its properties; secrets are resolved. */
export interface Endpoint {
  name: string;
  type: string;
  properties: Record<string, string>;
  /** The remote agent that reaches it, where it says so. */
  agent?: string;
}

export interface HttpRequest {
  method: string;
  url: string;
  headers?: Record<string, string>;
  body?: string;
  /** Milliseconds until the call is given up; 60 s when not given. */
  timeout?: number;
  signal?: AbortSignal;
  tls?: Trust;
}

/** Whom to trust beside the authorities that everybody knows, and how to show who we are. All are PEM texts but `fingerprint`. */
export interface Trust {
  ca?: string;
  cert?: string;
  key?: string;
  /** SHA-256 of certificates that are accepted whoever signed them, divided by commas; colons and case do not matter. */
  fingerprint?: string;
  /** Whatever certificate is shown is taken: for those who say so in so many words. */
  anyCertificate?: boolean;
}

export interface HttpAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** One HTTP call. @throws MillraceError endpoint.unreachable where no answer came. */
export type Http = (request: HttpRequest) => Promise<HttpAnswer>;

/** A machine that one logs in to, by a key where there is one. */
export interface SshTarget {
  host: string;
  port: number;
  username: string;
  password: string;
  privateKey: string;
  passphrase: string;
}

export interface SshAnswer {
  code: number;
  output: Buffer;
  errors: string;
}

/**
 * Runs a short piece of shell on another machine, with `input` as its standard input, where whatever is secret goes.
 * @throws MillraceError endpoint.unreachable
 */
export type Ssh = (target: SshTarget, script: string, input: Buffer) => Promise<SshAnswer>;

/** The log of a task. Bytes already taken are taken once: a repeated `append` at an old offset changes nothing. */
export interface Log {
  /** How many bytes of the far side's output are here already. */
  offset(): Promise<number>;
  append(offset: number, text: string): Promise<void>;
}

/** A command on this machine, in a process group of its own. */
export interface JobSpec {
  /** A program and its arguments, or the text of a shell script. */
  run: { command: string[] } | { script: string };
  environment: Record<string, string>;
  /** Directory in which it runs; made when it is missing. */
  directory: string;
  /** Files written before it starts, by path inside the job's own directory, which is there only where it has some. */
  files?: Record<string, string>;
  limits: { seconds: number; memoryMb: number; fileMb: number };
}

export interface JobState {
  status: 'running' | 'ended' | 'lost';
  exitCode: number | null;
  /** Output from the asked offset on. */
  output: string;
  offset: number;
  /** Why it was stopped, where it was. */
  stopped: string | null;
  /** Whether there is output behind `offset` already: a state holds a piece of it. */
  hasMore: boolean;
}

/** Jobs outlive the server: they belong to a runner process that is found again by its address. */
export interface Jobs {
  /**
   * Starting a key twice starts it once. Waits for its end for at most so many milliseconds, and answers whether it has ended.
   */
  start(key: string, spec: JobSpec, patience?: number): Promise<{ hasEnded: boolean }>;
  state(key: string, fromOffset: number): Promise<JobState>;
  /** A file that the job wrote in its own directory; undefined where there is none, or one of more than 64 MB. */
  read(key: string, file: string): Promise<string | undefined>;
  cancel(key: string): Promise<void>;
  /** Removes the directory of a key, whatever lies in it. */
  remove(key: string): Promise<void>;
  /** The job's own directory. */
  directory(key: string): string;
}

/** Blueprints made real, asked for by key: the same key twice is one request. */
export interface Deployments {
  request(key: string, request: DeploymentRequest): Promise<{ deploymentId: string; requestId: string }>;
  status(deploymentId: string, requestId: string): Promise<DeploymentReport>;
  /** Calls a request off: what can be stopped is, and what is under way is told by its status. @throws MillraceError action.invalid where it has ended */
  cancel(deploymentId: string, requestId: string, by: string): Promise<void>;
}

export interface DeploymentRequest {
  /** `ROLLBACK`: an update with the blueprint and the inputs of the last good request before what stands. */
  action: 'CREATE' | 'UPDATE' | 'DELETE' | 'ROLLBACK';
  project: string;
  deploymentName: string;
  /** Name of a blueprint; for `content`, what it shall be called. */
  blueprint?: string;
  /** A version of it; its draft where none is named. */
  version?: string;
  /** The text of a blueprint that is kept elsewhere. */
  content?: string;
  inputs: JsonObject;
  /** An update that would remove resources is refused unless this says yes. */
  allowDestroy: boolean;
  requestedBy: string;
  /** An update by the blueprint that stands, whatever has become of its draft. */
  keepsBlueprint?: boolean;
  /** Instances that are made anew, whatever else. */
  rebuild?: readonly string[];
}

export interface DeploymentReport {
  status: 'busy' | 'succeeded' | 'failed';
  message: string;
  deploymentName: string;
  details: JsonObject;
  /** Who called it off while it was under way, and when. */
  cancelled?: { by: string; at: Instant };
}

/** Runs of other pipelines, asked for by key: the same key twice is one run. */
export interface Executions {
  /** The id of the run. @throws MillraceError where there is no such pipeline, or it may not run. */
  request(key: string, pipeline: string, input: JsonObject): Promise<string>;
  report(execution: string): Promise<ExecutionReport>;
  cancel(execution: string): Promise<void>;
}

export interface ExecutionReport {
  isOver: boolean;
  status: string;
  message: string;
  index: number;
  link: string;
  input: JsonObject;
  output: JsonObject;
}

export interface Integrations {
  /** The body of a custom integration; undefined where there is none of this name and version. */
  find(name: string, version: string): Promise<{ runtime: string; code: string; outputs: string[] } | undefined>;
}

export type Metric = {
  name: string;
  value: number;
  at: number;
  source: string;
  tags: Record<string, string>;
};

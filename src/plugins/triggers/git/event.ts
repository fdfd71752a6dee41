import type { TriggerEvent } from '../../../sdk/parts.ts';

/** A push or a pull request, in words that all Git servers share. */
export interface GitEvent extends TriggerEvent {
  branch: string;
  commitId: string;
  subject: string;
  owner: string;
  repo: string;
  httpUrl: string;
  sshUrl: string;
  serverUrl: string;
  /** Microseconds. */
  timestamp: number;
  /** Empty where the server does not tell them. */
  changedFiles: string[];
}

/** How one kind of Git server speaks. Servers are told apart by their headers. */
export interface GitServer {
  name: string;
  sends(headers: Record<string, string>): boolean;
  isGenuine(headers: Record<string, string>, body: Buffer, secret: string): boolean;
  read(headers: Record<string, string>, body: Buffer): GitEvent;
}

export const nothing: Omit<GitEvent, 'kind' | 'delivery'> = {
  branch: '',
  commitId: '',
  subject: '',
  owner: '',
  repo: '',
  httpUrl: '',
  sshUrl: '',
  serverUrl: '',
  timestamp: 0,
  changedFiles: [],
};

export const microsOf = (date: string | number | undefined): number =>
  (typeof date === 'number' ? date : Date.parse(date ?? '') || 0) * 1000;

export const originOf = (url: string): string => /^https?:\/\/[^/]+/.exec(url)?.[0] ?? '';

export const firstLine = (text: string | undefined): string => text?.split('\n')[0] ?? '';

/** The kind and name of a reference such as `refs/heads/main`. */
export const kindOfRef = (ref: string): 'TAG' | 'PUSH' => (ref.startsWith('refs/tags/') ? 'TAG' : 'PUSH');
export const nameOfRef = (ref: string): string => ref.replace(/^refs\/(heads|tags)\//, '');

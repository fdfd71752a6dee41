import type { z } from 'zod';

/**
 * Who may call an operation. Each includes those before it, but for `answer`: the handler
 * checks that the caller is an approver; and `relay`, which is for remote agents alone.
 */
export type Permission = 'public' | 'signed-in' | 'answer' | 'read' | 'execute' | 'develop' | 'administer' | 'relay';

/** One question that may be asked over HTTP, as data: routes, checks and the API description derive from it. */
export interface Operation {
  id: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With `{name}` for parts that vary. */
  path: string;
  permission: Permission;
  summary: string;
  tag: string;
  body?: z.ZodType;
  /** Bytes of a body at most, where it is more than usual. */
  largest?: number;
  /** What a good answer is sent with; 200 when not given. */
  status?: number;
}

/** The API of Code Stream answers under two prefixes, both in use by clients. */
export const codestreamPrefixes = ['/codestream/api', '/pipeline/api'] as const;

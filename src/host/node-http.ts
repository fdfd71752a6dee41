import type * as http from 'node:http';

/**
 * Node's HTTP, for all who need more of it than its types. An `import` of `node:http` reads each of its exports, and one of them loads
 * a whole client when it is read: 25 ms and 14 MB in each process, of which there is one for each machine of the local cloud.
 */
export const { Agent, createServer, get, request, STATUS_CODES } = process.getBuiltinModule('node:http');
export type Agent = http.Agent;

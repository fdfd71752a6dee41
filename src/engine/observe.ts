import type { Execution, ExecutionEvent } from '../pipeline/execution.ts';

/** Is told what has been written, after it was; nothing depends on it. */
export interface Observer {
  happened(execution: Execution, events: ExecutionEvent[]): void;
}

/** How busy this node is. */
export interface Load {
  underWay: number;
  ready: number;
  /** Milliseconds since the store was last asked for work and answered. */
  sinceLook: number;
}

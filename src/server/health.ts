import type { Load } from '../engine/observe.ts';

/** What a load balancer, or a person, learns of this node. */
export interface Health {
  ready: boolean;
  status: 'ready' | 'not ready' | 'stopping';
  /** Sentences; empty: all is well. */
  because: string[];
  work: Load;
}

/** The store is asked for work at least every second; a node that could not for so long does none. */
const longestWithoutLook = 10_000;

/** Ready: the store answers, work is looked for, and the node is not about to stop. */
export function healthOf(isStoreUp: boolean, work: Load, isStopping: boolean): Health {
  const because = [
    ...(isStopping ? ['The server is stopping.'] : []),
    ...(isStoreUp ? [] : ['The database does not answer.']),
    ...(work.sinceLook > longestWithoutLook
      ? [`The store could not be asked for work for ${Math.round(work.sinceLook / 1000)} s.`]
      : []),
  ];
  const ready = because.length === 0;
  return { ready, status: ready ? 'ready' : isStopping ? 'stopping' : 'not ready', because, work };
}

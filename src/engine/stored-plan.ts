/**
 * The plan of a run never changes and is most of what there is to write of it: it is kept once, beside the state, and neither in the
 * event that tells of the run nor anew with each change.
 */

import type { Json, JsonObject } from '../core/json.ts';
import type { AggregateKind, Store, StoredEvent, Transition } from '../store/store.ts';

type Aggregate = Transition['aggregates'][number];

/** What is written of a state and its events. */
export function withoutPlan(
  kind: AggregateKind,
  version: number,
  state: JsonObject,
  events: JsonObject[],
): Pick<Aggregate, 'fixed' | 'state' | 'events'> {
  if (kind !== 'execution') return { state, events };
  const { plan, ...moving } = state;
  return {
    ...(version === 0 ? { fixed: { plan: plan as Json } } : {}),
    state: moving,
    events: events.map((event) => {
      if (event.type !== 'execution-created') return event;
      const { plan: _, ...others } = event;
      return others;
    }),
  };
}

/** Stored events as they happened: one that tells of a run brings the plan, which is read for it. */
export function asHappened({ load }: Pick<Store, 'load'>, stored: readonly StoredEvent[]): Promise<StoredEvent[]> {
  return Promise.all(
    stored.map(async (event) => {
      if (event.body.type !== 'execution-created' || event.body.plan) return event;
      const { plan } = ((await load(event.kind, event.aggregate))?.state ?? {}) as JsonObject;
      return { ...event, body: { ...event.body, plan: plan ?? null } };
    }),
  );
}

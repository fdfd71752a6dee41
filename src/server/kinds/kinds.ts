import { customIntegrationKind } from './custom-integration.ts';
import { endpointKind } from './endpoint.ts';
import type { Kind, KindParts } from './kind.ts';
import { pipelineKind } from './pipeline.ts';
import { propertyGroupKind } from './property-group.ts';
import { scheduleKind } from './schedule.ts';
import { listenerKind, streamTriggerKind } from './stream.ts';
import { variableKind } from './variable.ts';
import { webhookKind } from './webhook.ts';

/** The kinds of definition that the API of Code Stream knows, by their name. */
export type Kinds = Record<string, Kind>;

export function kinds(parts: KindParts): Kinds {
  const all = [
    pipelineKind(parts),
    endpointKind(parts),
    variableKind(parts),
    customIntegrationKind(),
    propertyGroupKind(parts),
    scheduleKind(),
    ...parts.catalogue.triggers.map((trigger) => webhookKind(parts, trigger)),
    ...parts.catalogue.streams.flatMap((stream) => [listenerKind(parts, stream), streamTriggerKind(stream)]),
  ];
  return Object.fromEntries(all.map((one) => [one.kind, one]));
}

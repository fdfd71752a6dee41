import { isObject, type Json, type JsonObject } from '../core/json.ts';
import { type Constraint, parseConstraint } from './constraint.ts';
import type { Spreading } from './placement.ts';
import type { Zone } from './zone.ts';

/** What a project says about all that is deployed in it. */
export interface ProjectRules {
  /** They join those of each network and each disk. */
  networkConstraints: Constraint[];
  storageConstraints: Constraint[];
  spreading: Spreading;
  /** A pattern for the names of machines; empty: none. */
  namingTemplate: string;
  /** They join those of each resource. */
  customProperties: JsonObject;
  /** Milliseconds that a step of a deployment may take; 0: as its resource says. */
  operationTimeout: number;
  /** The zones it may use, by name; null: all there are. */
  zones: Record<string, JsonObject> | null;
}

/**
 * Reads them from a project as the API keeps it: `zones`, `constraints`, `placementPolicy`, `machineNamingTemplate`,
 * `customProperties`, `operationTimeout` (minutes).
 */
export function projectRulesOf(project: JsonObject = {}): ProjectRules {
  const constraints = isObject(project.constraints) ? project.constraints : {};
  const zones = Array.isArray(project.zones) ? project.zones.filter(isObject) : [];
  return {
    networkConstraints: expressions(constraints.network),
    storageConstraints: expressions(constraints.storage),
    spreading: project.placementPolicy === 'SPREAD' ? 'SPREAD' : 'DEFAULT',
    namingTemplate: String(project.machineNamingTemplate ?? ''),
    customProperties: isObject(project.customProperties) ? project.customProperties : {},
    operationTimeout: Number(project.operationTimeout ?? 0) * 60_000,
    zones: zones.length > 0 ? Object.fromEntries(zones.map((zone) => [String(zone.zone ?? zone.zoneId), zone])) : null,
  };
}

/** The zones that a project may use, with its own priorities and limits. One that names none may use all. */
export function zonesOfProject(zones: readonly Zone[], rules: ProjectRules): Zone[] {
  if (!rules.zones) return [...zones];
  return zones.flatMap((zone) => {
    const share = rules.zones![zone.name];
    if (!share) return [];
    const limit = (given: Json | undefined, own: number) => Number(given ?? 0) || own;
    return [
      {
        ...zone,
        priority: Number(share.priority ?? zone.priority),
        limits: {
          instances: limit(share.maxNumberInstances, zone.limits.instances),
          memoryMb: limit(share.memoryLimitMB, zone.limits.memoryMb),
          cpus: limit(share.cpuLimit, zone.limits.cpus),
          storageGb: limit(share.storageLimitGB, zone.limits.storageGb),
        },
      },
    ];
  });
}

/** `{mandatory, expression: "[!]key:value"}`, as both services of the original keep them. */
function expressions(given: Json | undefined): Constraint[] {
  const list = Array.isArray(given) ? given.filter(isObject) : [];
  return list.flatMap(({ mandatory, expression }) => {
    const constraint = parseConstraint(String(expression ?? ''));
    return constraint ? [{ ...constraint, hard: mandatory !== false }] : [];
  });
}

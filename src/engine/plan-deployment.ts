import { type PlanRequest, planChanges } from '../blueprint/changes.ts';
import { type Deployment, type DeploymentPlan, isBusy } from '../blueprint/deployment.ts';
import { earlierPlan } from '../blueprint/history.ts';
import { bindBlueprintInputs } from '../blueprint/inputs.ts';
import type { Blueprint } from '../blueprint/model.ts';
import { checkBlueprint } from '../blueprint/parse.ts';
import type { Placement } from '../blueprint/placement.ts';
import { withPropertyGroups } from '../blueprint/property-groups.ts';
import { planDelete, protectedIn } from '../blueprint/removal.ts';
import { isError } from '../core/diagnostic.ts';
import { MillraceError } from '../core/error.ts';
import { toIso } from '../core/instant.ts';
import { isObject, type Json } from '../core/json.ts';
import type { DeploymentRequest } from '../sdk/powers.ts';
import { isSealed } from '../store/seal.ts';
import type { Document } from '../store/store.ts';
import { readPropertyGroups, readRequests, readZones } from './definitions.ts';
import { readLand } from './land.ts';
import { definitionFor, findingsOf, isOfFamily } from './locate.ts';
import type { EngineParts } from './parts.ts';
import type { FunctionRuns } from './resource-powers.ts';

/** Plans what a request will do, or refuses it in words, before anything is touched. */
export function deploymentPlanner(parts: EngineParts, functions: FunctionRuns) {
  const { store } = parts;

  return planFor;

  async function planFor(
    request: DeploymentRequest,
    existing: Deployment | undefined,
    /** Of the deployment, which may not stand yet, and of this request. */
    { id, requestId }: { id: string; requestId: string },
  ): Promise<DeploymentPlan> {
    const { deploymentName, project } = request;
    if (request.action !== 'CREATE' && !existing) {
      throw new MillraceError('deployment.unknown', {
        message: `There is no deployment ${deploymentName} in project ${project}.`,
        hint: 'Was it deleted already, or is its name spelt differently?',
      });
    }
    if (existing && isBusy(existing)) {
      throw new MillraceError('deployment.busy', {
        message: `Deployment ${deploymentName} is busy: ${existing.status}.`,
        hint: 'Wait until that request has ended, then try again.',
      });
    }
    const requestedAt = toIso(parts.moment.now());
    if (request.action === 'DELETE') {
      refuseProtected(existing!);
      return planDelete(existing!, requestId, request.requestedBy, requestedAt);
    }
    if (request.action === 'CREATE' && existing) {
      throw new MillraceError('name.taken', {
        message: `A deployment ${deploymentName} exists in project ${project}: ${existing.status}.`,
        hint: 'Use UpdateDeployment, delete it first, or choose another name.',
      });
    }
    if (request.action === 'ROLLBACK') return planRollback(request, existing!, requestId, requestedAt);
    const plan = await planApply(request, existing, { id, requestId }, requestedAt);
    const removed = plan.actions.filter(({ does }) => does === 'delete').map(({ instance }) => instance);
    if (request.action === 'UPDATE' && removed.length > 0 && !request.allowDestroy) {
      throw new MillraceError('request.invalid', {
        message: `The update of ${deploymentName} would remove ${removed.join(', ')}.`,
        hint: 'Set `allowDestroy: true` in the task if that is meant.',
      });
    }
    return plan;
  }

  async function planApply(
    request: DeploymentRequest,
    existing: Deployment | undefined,
    { id, requestId }: { id: string; requestId: string },
    requestedAt: string,
  ): Promise<DeploymentPlan> {
    const { blueprint: written, name: blueprintName, ...source } = await sourceOf(request, existing);
    const { blueprint, constants } = await withGroups(written, blueprintName, request.project);
    const given = { ...(existing?.plan.inputs ?? {}), ...request.inputs };
    for (const [input, { encrypted }] of Object.entries(blueprint.inputs)) {
      const value = given[input];
      if (encrypted === true && isSealed(value)) given[input] = parts.seal.open(String(value));
    }
    const { inputs, faults } = bindBlueprintInputs(blueprint, given);
    if (faults.length > 0)
      throw new MillraceError('input.invalid', {
        message: `Blueprint ${blueprintName}: ${faults.map(({ message }) => message).join(' ')}`,
      });
    for (const [input, definition] of Object.entries(blueprint.inputs)) {
      if (definition.encrypted === true) inputs[input] = sealed(inputs[input], existing?.plan.inputs[input]);
    }
    const { requestedBy, deploymentName: name, project } = request;
    return placed({ id, name, project }, existing, {
      request: requestId,
      kind: existing ? 'UPDATE' : 'CREATE',
      blueprint,
      blueprintName,
      ...source,
      inputs,
      ...(Object.keys(constants).length > 0 ? { constants } : {}),
      requestedBy,
      requestedAt,
      ...(request.rebuild ? { rebuild: request.rebuild } : {}),
    });
  }

  /** The blueprint with the property groups of its project in it. */
  async function withGroups(blueprint: Blueprint, name: string, project: string) {
    const { missing, ...found } = withPropertyGroups(blueprint, await readPropertyGroups(parts, project));
    if (missing.length > 0)
      throw new MillraceError('definition.invalid', {
        message: `Blueprint ${name} reads the property ${missing.length === 1 ? 'group' : 'groups'} ${missing.join(', ')}, which project ${project} does not have.`,
        hint: 'POST /properties/api/property-groups makes one; or import it as `kind: PROPERTY_GROUP`.',
      });
    return found;
  }

  /** What a rollback removes was made by what it takes back, so it needs no leave to remove. */
  async function planRollback(
    { deploymentName, requestedBy }: DeploymentRequest,
    existing: Deployment,
    requestId: string,
    requestedAt: string,
  ): Promise<DeploymentPlan> {
    const earlier = earlierPlan(await readRequests(parts, existing.id));
    if (!earlier) {
      throw new MillraceError('request.invalid', {
        message: `Deployment ${deploymentName} has no earlier state to go back to: ${existing.status}.`,
        hint: 'A rollback needs an earlier request that succeeded; update the deployment, or delete it.',
      });
    }
    const { blueprint, blueprintName, blueprintId = '', blueprintVersion = '', inputs, constants } = earlier;
    return placed(existing, existing, {
      request: requestId,
      kind: 'UPDATE',
      blueprint,
      blueprintName,
      inputs,
      ...(constants ? { constants } : {}),
      requestedBy,
      requestedAt,
      ...{ blueprintId, blueprintVersion, restores: earlier.request },
    });
  }

  /** The blueprint that a request means: given as text, kept under a name, or the one that the deployment stands on. */
  async function sourceOf(
    { project, blueprint: asked = '', version = '', content, keepsBlueprint }: DeploymentRequest,
    existing: Deployment | undefined,
  ): Promise<{ blueprint: Blueprint; name: string; blueprintId: string; blueprintVersion: string }> {
    const name = asked || existing?.plan.blueprintName || '';
    if (existing && keepsBlueprint) return standingOn(existing);
    if (content !== undefined)
      return { blueprint: checked(name, content), name, blueprintId: '', blueprintVersion: '' };
    const document = (await store.find('blueprint', project, name)) ?? (await blueprintOfAnyProject(name));
    const found = { blueprintId: document?.id ?? '', blueprintVersion: version };
    if (document) return { blueprint: checked(name, contentOf(document, version)), name, ...found };
    if (existing && name === existing.plan.blueprintName && version === '') return standingOn(existing);
    throw new MillraceError('not.found', {
      message: `There is no blueprint ${name} in project ${project}.`,
      hint: 'Import it: millrace import FILE',
    });
  }

  function contentOf({ name, body }: Document, version: string): string {
    if (version === '') return String(body.content);
    const versions = Array.isArray(body.versions) ? body.versions.filter(isObject) : [];
    const found = versions.find((candidate) => candidate.version === version);
    if (found) return String(found.content);
    throw new MillraceError('not.found', {
      message: `Blueprint ${name} has no version ${version}.`,
      hint: `It has: ${versions.map((candidate) => String(candidate.version)).join(', ') || 'none; its draft is deployed where no version is named'}.`,
    });
  }

  function checked(name: string, content: string): Blueprint {
    const { blueprint, diagnostics } = checkBlueprint(content);
    if (!blueprint || diagnostics.some(isError)) {
      throw new MillraceError('definition.invalid', {
        message: `Blueprint ${name} has errors: ${diagnostics
          .filter(isError)
          .map(({ line, column, message }) => `${line}:${column}: ${message}`)
          .join(' ')}`,
        hint: `Correct it: millrace validate FILE`,
        diagnostics,
      });
    }
    return blueprint;
  }

  async function placed(
    deployment: Pick<Deployment, 'id' | 'name' | 'project'>,
    existing: Deployment | undefined,
    wanted: PlanRequest,
  ): Promise<DeploymentPlan> {
    const findings = existing ? await findingsOf(parts, functions, existing) : {};
    const planned = planChanges(wanted, existing ?? null, await readLand(parts, deployment), findings, deployment);
    if ('refused' in planned) {
      throw new MillraceError('placement.impossible', {
        message: `Deployment ${deployment.name} is refused: ${planned.refused.map(({ message }) => message).join(' ')}`,
        hint: `See why: millrace plan BLUEPRINT`,
      });
    }
    const plan = { ...planned, placements: planned.placements.map(kept) };
    const unmakeable = await unmakeableIn(plan);
    if (wanted.request === '') return withWarnings(plan, unmakeable);
    const [first] = Object.values(unmakeable);
    if (!first) return plan;
    throw new MillraceError('placement.impossible', {
      message: `Deployment ${deployment.name} is refused: ${first}`,
      hint: `It can make: ${[...new Set(parts.catalogue.resources.map(({ type }) => type))].join(', ')}.`,
    });
  }

  /** By instance, why no cloud of this server can make it where it would go. What stands is somebody's already. */
  async function unmakeableIn({ target, actions, blueprintName }: DeploymentPlan): Promise<Record<string, string>> {
    const zones = new Map((await readZones(parts)).map((zone) => [zone.name, zone]));
    const made = new Set(actions.filter(({ does }) => does === 'create').map(({ instance }) => instance));
    return Object.fromEntries(
      target
        .filter(({ instance }) => made.has(instance))
        .flatMap(({ instance, node, type, zone }) => {
          const cloud = zones.get(zone)?.accountType ?? 'local';
          if (definitionFor(parts, type, cloud)) return [];
          const isKnown = parts.catalogue.resources.some((definition) => isOfFamily(definition.type, type));
          const where = isKnown
            ? `which this server cannot make on accounts of the type ${cloud} (zone ${zone})`
            : 'which no cloud of this server can make';
          return [[instance, `Resource ${node} of blueprint ${blueprintName} has the type ${type}, ${where}.`]];
        }),
    );
  }

  /** A plan alone is told all the same, with what would be in its way. */
  function withWarnings(plan: DeploymentPlan, unmakeable: Record<string, string>): DeploymentPlan {
    const actions = plan.actions.map((action) => {
      const warning = unmakeable[action.instance];
      return warning && action.does === 'create' ? { ...action, because: `It would be refused: ${warning}` } : action;
    });
    return { ...plan, actions };
  }

  /** A value that stays the same stays sealed the same, so that it is no change. */
  function sealed(value: Json | undefined, before: Json | undefined): Json {
    if (isSealed(value)) return value!;
    if (isSealed(before) && parts.seal.open(String(before)) === String(value ?? '')) return before!;
    return parts.seal.close(String(value ?? ''));
  }

  async function blueprintOfAnyProject(name: string): Promise<Document | undefined> {
    return (await store.list('blueprint')).find(
      (candidate) => candidate.name === name && candidate.body.requestScopeOrg === true,
    );
  }
}

function refuseProtected(existing: Deployment): void {
  const kept = protectedIn(existing);
  if (kept.length === 0) return;
  throw new MillraceError('request.invalid', {
    message: `Deployment ${existing.name} cannot be deleted: ${kept.join(', ')} ${kept.length === 1 ? 'has' : 'have'} \`preventDelete\`.`,
    hint: 'Update it by a blueprint without that first, if it is meant.',
  });
}

const standingOn = ({ plan }: Deployment) => ({
  blueprint: plan.blueprint,
  name: plan.blueprintName,
  blueprintId: plan.blueprintId ?? '',
  blueprintVersion: plan.blueprintVersion ?? '',
});

/** How many verdicts are kept with a deployment: the nearest. */
const mostVerdicts = 10;

const kept = (placement: Placement): Placement => ({
  ...placement,
  verdicts: placement.verdicts.slice(0, mostVerdicts),
});

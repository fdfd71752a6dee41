import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { emptyLand, planChanges } from '../../blueprint/changes.ts';
import { bindBlueprintInputs } from '../../blueprint/inputs.ts';
import { checkBlueprint } from '../../blueprint/parse.ts';
import type { Placement, Verdict } from '../../blueprint/placement.ts';
import { readZone, type Zone } from '../../blueprint/zone.ts';
import { type Diagnostic, formatDiagnostic, isError } from '../../core/diagnostic.ts';
import { isObject, type Json } from '../../core/json.ts';
import { parseYaml } from '../../lang/yaml.ts';
import { type OutputFormat, outputOption, paints, print } from '../output.ts';
import type { CliParts, ExitCode } from '../program.ts';
import { keyValue } from './input.ts';

export const planCommand = (_: CliParts, done: (code: ExitCode) => void): Command =>
  new Command('plan')
    .description('Show where the resources of a blueprint would go and why, without a server.')
    .argument('<blueprint>', 'file')
    .option('--input <name=value>', 'an input', keyValue, {})
    .option('--clouds <file>', 'cloud zones, as YAML documents of the kind CLOUD_ZONE')
    .addOption(outputOption())
    .action(
      (
        path: string,
        { input, clouds, output }: { input: Record<string, string>; clouds?: string; output: OutputFormat },
      ) => {
        const text = readFileSync(path, 'utf8');
        const document = parseYaml(text).documents[0];
        const tell = (diagnostic: Diagnostic) => process.stderr.write(`${formatDiagnostic(path, diagnostic)}\n`);
        const { blueprint, diagnostics } = checkBlueprint(text);
        diagnostics.forEach(tell);
        if (!blueprint || !document || diagnostics.some(isError)) return done(1);
        const { inputs, faults } = bindBlueprintInputs(blueprint, input);
        for (const { input: name, message } of faults)
          tell({
            severity: 'error',
            code: 'input.invalid',
            message,
            hint: `Give it: --input ${name}=VALUE`,
            ...document.placeOfKey(['inputs', name]),
          });
        if (faults.length > 0) return done(1);
        const plan = planChanges(
          {
            request: 'plan',
            kind: 'CREATE',
            blueprint,
            blueprintName: blueprint.name,
            inputs,
            requestedBy: '',
            requestedAt: '',
          },
          null,
          emptyLand(clouds ? readZones(clouds) : []),
        );
        const refused = 'refused' in plan ? plan.refused : [];
        for (const { resource, message } of refused)
          tell({
            severity: 'error',
            code: 'placement.impossible',
            message,
            hint: clouds ? undefined : 'Name the zones: --clouds FILE',
            ...document.placeOfKey(['resources', resource]),
          });
        const actions = 'refused' in plan ? [] : plan.actions;
        print(
          output,
          {
            possible: refused.length === 0,
            refused,
            placements: plan.placements,
            actions,
          } as unknown as Json,
          () =>
            [
              ...plan.placements.map(explain),
              '',
              ...actions.map(
                ({ id, after, because }) =>
                  `${paints.good('+')} ${id}${after.length > 0 ? paints.dim(` after ${after.join(', ')}`) : ''}  ${because}`,
              ),
            ].join('\n'),
        );
        done(refused.length === 0 ? 0 : 1);
      },
    );

/** How many zones that will not do are named; `--output json` has all. */
const told = 5;

function explain({ resource, zone, region, account, because, verdicts, ...chosen }: Placement): string {
  const { networkProfile, network, storage, hosts } = chosen;
  const details = [
    ...(zone ? [`account ${account}, region ${region}`] : []),
    ...(network ? [`network ${network} of ${networkProfile}`] : []),
    ...Object.entries(storage).map(([disk, profile]) => `${disk} on ${profile}`),
    ...(hosts.length > 0 ? [`on ${hosts.join(', ')}`] : []),
  ];
  const isElsewhere = ({ refused }: Verdict) => refused.length > 0 && refused.every(({ rule }) => rule === 'zone');
  const others = verdicts.filter((verdict) => verdict.zone !== zone && !isElsewhere(verdict));
  const lines = others
    .slice(0, told)
    .map(
      ({ zone: name, refused, softMatches, priority }) =>
        `    ${name}: ${refused.length > 0 ? `no, ${refused.map(({ message }) => message).join('; ')}` : `possible (priority ${priority}, ${softMatches} soft)`}`,
    );
  const more = others.length > told ? [paints.dim(`    and ${others.length - told} more zones`)] : [];
  const head = `${paints.bold(resource)} -> ${zone ?? paints.bad('nowhere')}: ${because}`;
  return [head, ...(details.length > 0 ? [paints.dim(`    ${details.join('; ')}`)] : []), ...lines, ...more].join('\n');
}

function readZones(path: string): Zone[] {
  return parseYaml(readFileSync(path, 'utf8')).documents.flatMap(({ value }) =>
    isObject(value) && value.name ? [readZone(value)] : [],
  );
}

import type { Item } from './source.ts';

/** What must be there before what: definitions that others name come first. */
const kinds = ['VARIABLE', 'ENDPOINT', 'CUSTOM_INTEGRATION', 'CLOUD_ZONE', 'BLUEPRINT', 'ACTION', 'PIPELINE'];

/** In the order of their dependencies; pipelines that call each other in a ring come in the order in which they were found. */
export function inOrder(items: Item[]): Item[] {
  const rank = ({ kind }: Item) => (kinds.includes(kind) ? kinds.indexOf(kind) : kinds.length);
  const sorted = [...items].sort((a, b) => rank(a) - rank(b));
  const pipelines = sorted.filter(({ kind }) => kind === 'PIPELINE');
  const placed = new Set<Item>();
  const place = (one: Item, above: Item[]): void => {
    if (placed.has(one) || above.includes(one)) return;
    for (const name of one.needs)
      for (const needed of pipelines) if (needed.name === name) place(needed, [...above, one]);
    placed.add(one);
  };
  for (const one of pipelines) place(one, []);
  return [
    ...sorted.filter((one) => rank(one) < kinds.indexOf('PIPELINE')),
    ...placed,
    ...sorted.filter((one) => rank(one) > kinds.indexOf('PIPELINE')),
  ];
}

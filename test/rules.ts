import { catalogue } from '../src/plugins/catalogue.ts';
import type { Catalogue } from '../src/sdk/catalogue.ts';
import { taskRules } from '../src/sdk/rules.ts';

/** Everything but the local cloud, which needs a place to live. */
export const everything: Catalogue = catalogue({
  site: undefined,
  containers: undefined,
  allowProcessWorkspace: true,
  bootWithin: { process: 1000, container: 1000 },
});

export const rules = taskRules(everything);

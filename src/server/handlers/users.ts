import { z } from 'zod';
import type { HandlerParts } from '../handlers.ts';
import { type Handler, pageOf } from '../request.ts';
import { roles } from '../users.ts';

const change = z.object({
  password: z.string().min(1).optional(),
  role: z.enum(roles).optional(),
  email: z.union([z.literal(''), z.email()]).optional(),
  groups: z.array(z.string().min(1)).optional(),
});
const newUser = change.required({ password: true, role: true }).extend({ name: z.string().min(1) });

export function userHandlers({ users, auth }: HandlerParts): Record<string, Handler> {
  return {
    'users.list': async ({ query }) => pageOf((await users.list()) as never, query),
    'users.create': async ({ body }) => {
      const { name, password, role, ...more } = newUser.parse(body);
      return users.add(name, password, role, more);
    },
    'users.get': async ({ params }) => users.get(params.name!),
    'users.change': async ({ params, body }) => {
      const wanted = change.parse(body);
      const changed = await users.change(params.name!, wanted);
      if (wanted.password) await auth.forget(changed.name);
      return changed;
    },
    'users.delete': async ({ params }) => {
      const removed = await users.remove(params.name!);
      await auth.forget(removed.name);
      return removed;
    },
    'user.preferences': async ({ user }) => ({
      _link: '/codestream/api/user-preferences',
      userName: user!.name,
      preferences: {},
    }),
  };
}

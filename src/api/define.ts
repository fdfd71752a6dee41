import { z } from 'zod';
import type { Operation, Permission } from './operation.ts';

export const json = z.record(z.string(), z.json());
export const anyText = z.unknown();

export const operation = (
  id: string,
  route: string,
  permission: Permission,
  summary: string,
  extra: Partial<Operation> = {},
): Operation => {
  const [method, path] = route.split(' ') as [Operation['method'], string];
  return { id, method, path, permission, summary, tag: id.split('.')[0]!, ...extra };
};

/** The same question of a thing by its id, and by its project and name. */
export const byBoth = (
  id: string,
  route: string,
  permission: Permission,
  summary: string,
  extra: Partial<Operation> = {},
): Operation[] => [
  operation(id, route, permission, summary, extra),
  operation(`${id}ByName`, route.replace('{id}', '{project}/{name}'), permission, summary, extra),
];
/** Create, read, change and delete for one kind of definition, by id and by project and name. */
export const crud = (tag: string, path: string, what: string, write: Permission): Operation[] => [
  operation(`${tag}.list`, `GET ${path}`, 'read', `Lists ${what}.`),
  operation(`${tag}.create`, `POST ${path}`, write, `Makes one of the ${what}.`, { body: json }),
  operation(`${tag}.get`, `GET ${path}/{id}`, 'read', `One of the ${what}.`),
  operation(`${tag}.getByName`, `GET ${path}/{project}/{name}`, 'read', `One of the ${what}, by project and name.`),
  operation(`${tag}.replace`, `PUT ${path}/{id}`, write, `Replaces one of the ${what}.`, { body: json }),
  operation(
    `${tag}.replaceByName`,
    `PUT ${path}/{project}/{name}`,
    write,
    `Replaces one of the ${what}, by project and name.`,
    { body: json },
  ),
  operation(`${tag}.delete`, `DELETE ${path}/{id}`, write, `Deletes one of the ${what} and answers it.`),
  operation(
    `${tag}.deleteByName`,
    `DELETE ${path}/{project}/{name}`,
    write,
    `Deletes one of the ${what}, by project and name.`,
  ),
];

import { z } from 'zod';
import { integer, text } from '../../../sdk/fields.ts';

const health = z.looseObject({
  urlPath: text('Path that answers below 400 when the instance is well.').default('/'),
  port: z.coerce.number().describe('Port of the check; the instance port when not given.').optional(),
  intervalSeconds: z.coerce.number().describe('Seconds between two checks.').default(1),
  timeoutSeconds: z.coerce.number().describe('Seconds after which a check has failed.').default(3),
  healthyThreshold: integer('Good checks in a row that make it healthy.').default(1),
  unhealthyThreshold: integer('Bad checks in a row that make it unhealthy.').default(3),
});

/** What a load balancer is asked for, in either profile. */
export const balancerProperties = z.looseObject({
  instances: z
    .preprocess(
      (value) =>
        Array.isArray(value)
          ? value.flat(3).filter((item) => item !== null && item !== '')
          : value === null || value === ''
            ? []
            : [value],
      z.array(z.string()),
    )
    .describe('Ids of the machines: `${resource.web[*].id}`.'),
  routes: z
    .array(
      z.looseObject({
        protocol: text(
          'HTTP, or TCP: a connection of a client is one to a machine. HAProxy passes HTTPS through; processes know HTTP alone.',
        ).default('HTTP'),
        port: integer('Port on which it listens.'),
        instancePort: integer('Port of the machines.').optional(),
        algorithm: text('ROUND_ROBIN or LEAST_CONNECTION.').default('ROUND_ROBIN'),
        healthCheckConfiguration: health.describe('How the machines are checked.').optional(),
      }),
    )
    .min(1)
    .describe('What it listens to, and where that goes.'),
  internetFacing: z.unknown().describe('Kept; everything here is on loopback addresses.').optional(),
  network: z.unknown().describe('Kept; everything here is on loopback addresses.').optional(),
});

/** One port of a load balancer, and how its members are checked. Times in milliseconds. */
export interface Route {
  protocol: string;
  port: number;
  instancePort: number;
  algorithm: string;
  health: { path: string; port: number; interval: number; timeout: number; healthy: number; unhealthy: number };
}

/** The routes with all that was left out. */
export function routesOf({ routes }: z.infer<typeof balancerProperties>): Route[] {
  return routes.map(({ protocol, port, instancePort = port, algorithm, healthCheckConfiguration }) => {
    const check = health.parse(healthCheckConfiguration ?? {});
    return {
      protocol: protocol.toUpperCase(),
      port,
      instancePort,
      algorithm: algorithm.toUpperCase(),
      health: {
        path: check.urlPath,
        port: check.port ?? instancePort,
        interval: Math.round(check.intervalSeconds * 1000),
        timeout: Math.round(check.timeoutSeconds * 1000),
        healthy: check.healthyThreshold,
        unhealthy: check.unhealthyThreshold,
      },
    };
  });
}

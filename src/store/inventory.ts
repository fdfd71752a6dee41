/** Counts of what a database or a backup of it holds, for people to see that it is the right one. */
export interface Inventory {
  bytes: number;
  executions: number;
  deployments: number;
  definitions: number;
}

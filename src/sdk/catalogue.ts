import type { CloudResourceDefinition } from './cloud.ts';
import type {
  EndpointDefinition,
  MetricSinkDefinition,
  NotificationDefinition,
  NotifierDefinition,
  TriggerDefinition,
  WorkspaceDefinition,
} from './parts.ts';
import type { Endpoint } from './powers.ts';
import type { StreamDefinition } from './streams.ts';
import type { TaskDefinition } from './task.ts';

/** Everything this server can do: lists of definitions, one line each. */
export interface Catalogue {
  tasks: TaskDefinition[];
  endpoints: EndpointDefinition[];
  resources: CloudResourceDefinition[];
  triggers: TriggerDefinition[];
  streams: StreamDefinition[];
  notifiers: NotifierDefinition[];
  notifications: NotificationDefinition[];
  metricSinks: MetricSinkDefinition[];
  workspaces: WorkspaceDefinition[];
  /** A piece of shell that leaves the files of a repository in `tree`, with the environment that it needs. */
  fetchTree(repository: Endpoint, ref: string): { environment: Record<string, string>; script: string };
}

import type { CloudResourceDefinition } from './cloud.ts';
import type {
  EndpointDefinition,
  MetricSinkDefinition,
  NotificationDefinition,
  NotifierDefinition,
  TriggerDefinition,
  WorkspaceDefinition,
} from './parts.ts';
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
}

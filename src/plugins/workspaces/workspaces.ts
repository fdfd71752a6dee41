import type { WorkspaceDefinition } from '../../sdk/parts.ts';
import { dockerWorkspace } from './docker.ts';
import { podWorkspace } from './kubernetes.ts';

/** Every kind of workspace that is a container. */
export const workspaces: WorkspaceDefinition[] = [dockerWorkspace, podWorkspace];

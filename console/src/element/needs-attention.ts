import type { Host } from '../../../src/api/contract/host.ts';

/** Whether a person should look at a host. */
export function needsAttention(health: Host['health']): boolean {
  return health === 'retrying' || health === 'disconnected' || health === 'stopped';
}

import type { Orderer } from '../../src/access/rights/orderer.ts';
import { PERMISSIONS } from '../../src/access/rights/principal.ts';

/** A local user who may do everything. */
export const orderer = (name: string): Orderer => ({
  name,
  via: 'local',
  roles: ['administrator'],
  permissions: PERMISSIONS,
  visibleHosts: undefined,
});

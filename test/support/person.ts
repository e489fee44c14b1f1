import { PERMISSIONS, type Principal } from '../../src/access/rights/principal.ts';

/** A local user who may do and see everything. */
export const ANN: Principal = {
  name: 'ann',
  roles: [],
  permissions: new Set(PERMISSIONS),
  visibleHosts: undefined,
  unmasked: true,
  via: 'local',
};
